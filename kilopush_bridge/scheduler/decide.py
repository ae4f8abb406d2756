"""What to send now: a pure function of what waits, what is held, what is on the way, and the time.

Criticals go at once and side by side. Everything else goes one POST at a time per channel, most
urgent first. What is held goes one probe at a time, when its hold is due.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kilopush_bridge.model import Hold, HoldKind
from kilopush_bridge.scheduler.pauses import is_waiting

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from kilopush_bridge.model import Delivery

# More at once would not be faster for the API, and a house has few people.
CRITICALS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Flight:
    """A POST that is on the way: what it carries, and which holds it probes."""

    channel: str
    is_critical: bool
    probes: frozenset[tuple[str, str, HoldKind]] = frozenset()


@dataclass(frozen=True, slots=True)
class Launch:
    """Deliveries of one person to be sent as one POST."""

    deliveries: tuple[Delivery, ...]
    flight: Flight


def decide(
    queues: Iterable[Sequence[Delivery]],
    holds: Collection[Hold],
    flights: Collection[Flight],
    now_s: float,
) -> list[Launch]:
    """Return what to send now.

    Args:
        queues: for each channel and person, what is due.
        holds: every hold of every channel.
        flights: the POSTs on the way.
        now_s: Unix time.
    """
    waiting = sorted(
        (delivery for queue in queues for delivery in queue),
        key=lambda delivery: (delivery.priority, delivery.id),
    )
    launches: list[Launch] = []
    taken: set[int] = set()
    for delivery in waiting:
        if delivery.id in taken:
            continue
        on_the_way = [*flights, *(launch.flight for launch in launches)]
        flight = _admit(delivery, holds, on_the_way, now_s)
        if flight is None:
            continue
        together = _together(delivery, waiting, flight)
        taken.update(one.id for one in together)
        launches.append(Launch(together, flight))
    return launches


def stops(hold: Hold, delivery: Delivery) -> bool:
    """Return whether a delivery has to wait for a hold.

    What it looks at must not differ within one of `outbox.LANES`, or those that have to wait would
    hide those that may go.
    """
    if delivery.channel != hold.channel or hold.person not in ("", delivery.person):
        return False
    match hold.kind:
        case HoldKind.QUOTA | HoldKind.UNREACHABLE:
            # an unwritten critical has a time of its own: see `react`
            return not delivery.is_critical
        case HoldKind.QUOTA_CRITICAL:
            return delivery.is_critical
        case HoldKind.UNCLEAR:
            # the first attempt of a critical waits for nothing
            return not delivery.is_critical or delivery.is_repeat
        case HoldKind.FORBIDDEN | HoldKind.BLOCKED:
            return True


def _admit(
    delivery: Delivery, holds: Collection[Hold], flights: Sequence[Flight], now_s: float
) -> Flight | None:
    """Return the flight that a delivery would be, or None if it has to wait."""
    held_by = [hold for hold in holds if stops(hold, delivery)]
    if any(is_waiting(hold, now_s) for hold in held_by):
        return None
    probes = frozenset(hold.id for hold in held_by)
    if any(probes & flight.probes for flight in flights):
        return None
    same_lane = sum(
        flight.channel == delivery.channel and flight.is_critical == delivery.is_critical
        for flight in flights
    )
    if same_lane >= (CRITICALS_AT_ONCE if delivery.is_critical else 1):
        return None
    return Flight(delivery.channel, delivery.is_critical, probes)


def _together(
    delivery: Delivery, waiting: Sequence[Delivery], flight: Flight
) -> tuple[Delivery, ...]:
    """Return what goes in the same POST: its group, or all criticals behind a refused one."""
    merges_criticals = any(kind is HoldKind.QUOTA_CRITICAL for _, _, kind in flight.probes)
    if not merges_criticals and delivery.group is None:
        return (delivery,)
    return tuple(
        other
        for other in waiting
        if (other.channel, other.person) == (delivery.channel, delivery.person)
        and (other.is_critical if merges_criticals else other.group == delivery.group)
    )
