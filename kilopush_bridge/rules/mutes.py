"""Why an alarm must not be told now: snoozed, its cause is known, its cooldown, its rule's limit.

`cooldown` and `limit` look at what was told, so a steady stream never starves: the first one goes,
and after the time the next one.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kilopush_bridge.rules.rule import Rule


@dataclass(frozen=True, slots=True)
class Mute:
    """Why, and until when; None: until something happens."""

    why: str
    until_s: float | None


class Mutes:
    """What mutes the rules. `snoozes` gives by rule until when it is snoozed."""

    def __init__(self, rules: Iterable[Rule], snoozes: Mapping[str, float]) -> None:
        self._rules = tuple(rules)
        self.snoozes = dict(snoozes)
        self._firing: dict[str, int] = {}  # keys that fire, by rule
        self._told: dict[str, deque[float]] = {}  # when, by rule with a limit
        self.muted_by: dict[str, list[Rule]] = {}  # symptoms, by the name of their cause
        for rule in self._rules:
            for cause in rule.unless:
                self.muted_by.setdefault(cause, []).append(rule)

    def of(self, rule: Rule, told_at_s: float | None, now_s: float) -> Mute | None:
        """Return why a key of a rule may not be told now, if it may not."""
        until_s = self.snoozes.get(rule.name, 0.0)
        if until_s > now_s:
            return Mute("snoozed", until_s)
        cause = self.cause_of(rule)
        if cause is not None:
            return Mute(f"muted by {cause}", None)
        # told in the future: by a clock that has been set back since
        if told_at_s is not None and 0 <= now_s - told_at_s < rule.cooldown_s:
            return Mute("muted by its cooldown", told_at_s + rule.cooldown_s)
        return None

    def cause_of(self, rule: Rule) -> str | None:
        """Return the first of the rules that mute this one and fire."""
        return next((cause for cause in rule.unless if self._firing.get(cause)), None)

    def begins(self, rule: Rule) -> bool:
        """Note that a key of a rule fires; return whether it is the only one."""
        self._firing[rule.name] = self._firing.get(rule.name, 0) + 1
        return self._firing[rule.name] == 1

    def ends(self, rule: Rule) -> bool:
        """Note that a key of a rule no longer fires; return whether it was the last one."""
        self._firing[rule.name] -= 1
        return self._firing[rule.name] == 0

    def is_surplus(self, rule: Rule, now_s: float) -> bool:
        """Count an alarm against the limit of its rule; return whether it is one too many."""
        if rule.limit is None:
            return False
        told = self._told.setdefault(rule.name, deque(maxlen=rule.limit.count))
        if len(told) == rule.limit.count and 0 <= now_s - told[0] < rule.limit.per_s:
            return True
        told.append(now_s)
        return False

    def remember_told(self, rule: Rule, told_at_s: Iterable[float]) -> None:
        """Take what was told before a restart, the oldest first."""
        if rule.limit is not None:
            self._told[rule.name] = deque(told_at_s, maxlen=rule.limit.count)

    def go_on_from(self, before: Mutes) -> None:
        """Take what was told under the rules before; the limits may be others."""
        for rule in self._rules:
            self.remember_told(rule, before._told.get(rule.name, ()))

    def shift(self, by_s: float) -> None:
        """Let every time be later by so much."""
        self.snoozes = {rule: until_s + by_s for rule, until_s in self.snoozes.items()}
        for told in self._told.values():
            times_s = [at_s + by_s for at_s in told]
            told.clear()
            told.extend(times_s)
