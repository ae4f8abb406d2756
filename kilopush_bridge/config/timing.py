"""The words of a rule about time: how long, how often, and what mutes it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kilopush_bridge.config.problems import shortened
from kilopush_bridge.rules import Limit
from kilopush_bridge.times import DAY_S, HOUR_S, MINUTE_S, parse_duration_s

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from kilopush_bridge.config.problems import Problems
    from kilopush_bridge.config.schema import RuleSection
    from kilopush_bridge.config.source import KeyPath
    from kilopush_bridge.rules import Rule

_LONGEST_S = 29 * DAY_S  # keys that were not seen for 30 days are forgotten
_LIMIT = re.compile(r"\s*(\d{1,6})\s*(?:per|/|an?)\s*(second|minute|hour|day)\s*")
_PER_S = {"second": 1, "minute": MINUTE_S, "hour": HOUR_S, "day": DAY_S}
# Words that make no sense beside another one, and why.
_NOT_WITH = (
    ("event", "until", "what happens has no end; `clear_after` makes it count as over"),
    ("event", "for", "what happens does not last"),
    ("when", "clear_after", "a `when` is over when it is false, or when `until` says so"),
    ("stale", "until", "it is over when something is heard"),
    ("stale", "for", "`stale` itself says how long"),
    ("stale", "clear_after", "it is over when something is heard"),
    ("stale", "retained", "a replayed message is no sign of life"),
)


@dataclass(frozen=True, slots=True)
class Timing:
    """The same, read."""

    for_s: float = 0.0
    clear_after_s: float | None = None
    stale_s: float | None = None
    repeat_s: tuple[float, ...] = ()
    cooldown_s: float = 0.0
    limit: Limit | None = None
    group_s: float = 0.0


def read_timing(section: RuleSection, at: KeyPath, problems: Problems) -> Timing:
    """Return the times of a rule, noting what is wrong with them."""
    _check_company(section, at, problems)

    def seconds(word: str, value: str | None) -> float | None:
        return None if value is None else _duration_s(value, (*at, word), problems)

    return Timing(
        for_s=seconds("for", section.for_) or 0.0,
        clear_after_s=seconds("clear_after", section.clear_after),
        stale_s=seconds("stale", section.stale),
        repeat_s=_intervals(section.repeat or [], (*at, "repeat"), problems),
        cooldown_s=seconds("cooldown", section.cooldown) or 0.0,
        limit=_limit(section.limit, (*at, "limit"), problems),
        group_s=seconds("group", section.group) or 0.0,
    )


def check_causes(rules: Iterable[Rule], names: Iterable[str], problems: Problems) -> None:
    """Note what is wrong with `unless`: unknown names, what never ends, and circles."""
    by_name = {rule.name: rule for rule in rules}
    known = list(names)
    in_circles: set[str] = set()
    for rule in by_name.values():
        for index, cause in enumerate(rule.unless):
            _check_cause(cause, ("alerts", rule.name, "unless", index), by_name, known, problems)
        circle = _circle(rule.name, by_name)
        if circle and rule.name not in in_circles:
            what = f"`unless` goes in a circle: {' → '.join(map(shortened, circle))}"
            hint = "what is muted would never be told" if len(circle) > 2 else "leave it out"
            problems.add(("alerts", rule.name, "unless"), what, hint)
            in_circles.update(circle)  # once per circle


def _check_cause(
    cause: str,
    at: KeyPath,
    by_name: Mapping[str, Rule],
    known: Collection[str],
    problems: Problems,
) -> None:
    if cause not in known:
        problems.unknown_name(at, "rule", cause, known)
    elif cause in by_name and not by_name[cause].has_end:
        what = f"{problems.shown(at, cause)} is an `event`, and never over"
        problems.add(at, what, "give it a `clear_after`")


def _check_company(section: RuleSection, at: KeyPath, problems: Problems) -> None:
    given = {
        field.alias or name
        for name, field in type(section).model_fields.items()
        if name in section.model_fields_set and getattr(section, name) is not None
    }
    for word, other, why in _NOT_WITH:
        if word in given and other in given:
            what = f"`{other}` is not possible with `{word}`"
            problems.add((*at, other), what, why, is_key=True)
    is_endless = "event" in given and "clear_after" not in given
    for word in ("repeat", "recovered"):
        if is_endless and word in given:
            what = f"`{word}` is not possible with an `event` without `clear_after`"
            hint = "`clear_after: 5m` makes it count as over so long after the last one"
            problems.add((*at, word), what, hint, is_key=True)


def _duration_s(text: str, path: KeyPath, problems: Problems) -> float | None:
    seconds = parse_duration_s(text)
    if seconds is None:
        is_number = text.strip().replace(".", "", 1).isdigit()
        hint = "say the unit: `90s`, `15m`, `2h`" if is_number else "such as 90s, 15m, 1h 30m or 2d"
        problems.add(path, f"{problems.shown(path, text)} is no duration", hint)
        return None
    if not 0 < seconds <= _LONGEST_S:
        hint = "more than nothing, and at most 29d: what was not seen for 30 days is forgotten"
        problems.add(path, f"{problems.shown(path, text)} is no useful duration", hint)
        return None
    return seconds


def _intervals(texts: list[str], path: KeyPath, problems: Problems) -> tuple[float, ...]:
    read = [_duration_s(text, (*path, index), problems) for index, text in enumerate(texts)]
    return tuple(seconds for seconds in read if seconds is not None)


def _limit(text: str | None, path: KeyPath, problems: Problems) -> Limit | None:
    if text is None:
        return None
    match = _LIMIT.fullmatch(text.lower())
    if match is None or int(match[1]) < 1:
        what = f"{problems.shown(path, text)} is no limit"
        problems.add(path, what, "such as `6 per hour`, `1 per minute` or `20 per day`")
        return None
    return Limit(int(match[1]), _PER_S[match[2]])


def _circle(name: str, rules: Mapping[str, Rule]) -> list[str]:
    """Return the way from a rule back to itself; none if there is no way."""
    ways = [[name]]
    seen: set[str] = set()
    while ways:
        way = ways.pop()
        for cause in rules[way[-1]].unless if way[-1] in rules else ():
            if cause == name:
                return [*way, name]
            if cause not in seen:
                seen.add(cause)
                ways.append([*way, cause])
    return []
