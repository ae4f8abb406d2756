"""Times of day: when the next digest is, and when it is quiet. Pure; the zone is an argument.

`zone` None is the system's. A time that a clock change leaves out comes as much later as the clock
was put forward; one that comes twice counts the first time.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from kilopush_bridge.model import Priority

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import tzinfo


@dataclass(frozen=True, slots=True)
class Quiet:
    """Hours in which only `let_through` and what is more urgent is sent; they may span midnight."""

    begin: time
    end: time
    let_through: Priority = Priority.HIGH

    def holds(self, priority: Priority, now_s: float, zone: tzinfo | None) -> bool:
        """Return whether an alert of that priority has to wait now."""
        return priority > self.let_through and self.is_now(now_s, zone)

    def is_now(self, now_s: float, zone: tzinfo | None) -> bool:
        """Return whether it is quiet at Unix time `now_s`."""
        clock = datetime.fromtimestamp(now_s, zone).time()
        if self.begin <= self.end:
            return self.begin <= clock < self.end
        return clock >= self.begin or clock < self.end


def next_of(times: Sequence[time], after_s: float, zone: tzinfo | None) -> float:
    """Return the first moment after Unix time `after_s` that is one of `times` on the clock."""
    today = datetime.fromtimestamp(after_s, zone).date()
    moments = (
        datetime.combine(today + timedelta(days=days), at, zone).timestamp()
        for days in (0, 1, 2)
        for at in times
    )
    return min(moment for moment in moments if moment > after_s)


def moments_within(
    times: Sequence[time], begin_s: float, end_s: float, zone: tzinfo | None
) -> list[float]:
    """Return every moment after `begin_s` up to `end_s` that is one of `times` on the clock."""
    moments = []
    at_s = begin_s
    while times and (at_s := next_of(times, at_s, zone)) <= end_s:
        moments.append(at_s)
    return moments
