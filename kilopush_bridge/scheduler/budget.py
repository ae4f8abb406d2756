"""The budget of one channel at one moment: its ledger under its limits. Pure; see `core.budget`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kilopush_bridge.core import budget as core
from kilopush_bridge.core.budget import WINDOW_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kilopush_bridge.model import Batch, Delivery
    from kilopush_bridge.outbox.ledger import Ledger
    from kilopush_bridge.scheduler.policy import ChannelPolicy

WARNED_AT = (95, 80, 50)  # percent of the cap


class Budget:
    """What a channel may still send. `spend` counts what is about to leave.

    `counted_s` is the ledger's time; `is_certain` says whether it is the API's own.
    """

    def __init__(
        self, policy: ChannelPolicy, ledger: Ledger, counted_s: float, *, is_certain: bool
    ) -> None:
        self.policy = policy
        self.ledger = ledger
        self.is_certain = is_certain
        self._counted_s = counted_s
        self._limits = core.with_lesson(policy.limits, ledger.others_seen)
        self._tokens: float | None = None  # counted once, until something is spent

    def why_not_alone(self, delivery: Delivery) -> str:
        """Return why a delivery may not be a message of its own, `core.budget.FITS` if it may."""
        if self._limits.per_day is None:
            return core.FITS
        if self._tokens is None:
            posted_at_s = self.ledger.others_posted_at_s
            self._tokens = core.tokens_left(self._limits, posted_at_s, self._counted_s)
        rule_posts = self.ledger.by_rule.get(delivery.name, 0)
        return core.why_not_alone(
            self._limits, self.ledger.usage, delivery.priority, rule_posts, self._tokens
        )

    def digests_fit(self, posts: int, planned_at_s: Sequence[float]) -> bool:
        """Return whether so many digests may go now and leave a slot for each planned time.

        What was learned of other senders is not held against digests: there are few of them, and
        without them nobody would hear of anything for days.
        """
        limits, usage = self.policy.limits, self.ledger.usage
        return core.digest_fits(limits, usage, posts) and all(
            limits.per_day is None
            or self._digests_counting_at(at_s) + posts + rounds * self.policy.people
            <= limits.digests
            for rounds, at_s in enumerate(planned_at_s, 1)
        )

    def _digests_counting_at(self, at_s: float) -> int:
        return sum(until_s > at_s for until_s in self.ledger.digests_until_s)

    def next_soon_s(self, now_s: float, collect_s: float) -> float:
        """Return when a digest that is opened now may leave: after a while, and evenly spread."""
        last_s = self.ledger.last_digest_at_s
        if last_s is None or self.policy.limits.per_day is None:
            return now_s + collect_s
        gap_s = self.digest_gap_s - (self._counted_s - last_s)
        return now_s + max(collect_s, gap_s)

    @property
    def digests_at_once(self) -> int | None:
        """How many people can get a digest in one round at most, None for any number."""
        limits = self.policy.limits
        return None if limits.per_day is None else limits.digests

    @property
    def digest_gap_s(self) -> float:
        """The time between two digests that spreads them evenly."""
        if self.policy.limits.per_day is None:
            return 0.0
        return core.digest_gap_s(self.policy.limits, self.policy.people)

    def spend(self, batch: Batch) -> None:
        """Count a POST that is about to leave."""
        ledger = self.ledger
        match batch.ledger_kind:
            case "critical":
                ledger.usage.critical += 1
            case "digest":
                ledger.usage.digest += 1
                ledger.digests_until_s.append(self._counted_s + WINDOW_S)
            case _:
                ledger.usage.other += 1
                rule = batch.deliveries[0].name
                ledger.by_rule[rule] = ledger.by_rule.get(rule, 0) + 1
                ledger.others_posted_at_s.append(self._counted_s)
                self._tokens = None

    def seen_of_others(self) -> int:
        """Return what other senders must have sent, now that a POST of ours was refused.

        That POST is in the ledger, and did not count.
        """
        return core.others_seen(self.policy.limits, self.ledger.usage) + 1

    @property
    def others_cap(self) -> int:
        """How many messages neither critical nor digest may go in a window."""
        return core.cap(self._limits)

    def left(self) -> dict[str, int | None]:
        """Return how many messages of each kind may still go; None: as many as there are.

        `left` are those neither critical nor digest; criticals may use theirs, too.
        """
        limits, usage = self._limits, self.ledger.usage
        if limits.per_day is None:
            return {"left": None, "critical_left": None, "digests_left": None}
        free = limits.per_day - limits.other_senders - usage.other - usage.digest
        kept = max(limits.keep_for_critical, usage.critical)
        return {
            "left": max(0, min(self.others_cap - usage.other, free - kept)),
            "critical_left": max(0, free - usage.critical),
            "digests_left": max(0, limits.digests - usage.digest),
        }

    def warning_level(self) -> int:
        """Return the highest of `WARNED_AT` that is reached, else 0."""
        used = 100 * self.ledger.usage.other
        if self.policy.limits.per_day is None or not used or not self.others_cap:
            return 0
        return next((level for level in WARNED_AT if used >= level * self.others_cap), 0)
