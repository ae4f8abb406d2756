"""What to send now: a pure function of what waits, what is held, what is spent, and the time.

Criticals go at once and side by side, and ask nobody. Everything else goes one POST at a time per
channel, most urgent first, if its budget has room; else into a digest. What is held goes one probe
at a time, when its hold is due.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kilopush_bridge.core.budget import FITS, WINDOW_S
from kilopush_bridge.model import Batch, HoldKind, Priority
from kilopush_bridge.outbox.digests import Slot
from kilopush_bridge.scheduler.pauses import is_waiting
from kilopush_bridge.scheduler.policy import HELD_AWAY, taker_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from kilopush_bridge.model import Delivery, Hold
    from kilopush_bridge.outbox.digests import Planned
    from kilopush_bridge.scheduler.budget import Budget
    from kilopush_bridge.scheduler.policy import Policy

# More at once would not be faster for the API, and a house has few people.
CRITICALS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Flight:
    """A POST that is on the way: what it carries, and which holds it probes."""

    channel: str
    lane: str  # `critical`, `other` or `digest`
    probes: frozenset[tuple[str, str, HoldKind]] = frozenset()


@dataclass(frozen=True, slots=True)
class Launch:
    """Deliveries of one person to be sent as one POST."""

    deliveries: tuple[Delivery, ...]
    flight: Flight


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision looks at."""

    queues: Sequence[Sequence[Delivery]]  # for each channel and person, what is due
    digests: Sequence[Planned]  # what is not on its way, due or not
    holds: Collection[Hold]
    flights: Collection[Flight]
    budgets: Mapping[str, Budget]  # by channel
    policy: Policy


@dataclass(slots=True)
class Plan:
    """What to do: send these, and defer those to a digest."""

    launches: list[Launch] = field(default_factory=list)
    deferred: list[tuple[Delivery, Slot]] = field(default_factory=list)
    sent_back: list[Delivery] = field(default_factory=list)  # to the channel they came from


def decide(situation: Situation, now_s: float) -> Plan:
    """Return what to do at Unix time `now_s`. Spends from the budgets of `situation`."""
    return _Decision(situation, now_s).made()


class _Decision:
    """One decision in the making: each step sees what the ones before it have used up."""

    def __init__(self, situation: Situation, now_s: float) -> None:
        self._situation = situation
        self._now_s = now_s
        self._plan = Plan()
        self._flights = list(situation.flights)
        self._waiting = sorted(
            (delivery for queue in situation.queues for delivery in queue),
            key=lambda delivery: (delivery.priority, delivery.id),
        )
        self._refused_criticals = {
            hold.channel
            for hold in situation.holds
            if hold.kind is HoldKind.QUOTA_CRITICAL and self._has_criticals(hold.channel)
        }

    def _has_criticals(self, channel: str) -> bool:
        """Return whether a critical is on its way, or waits for nothing but the quota."""
        return any(
            (one.channel, one.lane) == (channel, "critical") for one in self._flights
        ) or any(
            one.is_critical
            and one.channel == channel
            and all(
                hold.kind is HoldKind.QUOTA_CRITICAL or not is_waiting(hold, self._now_s)
                for hold in self._held_by(one)
            )
            for one in self._waiting
        )

    def made(self) -> Plan:
        taken: set[int] = set()
        for delivery in self._waiting:
            if delivery.id in taken:
                continue
            found = self._judge(delivery)
            if found is None:
                continue
            together = self._together(delivery, found)
            taken.update(one.id for one in together)
            if isinstance(found, Flight):
                self._launch(together, found)
            else:
                self._plan.deferred += [(one, found) for one in together]
        for channel in self._situation.budgets:
            self._launch_digests(channel)
        return self._plan

    # --- alerts --------------------------------------------------------------------------------

    def _judge(self, delivery: Delivery) -> Flight | Slot | None:
        """Return the flight that a delivery would be, its digest, or None if it has to wait."""
        if delivery.is_critical:
            if self._is_stuck_away(delivery):
                self._plan.sent_back.append(delivery)
                return None
            return self._admit(delivery, "critical", CRITICALS_AT_ONCE)
        return self._digest_for(delivery) or self._admit_within_budget(delivery)

    def _digest_for(self, delivery: Delivery) -> Slot | None:
        """Return the digest that a delivery belongs into, whatever else goes on."""
        if delivery.tries:
            return None  # it was refused in a digest, or refused alone: it stays alone
        if self._situation.policy.waits_for_its_time(delivery.priority, self._now_s):
            return Slot.SCHEDULED
        # only what is urgent is worth a second copy
        is_summed_up = delivery.is_repeat and delivery.priority > Priority.HIGH
        is_deferred = (
            is_summed_up
            or delivery.is_surplus
            or delivery.follows_digest
            or self._is_paused(delivery)
        )
        return Slot.SOON if is_deferred else None

    def _is_paused(self, delivery: Delivery) -> bool:
        """Return whether the quota of a delivery's channel is known to be used up."""
        return delivery.channel in self._refused_criticals or any(
            hold.kind is HoldKind.QUOTA and is_waiting(hold, self._now_s)
            for hold in self._held_by(delivery)
        )

    def _admit_within_budget(self, delivery: Delivery) -> Flight | Slot | None:
        policy = self._situation.policy
        if (
            delivery.channel in self._refused_criticals
            or policy.is_silent(delivery.priority, self._now_s)
            or any(is_waiting(hold, self._now_s) for hold in self._held_by(delivery))
        ):
            return None
        budget = self._situation.budgets[delivery.channel]
        if budget.why_not_alone(delivery) == FITS:
            return self._admit(delivery, "other", 1)
        # An uncertain budget is too small rather than too large: that is no reason yet.
        return Slot.SOON if budget.is_certain and not delivery.tries else None

    def _admit(self, delivery: Delivery, lane: str, at_once: int) -> Flight | None:
        held_by = self._held_by(delivery)
        if any(is_waiting(hold, self._now_s) for hold in held_by):
            return None
        probes = frozenset(hold.id for hold in held_by)
        if any(probes & flight.probes for flight in self._flights):
            return None
        same_lane = sum(
            (one.channel, one.lane) == (delivery.channel, lane) for one in self._flights
        )
        return Flight(delivery.channel, lane, probes) if same_lane < at_once else None

    def _held_by(self, delivery: Delivery) -> list[Hold]:
        held_by = [hold for hold in self._situation.holds if stops(hold, delivery)]
        if self._may_move(delivery):  # it asks here first, for free, and goes on there
            held_by = [hold for hold in held_by if hold.kind is not HoldKind.QUOTA_CRITICAL]
        return held_by

    def _is_stuck_away(self, delivery: Delivery) -> bool:
        """Return whether the channel that took over a critical is held as well."""
        is_away = delivery.home_channel not in (None, delivery.channel)
        return is_away and any(
            hold.kind in HELD_AWAY and is_waiting(hold, self._now_s)
            for hold in self._held_by(delivery)
        )

    def _may_move(self, delivery: Delivery) -> bool:
        """Return whether another channel takes over a critical if this one refuses it."""
        policy, holds = self._situation.policy, self._situation.holds
        return (
            delivery.is_critical
            and delivery.home_channel is None
            and taker_of(policy, holds, delivery.channel, delivery.person, self._now_s) is not None
        )

    def _together(self, delivery: Delivery, found: Flight | Slot) -> tuple[Delivery, ...]:
        """Return what goes in the same POST: its group, or all criticals behind a refused one."""
        merges_criticals = isinstance(found, Flight) and any(
            kind is HoldKind.QUOTA_CRITICAL for _, _, kind in found.probes
        )
        if not merges_criticals and delivery.group is None:
            return (delivery,)
        return tuple(
            other
            for other in self._waiting
            if (other.channel, other.person) == (delivery.channel, delivery.person)
            and (
                other.is_critical and not self._may_move(other)
                if merges_criticals
                else other.group == delivery.group
            )
        )

    def _launch(self, deliveries: tuple[Delivery, ...], flight: Flight) -> None:
        self._plan.launches.append(Launch(deliveries, flight))
        self._flights.append(flight)
        if budget := self._situation.budgets.get(flight.channel):
            budget.spend(Batch(deliveries, "", None, silent=False))

    # --- digests -------------------------------------------------------------------------------

    def _launch_digests(self, channel: str) -> None:
        """Start a round: everybody whose digest is due gets it, or nobody does."""
        rounds = {
            due: flight for due in self._due_digests(channel) if (flight := self._free_flight(due))
        }
        fitting = self._fitting(channel, list(rounds))
        for due in fitting:
            flight = rounds[due]
            if not any(flight.probes & other.probes for other in self._flights):
                self._launch(due, flight)

    def _due_digests(self, channel: str) -> Iterator[tuple[Delivery, ...]]:
        """Yield for each person what becomes one message: all that is due, and what is open."""
        if channel in self._refused_criticals:
            return
        ours = [one for one in self._situation.digests if one.delivery.channel == channel]
        for person in dict.fromkeys(one.delivery.person for one in ours):
            planned = [one for one in ours if one.delivery.person == person]
            if any(one.is_due(self._now_s) for one in planned):
                yield tuple(
                    one.delivery
                    for one in planned
                    if not one.is_scheduled or one.is_due(self._now_s)
                )

    def _free_flight(self, due: tuple[Delivery, ...]) -> Flight | None:
        held_by = self._held_by(due[0])
        if any(is_waiting(hold, self._now_s) for hold in held_by):
            return None
        return Flight(due[0].channel, "digest", frozenset(hold.id for hold in held_by))

    def _fitting(
        self, channel: str, rounds: list[tuple[Delivery, ...]]
    ) -> list[tuple[Delivery, ...]]:
        """Return the digests of a round if it may start: all, or as many as there ever are."""
        policy, budget = self._situation.policy, self._situation.budgets[channel]
        fitting = rounds[: budget.digests_at_once]
        is_at_its_time = any(self._is_at_its_time(one) for due in fitting for one in due)
        planned_at_s = (
            [] if is_at_its_time else policy.digests_until(self._now_s, self._now_s + WINDOW_S)
        )
        return fitting if fitting and budget.digests_fit(len(fitting), planned_at_s) else []

    def _is_at_its_time(self, digest: Delivery) -> bool:
        """Return whether one of the slots that are kept for times of the day is for this digest."""
        if digest.group == Slot.SCHEDULED:
            return True
        due_at_s = next(
            one.due_at_s for one in self._situation.digests if one.delivery.id == digest.id
        )
        # it found no slot of its own, and a time of the day has come
        begin_s = max(due_at_s, self._now_s - WINDOW_S)
        return bool(self._situation.policy.digests_until(begin_s, self._now_s))


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
