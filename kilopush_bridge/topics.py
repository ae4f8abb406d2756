"""Topic filters: check them, name their wildcards, compare them, match topics against them.

Matching itself is paho's: its tree does not slow down with the number of filters and knows that a
leading wildcard does not match `$...` [MQTT-4.7.2-1]. It answers "no match" for an invalid filter,
which is why every filter passes through `parse_filter` first.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, Generic, TypeVar

from paho.mqtt.matcher import MQTTMatcher

if TYPE_CHECKING:
    from collections.abc import Mapping

FILTER_MAX_BYTES = 65_535  # MQTT 5, 1.5.4: UTF-8 strings have a two-byte length
# mosquitto closes the connection beyond this (TOPIC_HIERARCHY_LIMIT); matching is recursive.
LEVELS_MAX = 200

# Words of the expression language, which no expression could read as a name.
_RESERVED_WORDS = frozenset(
    {"and", "else", "false", "if", "in", "is", "none", "not", "or", "true", "False", "None", "True"}
)

_Value = TypeVar("_Value")


class TopicError(ValueError):
    """A topic filter that no broker would accept, with the reason as its text."""


@dataclass(frozen=True, slots=True)
class TopicFilter:
    """A topic filter as MQTT knows it, and the names that its wildcards were given.

    `parse_filter("tele/+boiler/#rest")` gives text `tele/+/#`, names `((1, "boiler"),)` and
    rest_name `rest`.
    """

    text: str
    names: tuple[tuple[int, str], ...] = ()
    rest_name: str | None = None

    @property
    def has_wildcards(self) -> bool:
        """Whether it stands for more than one topic."""
        return any(level in ("+", "#") for level in self.text.split("/"))

    @property
    def all_names(self) -> tuple[str, ...]:
        """Every name that a match makes available."""
        named = tuple(name for _, name in self.names)
        return (*named, self.rest_name) if self.rest_name else named

    def bind(self, topic: str) -> dict[str, str]:
        """Return what each name stands for in `topic`, which must match this filter."""
        levels = topic.split("/")
        bound = {name: levels[at] for at, name in self.names}
        if self.rest_name:
            bound[self.rest_name] = "/".join(levels[self.text.count("/") :])
        return bound


def parse_filter(source: str) -> TopicFilter:
    """Return the topic filter that `source` stands for; `+name` and `#name` name a wildcard.

    Raises:
        TopicError: the text says what is wrong and where.
    """
    _refuse_text(source)
    parsed = [_parse_level(source, level) for level in source.split("/")]
    if len(parsed) > LEVELS_MAX:
        raise TopicError(f"a topic filter has at most {LEVELS_MAX} levels")
    *heads, (last, rest_name) = parsed
    if any(level == "#" for level, _ in heads):
        raise TopicError(f"topic `{source}`: `#` must be the last level")
    names = tuple((at, name) for at, (level, name) in enumerate(parsed) if level == "+" and name)
    topic_filter = TopicFilter(
        "/".join(level for level, _ in parsed), names, rest_name if last == "#" else None
    )
    _refuse_doubles(source, topic_filter.all_names)
    return topic_filter


def _refuse_text(source: str) -> None:
    if not source:
        raise TopicError("a topic filter cannot be empty")
    if source.startswith("$share/"):
        raise TopicError(
            f"topic `{source}`: shared subscriptions would give each message to one bridge only"
        )
    try:
        size = len(source.encode())
    except UnicodeEncodeError:
        size = FILTER_MAX_BYTES + 1  # half a surrogate pair has no place in UTF-8
    if "\0" in source or size > FILTER_MAX_BYTES:
        raise TopicError(f"a topic filter is UTF-8 without NUL, at most {FILTER_MAX_BYTES} bytes")


def _parse_level(source: str, level: str) -> tuple[str, str | None]:
    """Return what the broker gets for one level, and the name of its wildcard, if any."""
    wildcard, name = level[:1], level[1:]
    if wildcard not in ("+", "#"):
        if "+" in level or "#" in level:
            raise TopicError(f"topic `{source}`: `+` and `#` must fill the whole level `{level}`")
        return level, None
    if name and not (name.isidentifier() and name.isascii()):
        raise TopicError(
            f"topic `{source}`: `{name}` is no name: letters, digits and `_`, "
            "not starting with a digit"
        )
    if name in _RESERVED_WORDS:
        raise TopicError(f"topic `{source}`: `{name}` is a word of expressions, choose another")
    return wildcard, name or None


def _refuse_doubles(source: str, names: tuple[str, ...]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise TopicError(f"topic `{source}`: `{name}` names two levels")


def covers(wide: str, narrow: str) -> bool:
    """Return whether every topic that `narrow` matches is matched by `wide` as well."""
    if narrow.startswith("$") and wide[:1] in ("+", "#"):
        return False
    if narrow == "#":
        narrow = "+/#"  # the same topics: each has a first level
    wide_levels, narrow_levels = wide.split("/"), narrow.split("/")
    for wide_level, narrow_level in zip_longest(wide_levels, narrow_levels):
        if wide_level == "#":
            return True
        # `a/+` does not cover `a/#`, which matches the topic `a` too
        if None in (wide_level, narrow_level) or narrow_level == "#":
            return False
        if wide_level not in ("+", narrow_level):
            return False
    return True


def overlaps(one: str, other: str) -> bool:
    """Return whether some topic is matched by both filters."""
    if (one.startswith("$") or other.startswith("$")) and one[:1] != other[:1]:
        return False
    for one_level, other_level in zip_longest(one.split("/"), other.split("/")):
        levels = (one_level, other_level)
        if "#" in levels:
            return True
        if None in levels:
            return False
        if one_level != other_level and "+" not in levels:
            return False
    return True


def matches(filter_text: str, topic: str) -> bool:
    """Return whether one filter matches a topic."""
    return bool(FilterTree({filter_text: True}).match(topic))


class FilterTree(Generic[_Value]):
    """Values by topic filter, found by topic."""

    def __init__(self, entries: Mapping[str, _Value]) -> None:
        self._matcher = MQTTMatcher()  # type: ignore[no-untyped-call]
        for text, value in entries.items():
            self._matcher[text] = value

    def match(self, topic: str) -> list[_Value]:
        """Return the values of all filters that match `topic`."""
        return list(self._matcher.iter_match(topic))  # type: ignore[no-untyped-call]
