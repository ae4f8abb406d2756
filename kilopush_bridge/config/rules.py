"""From the words of a rule to a `Rule`: topics parsed, expressions compiled, people resolved."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kilopush_bridge.config.channels import check_channel
from kilopush_bridge.config.people import resolve_names
from kilopush_bridge.config.texts import Texts
from kilopush_bridge.config.timing import read_timing
from kilopush_bridge.expressions import Expression
from kilopush_bridge.expressions.functions import FUNCTIONS
from kilopush_bridge.model import Priority
from kilopush_bridge.rules import ENGINE_NAMES, Retained, Rule
from kilopush_bridge.topics import TopicError, TopicFilter, parse_filter

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kilopush_bridge.config.config import Channel
    from kilopush_bridge.config.people import Groups
    from kilopush_bridge.config.problems import Problems
    from kilopush_bridge.config.schema import RuleSection
    from kilopush_bridge.config.source import KeyPath

_SYNTAX = {"and", "or", "not", "in", "is", "if", "else", "true", "false", "none", "loop"}
TAKEN_NAMES = frozenset({*ENGINE_NAMES, *FUNCTIONS, *_SYNTAX})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the rest of the file provides for its rules."""

    channels: Mapping[str, Channel]
    groups: Groups
    default_channel: str
    default_priority: str
    default_to: tuple[str, ...]


class RuleBuilder:
    """Build rules one after the other, noting every problem of each."""

    def __init__(self, surroundings: Surroundings, problems: Problems) -> None:
        self._file = surroundings
        self._problems = problems

    def build(self, name: str, section: RuleSection) -> Rule | None:
        """Return the rule, or None if it lacks something that every rule has."""
        at: KeyPath = ("alerts", name)
        self._check_words(section, at)
        filters = self._filters(section.topic, (*at, "topic"))
        excepts = self._filters(section.except_, (*at, "except"))
        names = tuple({name for one in filters for name in one.all_names})
        texts = Texts(names, at, self._problems)
        when = texts.expression("when", section.when)
        event = texts.expression("event", section.event)
        until = texts.expression("until", section.until)
        timing = read_timing(section, at, self._problems)
        key = texts.expression("key", section.key)
        message = texts.template("message", section.message)
        recovered = texts.template("recovered", section.recovered)
        url = texts.template("url", section.url)
        silent = section.silent
        to = self._people(section, at)
        channel = self._channel(section, at)
        condition = when or event or (Expression("true") if section.stale else None)
        self._check_urgent(section, at)
        if condition is None or message is None:
            return None
        return Rule(
            name=name,
            filters=filters,
            condition=condition,
            message=message,
            to=to,
            channel=channel,
            priority=Priority.from_word(section.priority or self._file.default_priority),
            is_event=event is not None,
            excepts=excepts,
            until=until,
            key=key,
            url=url,
            silent=(texts.template("silent", silent) or False)
            if isinstance(silent, str)
            else silent,
            recovered=recovered,
            retained=Retained(section.retained or ("compare" if when else "ignore")),
            for_s=timing.for_s,
            clear_after_s=timing.clear_after_s,
            stale_s=timing.stale_s,
            repeat_s=timing.repeat_s,
            cooldown_s=timing.cooldown_s,
            limit=timing.limit,
            group_s=timing.group_s,
            unless=tuple(section.unless or ()),
            line=self._problems.place(at, is_key=True)[0],
        )

    def _check_words(self, section: RuleSection, at: KeyPath) -> None:
        for word in ("topic", "message"):
            if getattr(section, word) is None:
                self._problems.missing((*at, word))
        self._check_condition(section, at)
        if section.event is None:
            return
        if section.retained == "compare":
            what = "`compare` is not possible with `event`: there is no state"
            self._problems.add((*at, "retained"), what, "use `ignore` or `fire`")

    def _check_condition(self, section: RuleSection, at: KeyPath) -> None:
        given = [
            word
            for word in ("when", "event", "stale")
            if getattr(section, word) is not None or self._problems.is_rejected((*at, word))
        ]
        if len(given) != 1:
            hint = "`when` is a state, `event` happens, `stale` is silence"
            what = "a rule has exactly one of `when`, `event` and `stale`"
            self._problems.add(at, what, hint, is_key=True)

    def _check_urgent(self, section: RuleSection, at: KeyPath) -> None:
        if (section.priority or self._file.default_priority) != "critical":
            return
        for word in ("group", "limit"):
            if getattr(section, word) is not None:
                what = f"`{word}` is not possible with a critical rule"
                self._problems.add((*at, word), what, "a critical waits for nothing", is_key=True)

    def _filters(self, sources: list[str] | None, at: KeyPath) -> tuple[TopicFilter, ...]:
        filters = []
        for index, source in enumerate(sources or []):
            path = (*at, index)
            if name := _taken_name(source):
                shown = self._problems.shown(path, name)
                what = f"the name {shown} has a meaning of its own in rules"
                self._problems.add(path, what, "choose another for the wildcard")
                continue
            try:
                filters.append(parse_filter(source))
            except TopicError as error:
                is_hidden = self._problems.is_hidden(path)
                self._problems.add(path, "this is no topic filter" if is_hidden else str(error))
        return tuple(filters)

    def _people(self, section: RuleSection, at: KeyPath) -> tuple[str, ...]:
        if section.to is not None:
            return resolve_names(section.to, (*at, "to"), self._file.groups, self._problems)
        if not self._file.default_to and not self._problems.is_rejected(("defaults", "to")):
            self._problems.missing((*at, "to"), "say it here, or once in `defaults: {to: ...}`")
        return self._file.default_to

    def _channel(self, section: RuleSection, at: KeyPath) -> str:
        if section.channel is None:
            return self._file.default_channel
        path = (*at, "channel")
        check_channel(section.channel, path, self._file.channels, self._problems)
        return section.channel


def _taken_name(source: str) -> str | None:
    """Return the first name of a wildcard that means something else in rules."""
    names = (level[1:] for level in source.split("/") if level.startswith(("+", "#")))
    return next((name for name in names if name in TAKEN_NAMES), None)
