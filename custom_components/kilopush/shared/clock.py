# Generated from kilopush_bridge/scheduler/clock.py by tools/copy_core.py: do not edit.
"""What time it is: the API's own time, as soon as it has named it.

Clocks in houses jump: a Raspberry Pi starts in the past, a daylight-saving mistake is put right by
hand. Every reply of the API names its time; from there on, only seconds that really pass count.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

# A `Date` header has full seconds, and replies take a moment: less is no news.
NEWS_S = 2.0
DRIFT_S = 60.0  # so much may pass unseen, while the machine sleeps for example
WITNESSES = 3  # replies that must agree on a time that is further off

LATEST_S = 7_258_118_400.0  # the year 2200: what a reply names beyond that is no time


def uptime_s() -> float:
    """Return seconds that pass at their own pace, the machine's sleep included where possible."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


class ApiClock:
    """Unix time when called: by the API if it is known, else by the machine's own clock.

    `uptime` gives seconds that nobody can set. `start_from` tells when the API's time was known
    last.
    """

    def __init__(self, wall: Callable[[], float], uptime: Callable[[], float] = uptime_s) -> None:
        self._wall = wall
        self._uptime = uptime
        self._ahead_of_uptime_s: float | None = None
        self._known_s = 0.0
        self._known_at_s = uptime()
        self._doubts: list[float] = []  # times that recent replies named instead
        self.is_known = False

    def __call__(self) -> float:
        """Return the best that is known."""
        if self._ahead_of_uptime_s is None:
            return self._wall()
        return self._uptime() + self._ahead_of_uptime_s

    @property
    def counted_s(self) -> float:
        """The time that the ledger counts in: until the API has named its own, it is never ahead.

        An hour that passed while we were off may then count as none; the budget is the smaller for
        it, never the larger.
        """
        if self.is_known:
            return self()
        return self._known_s + self._uptime() - self._known_at_s

    @property
    def unknown_for_s(self) -> float:
        """How long it has not been known."""
        return 0.0 if self.is_known else self._uptime() - self._known_at_s

    @property
    def ahead_s(self) -> float:
        """How far the API's time is ahead of the machine's clock."""
        return self() - self._wall()

    def start_from(self, counted_s: float) -> None:
        """Take the time at which the last run ended."""
        self._known_s, self._known_at_s = counted_s, self._uptime()

    def hear(self, api_s: float | None) -> bool:
        """Take the time that a reply names; return whether that is news.

        If it names none, our own clock has to do. Once the time is known, another one is believed
        when several replies agree: a single wrong one would let messages count too short.
        """
        is_first = not self.is_known
        self.is_known = True
        if api_s is None or not 0 < api_s < LATEST_S:
            return is_first
        ahead_s = api_s - self._uptime()
        if self._ahead_of_uptime_s is None:
            own_ahead_s = self._wall() - self._uptime()
            is_same = abs(ahead_s - own_ahead_s) <= NEWS_S
            self._ahead_of_uptime_s = own_ahead_s if is_same else ahead_s
            return is_first or not is_same
        return self._correct(ahead_s) or is_first

    def _correct(self, ahead_s: float) -> bool:
        off_s = abs(ahead_s - (self._ahead_of_uptime_s or 0.0))
        if off_s <= NEWS_S:
            self._doubts.clear()
            return False
        self._doubts = [one for one in self._doubts if abs(one - ahead_s) <= DRIFT_S] + [ahead_s]
        if off_s > DRIFT_S and len(self._doubts) < WITNESSES:
            return False
        self._ahead_of_uptime_s = ahead_s
        self._doubts.clear()
        return True
