"""What a rule can cost: how many messages a day something that lasts, or keeps happening, takes."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from kilopush_bridge.core.budget import cap
from kilopush_bridge.model import Priority
from kilopush_bridge.times import DAY_S, duration_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kilopush_bridge.config.config import Config
    from kilopush_bridge.config.problems import Problems
    from kilopush_bridge.rules import Rule

# Below this many a day, a rule is nothing to think about.
WORTH_SAYING = 20


@dataclass(frozen=True, slots=True)
class Cost:
    """The most that a rule can spend a day; None: nothing but the budget bounds it."""

    rule: str
    per_day: int | None
    each_key: bool  # it is that much for each key
    why: str

    def __str__(self) -> str:
        if self.per_day is None:
            return f"rule `{self.rule}` can spend as much as the budget lets it: {self.why}"
        whom = " for each key" if self.each_key else ""
        return f"rule `{self.rule}` can spend {self.per_day} a day{whom}: {self.why}"


def cost_of(rule: Rule) -> Cost:
    """Return what a rule can spend: its alarms again and again, or its reminders of one."""
    people = max(1, len(rule.to))
    if rule.priority is Priority.DIGEST:
        return Cost(rule.name, 0, each_key=False, why="it is in digests only")
    times, why, each_key = _alarms(rule)
    reminders = _reminders(rule)
    if times is not None and reminders > times:
        times, why, each_key = reminders, _repeats(rule), _has_keys(rule)
    if times is None:
        return Cost(rule.name, None, each_key=False, why=why)
    return Cost(rule.name, times * people, each_key, why + _to(people))


def worth_saying(config: Config) -> list[Cost]:
    """Return what the rules can cost, the dearest first, the cheap ones left out."""
    costs = [cost_of(rule) for rule in config.rules]
    told = [one for one in costs if one.per_day is None or one.per_day >= WORTH_SAYING]
    return sorted(told, key=lambda one: (one.per_day is not None, -(one.per_day or 0)))


def warn_of_costs(config: Config, problems: Problems) -> None:
    """Say which rules spend all that one rule may, if a single thing lasts for a day."""
    for rule in config.rules:
        channel, people = config.channels.get(rule.channel), len(rule.to)
        if channel is None or channel.limits.per_day is None or rule.priority is Priority.DIGEST:
            continue
        share = cap(channel.limits) // 2  # what the budget lets one rule have
        spent = _reminders(rule) * people
        if spent <= share:
            continue
        each = " for each key" if _has_keys(rule) else ""
        what = f"this rule can spend {spent} a day{each}: {_repeats(rule)}{_to(people)}"
        hint = f"one rule may have {share} a day, the rest goes into digests; remind less often"
        problems.warn(("alerts", rule.name, "repeat"), what, hint)


def _alarms(rule: Rule) -> tuple[int | None, str, bool]:
    """Return how often a rule can tell an alarm in a day, what bounds it, and if that is by key."""
    bounds = list(_bounds(rule))
    if not bounds:
        return None, "each time it happens; `cooldown` or `limit` bounds it", False
    times, why, each_key = min(bounds)
    if rule.recovered is not None:
        times, why = 2 * times, f"{why}, and `recovered`"
    return times, why, each_key


def _bounds(rule: Rule) -> Iterator[tuple[int, str, bool]]:
    has_keys = _has_keys(rule)
    for word in ("cooldown", "for", "stale"):
        seconds = getattr(rule, f"{word}_s")
        if seconds:
            why = f"`{word}` of {duration_text(seconds)}"
            yield max(1, int(DAY_S / seconds)), why, has_keys
    if rule.limit is not None:
        times = ceil(DAY_S / rule.limit.per_s) * rule.limit.count
        yield times, f"`limit` of {rule.limit.count} in {duration_text(rule.limit.per_s)}", False
    if rule.group_s:
        yield int(DAY_S / rule.group_s), f"`group` of {duration_text(rule.group_s)}", False


def _reminders(rule: Rule) -> int:
    """Return how many reminders of one thing that lasts fit into its first day."""
    if not rule.repeat_s:
        return 0
    *first, last = rule.repeat_s
    left_s = DAY_S - sum(first)
    return len(first) + max(0, int(left_s / last))


def _repeats(rule: Rule) -> str:
    return f"`repeat` every {duration_text(rule.repeat_s[-1])}"


def _has_keys(rule: Rule) -> bool:
    return (
        rule.key is not None or len(rule.filters) > 1 or any(f.has_wildcards for f in rule.filters)
    )


def _to(people: int) -> str:
    return "" if people == 1 else f", to {people} people"
