"""People and groups: who is behind a name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kilopush_bridge.config.expand import braces_hint
from kilopush_bridge.config.problems import did_you_mean, shortened
from kilopush_bridge.core.protocol import is_channel_token, is_user_token

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kilopush_bridge.config.problems import Problems
    from kilopush_bridge.config.source import KeyPath

Groups = dict[str, tuple[str, ...]]

_SHAPE = "a user token is `u_` and 40 letters and digits"


def build_people(
    section: Mapping[str, list[str]], problems: Problems
) -> tuple[dict[str, str], Groups]:
    """Return user tokens by person, and the people behind every name, groups included.

    A value is a user token, or a list of names: people or other groups.
    """
    if not section:
        problems.missing(("people",), "say who gets the messages: `me: ${KILO_ME}`")
    people = {
        name: values[0]
        for name, values in section.items()
        if len(values) == 1 and is_user_token(values[0])
    }
    members = {name: values for name, values in section.items() if name not in people}
    for name, values in members.items():
        for at, value in enumerate(values):
            if value not in section and not problems.is_rejected(("people", value)):
                path = ("people", name, at)
                problems.add(path, *_what_is(value, section, is_group=len(values) > 1))
    return people, _resolved(people, members, problems)


def _what_is(value: str, known: Iterable[str], *, is_group: bool) -> tuple[str, str]:
    """Return what is wrong with a value, and a hint; the value is not shown: it may be a token."""
    if is_user_token(value):
        return "this is a user token in a group", "give it a name, and put the name here"
    if is_channel_token(value):
        return "this is a channel token", _SHAPE
    what = "this is no name of `people`" if is_group else "this is no user token"
    return what, braces_hint(value) or did_you_mean(value, known) or _SHAPE


def _resolved(
    people: Mapping[str, str], members: Mapping[str, list[str]], problems: Problems
) -> Groups:
    groups: Groups = {name: (name,) for name in people}
    circles: set[str] = set()
    for name in members:
        reached = _reached(name, members)
        groups[name] = tuple(one for one in reached if one in people)
        if name in reached and name not in circles:
            problems.add(("people", name), f"the group `{shortened(name)}` contains itself")
            circles.update(reached)  # once per circle
    return groups


def _reached(name: str, members: Mapping[str, list[str]]) -> list[str]:
    """Return every name that a group holds, directly or through other groups, each once."""
    reached: dict[str, None] = {}
    pending = list(members[name])
    while pending:
        current = pending.pop(0)
        if current not in reached:
            reached[current] = None
            pending = [*members.get(current, ()), *pending]
    return list(reached)


def resolve_names(
    names: Iterable[str], at: KeyPath, groups: Groups, problems: Problems
) -> tuple[str, ...]:
    """Return the people behind names, noting unknown ones."""
    names = list(names)
    for index, name in enumerate(names):
        if name not in groups and not problems.is_rejected(("people", name)):
            problems.unknown_name((*at, index), "person or group", name, groups)
    return expand_names(names, groups)


def expand_names(names: Iterable[str], groups: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the people behind names, each once, in order; unknown names give nobody."""
    return tuple(dict.fromkeys(person for name in names for person in groups.get(name, ())))
