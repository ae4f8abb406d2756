"""When rules change: what stays of what they remember.

A rule is the same rule as long as it has its name. What it remembers of a key stays if it can still
come true and mean the same; the rest ends, silently. Timers run on, measured by the new times.
"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING

from kilopush_bridge.model import Mark, Phase
from kilopush_bridge.rules.rule import Rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kilopush_bridge.model import Episode

    Episodes = dict[str, dict[str, Episode]]

_ALL_WORDS = tuple(field.name for field in fields(Rule) if field.compare)
# What decides whether a key fires: without a change here, a replay would say nothing new.
_CONDITION = ("filters", "excepts", "condition", "is_event", "until", "key", "retained", "stale_s")
_TIMES = ("for_s", "stale_s", "repeat_s", "cooldown_s")


def is_same(one: Rule, other: Rule) -> bool:
    """Return whether two rules say the same."""
    return _words(one, _ALL_WORDS) == _words(other, _ALL_WORDS)


def fires_alike(one: Rule, other: Rule) -> bool:
    """Return whether two rules fire for the same messages and keys."""
    return _words(one, _CONDITION) == _words(other, _CONDITION)


def is_possible(rule: Rule, episode: Episode) -> bool:
    """Return whether a rule can have left this: the file may have changed since."""
    phase = episode.phase
    if (phase is Phase.HEARD and rule.stale_s is None) or (
        phase is Phase.HOLDS and (rule.is_event or rule.stale_s is not None)
    ):
        return False
    return phase is Phase.COOLING or rule.has_end


def possible(
    rules: Iterable[Rule], episodes: Mapping[str, Mapping[str, Episode]], now_s: float
) -> tuple[Episodes, list[Mark]]:
    """Return what rules can have left, and what to forget, at a start.

    The file may have changed since: timers are those of today's words.
    """
    by_name = {rule.name: rule for rule in rules}
    kept: Episodes = {}
    gone = []
    for name, key, episode in _all(episodes):
        rule = by_name.get(name)
        if rule is None or not (is_possible(rule, episode) and _hears(rule, episode)):
            gone.append(Mark(name, key, None))
            continue
        episode.due_at_s = _due_at_start_s(rule, episode, now_s)
        kept.setdefault(name, {})[key] = episode
    return kept, gone


def _hears(rule: Rule, episode: Episode) -> bool:
    """Return whether the topic that began it still reaches the rule: else nothing ever ends it."""
    return not episode.topic or rule.filter_for(episode.topic) is not None


def _due_at_start_s(rule: Rule, episode: Episode, now_s: float) -> float | None:
    due_at_s = episode.due_at_s
    match episode.phase:
        case Phase.HOLDS:
            begun_s = episode.since_s + rule.for_s if due_at_s is None else due_at_s
            return min(begun_s, now_s + rule.for_s)
        case Phase.HEARD:
            stale_s = rule.stale_s or 0.0
            return min(
                episode.seen_at_s + stale_s if due_at_s is None else due_at_s, now_s + stale_s
            )
        case Phase.FIRING:
            return _next_reminder_s(rule, episode, now_s)
        case Phase.MUTED if due_at_s is None and not rule.unless:
            return episode.seen_at_s  # nothing that mutes it is left
    return due_at_s


def _next_reminder_s(rule: Rule, episode: Episode, now_s: float) -> float | None:
    is_told = episode.told_at_s is not None and episode.told_at_s >= episode.since_s
    if not rule.repeat_s or episode.is_acknowledged or not is_told:
        return None
    next_s = now_s + rule.repeat_s[min(episode.repeats, len(rule.repeat_s) - 1)]
    return next_s if episode.due_at_s is None else min(next_s, episode.due_at_s)


def succeed(
    before: Mapping[str, Rule],
    rules: Iterable[Rule],
    episodes: Mapping[str, Mapping[str, Episode]],
    now_s: float,
) -> tuple[Episodes, list[Mark]]:
    """Return what stays of `episodes` under other rules, and what of it is to be stored anew."""
    by_name = {rule.name: rule for rule in rules}
    kept: Episodes = {}
    marks = []
    for name, key, episode in _all(episodes):
        rule = by_name.get(name)
        if rule is None or not _stays(before[name], rule, episode):
            marks.append(Mark(name, key, None))
            continue
        if _words(before[name], _TIMES) != _words(rule, _TIMES):
            episode.due_at_s = _due_at_s(before[name], rule, episode, now_s)
            marks.append(Mark(name, key, replace(episode)))
        kept.setdefault(name, {})[key] = episode
    return kept, marks


def _stays(before: Rule, rule: Rule, episode: Episode) -> bool:
    is_alike = _kind(before) == _kind(rule) and _source(before.key) == _source(rule.key)
    return is_alike and _hears(rule, episode) and is_possible(rule, episode)


def _due_at_s(before: Rule, rule: Rule, episode: Episode, now_s: float) -> float | None:
    """Return when an episode is due by the times of its new rule: as much later as the word says.

    What something mutes waits for that, whatever has changed.
    """
    due_at_s = episode.due_at_s
    if episode.phase is Phase.FIRING:
        is_same = before.repeat_s == rule.repeat_s
        return due_at_s if is_same else _next_reminder_s(rule, episode, now_s)
    if due_at_s is None:
        return None
    match episode.phase:
        case Phase.HOLDS:
            return due_at_s + rule.for_s - before.for_s
        case Phase.HEARD:
            return due_at_s + (rule.stale_s or 0.0) - (before.stale_s or 0.0)
        case Phase.COOLING:
            return due_at_s + rule.cooldown_s - before.cooldown_s
    return now_s if before.cooldown_s != rule.cooldown_s and "cooldown" in episode.why else due_at_s


def _kind(rule: Rule) -> tuple[bool, bool]:
    return rule.is_event, rule.stale_s is not None


def _words(rule: Rule, names: Iterable[str]) -> list[object]:
    return [_source(getattr(rule, name)) for name in names]


def _source(value: object) -> object:
    """Return a value that can be compared: expressions and templates are what was written."""
    return getattr(value, "source", value)


def _all(
    episodes: Mapping[str, Mapping[str, Episode]],
) -> list[tuple[str, str, Episode]]:
    return [(name, key, one) for name, keys in episodes.items() for key, one in keys.items()]
