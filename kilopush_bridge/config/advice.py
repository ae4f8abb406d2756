"""What is worth knowing about a file and stops nothing."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from kilopush_bridge.config import schema
from kilopush_bridge.config.problems import COMMENT_HINT, shortened
from kilopush_bridge.core.protocol import is_link
from kilopush_bridge.expressions import UNKNOWN, Scope, Template
from kilopush_bridge.expressions.values import truth
from kilopush_bridge.topics import covers

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from kilopush_bridge.config.problems import Problems
    from kilopush_bridge.config.source import KeyPath
    from kilopush_bridge.rules import Rule

_TEXT_WORDS = ("message", "recovered")
_NO_MESSAGE = Scope(UNKNOWN)

_TAG = re.compile(r"\{[{%#]")
_SINGLE_BRACES = re.compile(r"(?<!\{)\{ *[A-Za-z_][\w.]* *\}(?!\})")

# Part of a topic filter, what it means to MQTT, and what was probably meant.
_ODD_TOPICS = (
    (r"\*", "`*` is no wildcard of MQTT", "`+` is one level, `#` the rest"),
    (r"\{.*\}", "braces are no wildcard of MQTT", "a level with a name is `+name`"),
    (r"\A/|/\Z", "`/` at an end adds an empty level", "most topics have none"),
)


def warn_of_later_words(sections: schema.FileSection, problems: Problems) -> None:
    """Say which words are accepted and not acted on."""
    for path in _later_words(sections):
        problems.warn(path, f"`{path[-1]}` is not acted on in this version", is_key=True)


def _later_words(sections: schema.FileSection) -> Iterator[KeyPath]:
    for word in schema.LATER_SECTIONS:
        if word in sections.model_fields_set:
            yield (word,)
    for word in schema.LATER_MQTT_WORDS:
        if word in sections.mqtt.model_fields_set:
            yield "mqtt", word


def warn_of_rules(rules: Sequence[Rule], topic_prefix: str, problems: Problems) -> None:
    """Say what a rule most likely does not mean."""
    for rule in rules:
        at: KeyPath = ("alerts", rule.name)
        _warn_of_deaf_filters(rule, f"{topic_prefix}/#", (*at, "topic"), problems)
        _warn_of_odd_topics(rule, (*at, "topic"), problems)
        _warn_of_constant_conditions(rule, at, problems)
        _warn_of_texts(rule, at, problems)
        _warn_of_constants(rule, at, problems)
    _warn_of_twins(rules, problems)


def _warn_of_deaf_filters(rule: Rule, own: str, at: KeyPath, problems: Problems) -> None:
    """Say which topics bring nothing; a rule of which all do is silent for ever."""
    is_lost = " and the rule never fires" if all(_is_deaf(rule, own)) else ""
    for index, one in enumerate(rule.filters):
        if covers(own, one.text):
            what = f"this topic never reaches a rule{is_lost}: the bridge does not hear itself"
            problems.warn((*at, index), what)
        elif any(covers(left_out.text, one.text) for left_out in rule.excepts):
            what = f"`except` leaves out everything that this topic filter matches{is_lost}"
            problems.warn((*at, index), what)


def _is_deaf(rule: Rule, own: str) -> Iterator[bool]:
    texts = (own, *(left_out.text for left_out in rule.excepts))
    for one in rule.filters:
        yield any(covers(text, one.text) for text in texts)


def _warn_of_odd_topics(rule: Rule, at: KeyPath, problems: Problems) -> None:
    for index, one in enumerate(rule.filters):
        for pattern, what, hint in _ODD_TOPICS:
            if re.search(pattern, one.text):
                problems.warn((*at, index), what, hint)


def _warn_of_texts(rule: Rule, at: KeyPath, problems: Problems) -> None:
    for word in _TEXT_WORDS:
        template = getattr(rule, word)
        if problems.is_cut((*at, word)):
            problems.warn((*at, word), f"`{word}` may end too early", COMMENT_HINT)
        if template and _SINGLE_BRACES.search(template.source):
            what = f"`{word}`: single braces are sent as they stand"
            problems.warn((*at, word), what, "write `{{ name }}`")


def _warn_of_constants(rule: Rule, at: KeyPath, problems: Problems) -> None:
    """Say which texts would be left out of every message, because no message changes them."""
    if rule.url and _is_constant(rule.url) and not is_link(rule.url.source.strip()):
        problems.warn((*at, "url"), "`url` is no http:// or https:// link, and is left out")
    silent = rule.silent
    if isinstance(silent, Template) and _is_constant(silent) and truth(silent.source) is UNKNOWN:
        problems.warn((*at, "silent"), "`silent` is neither true nor false, and counts as false")


def _is_constant(template: Template) -> bool:
    return _TAG.search(template.source) is None


def _warn_of_constant_conditions(rule: Rule, at: KeyPath, problems: Problems) -> None:
    """Say which rules never fire, or never recover, whatever comes."""
    if rule.stale_s is not None:
        return
    word = "event" if rule.is_event else "when"
    if rule.condition.is_constant:
        holds = rule.condition.holds(_NO_MESSAGE)
        if holds is not True:
            what = f"`{word}` is {'always false' if holds is False else 'no condition'}"
            problems.warn((*at, word), f"{what}: the rule never fires")
        elif not rule.is_event and rule.until is None:
            what = "this state never ends, so it is told once"
            problems.warn((*at, word), what, "`event: true` tells of every message")
    if rule.until and rule.until.is_constant and rule.until.holds(_NO_MESSAGE) is not True:
        what = "`until` never becomes true: this state never ends, so it is told once"
        problems.warn((*at, "until"), what)


def _warn_of_twins(rules: Sequence[Rule], problems: Problems) -> None:
    """Say which rules tell the same people of the same thing."""
    known: dict[object, str] = {}
    for rule in rules:
        first = known.setdefault(_sense(rule), rule.name)
        if first != rule.name:
            what = f"this rule fires whenever `{shortened(first)}` does, and tells the same people"
            problems.warn(("alerts", rule.name), what, is_key=True)


def _sense(rule: Rule) -> object:
    """Return when a rule fires, and whom it tells."""
    sources = [one and one.source for one in (rule.condition, rule.until, rule.key)]
    return (
        frozenset(one.text for one in rule.filters),
        frozenset(one.text for one in rule.excepts),
        tuple(sources),
        (rule.is_event, rule.stale_s, rule.for_s, rule.clear_after_s),
        frozenset(rule.to),
    )
