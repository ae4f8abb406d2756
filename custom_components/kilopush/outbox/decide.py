"""What to send now: a pure function of what waits, what is held, what is spent, and the time.

Criticals go at once and side by side, and ask no budget. Everything else goes in order, one message
at a time to each person, if the budget has room; else into a digest. What is held goes one probe at
a time, when its hold is due.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..core import protocol
from ..core.budget import FITS
from ..core.retry import retry_delay_s
from .ledger import CRITICAL, DIGEST, OTHER
from .model import Priority

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from .digest import Digest
    from .ledger import Budget
    from .model import Delivery, Hold

# More at once would not be faster for the API, and a house has few people.
_CRITICALS_AT_ONCE = 32

# Beside the outcomes of ``core.protocol``, which are the other kinds of holds: the quota is refused
# to criticals, too.
QUOTA_CRITICAL = "quota_critical"
_OF_A_PERSON = (protocol.FORBIDDEN, protocol.BLOCKED)
_RECHECK_S = 60.0  # of a budget that has no room for a digest
# Nothing waits longer by itself. A later time was written by a clock that has been set back since,
# and no alarm may wait for that.
_LONGEST_WAIT_S = 61.0
_LONGEST_DIGEST_WAIT_S = 27 * 3600.0


@dataclass(frozen=True, slots=True)
class Launch:
    """One POST: these deliveries, or the digest, of one person."""

    person: str
    kind: str  # of the ledger
    deliveries: tuple[Delivery, ...] = ()


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision looks at."""

    pending: Collection[Delivery]
    digests: Mapping[str, Digest]  # by person, what is not on its way
    digests_posted: Collection[str]
    holds: Collection[Hold]


@dataclass(slots=True)
class Plan:
    """What to do now, and when to ask again."""

    launches: list[Launch] = field(default_factory=list)
    deferred: list[Delivery] = field(default_factory=list)
    expired: list[Delivery] = field(default_factory=list)
    held: list[tuple[Delivery, Hold]] = field(default_factory=list)
    wake_at_s: float | None = None


def decide(situation: Situation, budget: Budget, now_s: float) -> Plan:
    """Return what to do at Unix time ``now_s``. Spends from ``budget``."""
    return _Decision(situation, budget, now_s).made()


def hold_of(outcome: str, person: str, *, is_critical: bool) -> tuple[str, str]:
    """Return person ("" for all) and kind of the hold that an outcome makes."""
    if outcome in _OF_A_PERSON:
        return person, outcome
    is_refused = outcome == protocol.QUOTA and is_critical
    return "", QUOTA_CRITICAL if is_refused else outcome


def pause_s(kind: str, tries: int) -> float:
    """Return how long a hold waits after so many attempts."""
    outcome = protocol.QUOTA if kind == QUOTA_CRITICAL else kind
    return retry_delay_s(outcome, tries, critical=kind == QUOTA_CRITICAL) or 0


def is_waiting(hold: Hold, now_s: float) -> bool:
    """Return whether not even a probe may go.

    A hold that would wait longer than it ever should was made by a clock that has been set back
    since: it is due, because an alarm may be behind it.
    """
    return 0 < hold.next_at_s - now_s <= pause_s(hold.kind, hold.tries)


def stops(hold: Hold, person: str, *, is_critical: bool, is_repeat: bool) -> bool:
    """Return whether a message to a person has to wait for a hold."""
    if hold.person not in ("", person):
        return False
    if hold.kind in (protocol.QUOTA, protocol.UNSENT):
        return not is_critical  # an unsent critical has a time of its own
    if hold.kind == QUOTA_CRITICAL:
        return True
    if hold.kind == protocol.UNCLEAR:
        return is_repeat or not is_critical  # the first attempt of a critical waits for nothing
    return True


class _Decision:
    """One decision in the making: each step sees what the ones before it have used up."""

    def __init__(self, situation: Situation, budget: Budget, now_s: float) -> None:
        self._situation = situation
        self._budget = budget
        self._now_s = now_s
        self._plan = Plan()
        self._moments_s = [hold.next_at_s for hold in situation.holds]
        self._busy = set(situation.digests_posted)  # people with an ordinary message on its way
        self._criticals = 0
        self._probed: set[tuple[str, str]] = set()
        for delivery in situation.pending:
            if delivery.is_posted:
                self._count(delivery)

    def _count(self, delivery: Delivery) -> None:
        if delivery.is_critical:
            self._criticals += 1
        else:
            self._busy.add(delivery.person)
        self._probe(self._holds_of(delivery))

    def made(self) -> Plan:
        waiting = [one for one in self._situation.pending if not (one.is_posted or one.is_bridged)]
        waiting.sort(key=lambda one: (one.priority, one.id))
        self._plan.expired = [one for one in waiting if self._is_expired(one)]
        waiting = [one for one in waiting if not self._is_expired(one)]
        taken: set[int] = set()
        for delivery in waiting:
            if delivery.id not in taken:
                taken.update(self._judge(delivery, waiting))
        for person in self._situation.digests:
            self._judge_digest(person)
        later_s = [moment_s for moment_s in self._moments_s if moment_s > self._now_s]
        self._plan.wake_at_s = min(later_s, default=None)
        return self._plan

    # --- messages ------------------------------------------------------------------------------

    def _judge(self, delivery: Delivery, waiting: Iterable[Delivery]) -> list[int]:
        """Find a place for a delivery; return the ids of all that go with it."""
        if self._goes_in_digest(delivery):
            self._plan.deferred.append(delivery)
            return []
        self._moments_s += [delivery.due_at_s, delivery.expires_at_s or 0.0]
        return self._send_or_defer(delivery, waiting) if self._is_ready(delivery) else []

    def _send_or_defer(self, delivery: Delivery, waiting: Iterable[Delivery]) -> list[int]:
        if delivery.is_critical or self._fits(delivery):
            together = self._together(delivery, waiting)
            self._launch(together)
            return [one.id for one in together]
        # An uncertain budget is too small rather than too large: that is no reason yet.
        if self._budget.is_certain and not delivery.tries:
            self._plan.deferred.append(delivery)
        else:
            self._moments_s.append(self._now_s + _RECHECK_S)
        return []

    def _is_expired(self, delivery: Delivery) -> bool:
        return delivery.expires_at_s is not None and delivery.expires_at_s <= self._now_s

    def _goes_in_digest(self, delivery: Delivery) -> bool:
        if delivery.is_critical or delivery.tries:  # refused before: it stays alone
            return False
        # Only what is urgent is worth a second copy.
        is_summed_up = delivery.is_repeat and delivery.priority > Priority.HIGH
        has_no_quota = any(
            hold.kind in (protocol.QUOTA, QUOTA_CRITICAL) and is_waiting(hold, self._now_s)
            for hold in self._situation.holds
        )
        return delivery.priority is Priority.DIGEST or is_summed_up or has_no_quota

    def _fits(self, delivery: Delivery) -> bool:
        return self._budget.why_not_alone(delivery.priority, delivery.name) == FITS

    def _is_ready(self, delivery: Delivery) -> bool:
        """Return whether only the budget may still be against it."""
        if 0 < delivery.due_at_s - self._now_s <= _LONGEST_WAIT_S or self._is_held(delivery):
            return False
        if delivery.is_critical:
            return self._criticals < _CRITICALS_AT_ONCE
        # Until the API has answered once, one at a time.
        is_alone = not self._busy or self._budget.is_certain
        return is_alone and delivery.person not in self._busy

    def _holds_of(self, delivery: Delivery) -> list[Hold]:
        return self._holds(delivery.person, delivery.is_critical, delivery.is_repeat)

    def _holds(self, person: str, is_critical: bool, is_repeat: bool) -> list[Hold]:
        return [
            hold
            for hold in self._situation.holds
            if stops(hold, person, is_critical=is_critical, is_repeat=is_repeat)
        ]

    def _is_held(self, delivery: Delivery) -> bool:
        holds = self._holds_of(delivery)
        waiting = [hold for hold in holds if is_waiting(hold, self._now_s)]
        if waiting:
            self._plan.held.append((delivery, waiting[0]))
        return bool(waiting) or self._is_probed(holds)

    def _is_probed(self, holds: list[Hold]) -> bool:
        return any((hold.person, hold.kind) in self._probed for hold in holds)

    def _probe(self, holds: list[Hold]) -> None:
        self._probed.update((hold.person, hold.kind) for hold in holds)

    def _together(self, delivery: Delivery, waiting: Iterable[Delivery]) -> tuple[Delivery, ...]:
        """Return what goes in the same POST: all criticals of a person behind a refused one."""
        is_refused = any(hold.kind == QUOTA_CRITICAL for hold in self._holds_of(delivery))
        if not (delivery.is_critical and is_refused) or delivery.tries:
            return (delivery,)
        return tuple(
            one
            for one in waiting
            if one.person == delivery.person and one.is_critical and not one.tries
        )

    def _launch(self, deliveries: tuple[Delivery, ...]) -> None:
        first = deliveries[0]
        kind = CRITICAL if first.is_critical else OTHER
        self._plan.launches.append(Launch(first.person, kind, deliveries))
        self._budget.spend(kind, first.name)
        self._count(first)

    # --- digests -------------------------------------------------------------------------------

    def _judge_digest(self, person: str) -> None:
        digest = self._situation.digests[person]
        self._moments_s.append(digest.due_at_s)
        holds = self._holds(person, is_critical=False, is_repeat=digest.is_repeat)
        is_held = any(is_waiting(hold, self._now_s) for hold in holds) or self._is_probed(holds)
        is_early = 0 < digest.due_at_s - self._now_s <= _LONGEST_DIGEST_WAIT_S
        if is_early or person in self._busy or is_held:
            return
        if not self._budget.digest_fits():
            self._moments_s.append(self._now_s + _RECHECK_S)
            return
        self._plan.launches.append(Launch(person, DIGEST))
        self._budget.spend(DIGEST, "")
        self._busy.add(person)
        self._probe(holds)
