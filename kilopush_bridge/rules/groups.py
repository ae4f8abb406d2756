"""Groups that are being collected: one for each rule, as long as its `group` says."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from kilopush_bridge.rules.rule import Rule


class Groups:
    """The open groups, by rule: a name, and until when each collects."""

    def __init__(self) -> None:
        self._groups: dict[str, tuple[str, float]] = {}

    def join(self, rule: Rule, now_s: float) -> str | None:
        """Return the group that an alarm belongs to; a new one if none is open."""
        if not rule.group_s:
            return None
        name = self.open(rule, now_s)
        if name is None:
            name = f"group {rule.name} {now_s:.3f}"
            self._groups[rule.name] = (name, now_s + rule.group_s)
        return name

    def open(self, rule: Rule, now_s: float) -> str | None:
        """Return the group of a rule that is not complete yet."""
        name, until_s = self._groups.get(rule.name, ("", 0.0))
        return name if until_s - rule.group_s <= now_s < until_s else None

    def began_s(self, rule: Rule) -> float:
        """Return when the last group of a rule was opened."""
        return self._groups[rule.name][1] - rule.group_s

    def collecting(self, now_s: float) -> tuple[str, ...]:
        """Return the groups that are not complete yet."""
        return tuple(name for name, until_s in self._groups.values() if until_s > now_s)

    def go_on_from(self, before: Groups, rules: Collection[str]) -> None:
        """Take over the groups of rules that are still there."""
        self._groups = {name: one for name, one in before._groups.items() if name in rules}

    def shift(self, by_s: float) -> None:
        """Let them end later by so much."""
        self._groups = {rule: (name, end_s + by_s) for rule, (name, end_s) in self._groups.items()}
