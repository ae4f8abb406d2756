"""What did not fit by itself: collected by subject, told in one message, its numbers exact."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..core.digest import pack
from ..core.text import cut
from ..shared.times import moment_text
from .model import Priority

if TYPE_CHECKING:
    from datetime import tzinfo

    from .model import Delivery

_GROUPS_MAX = 80  # a line takes more than 12 characters of 1000
_PARTS_MAX = 20  # of each subject
_NAME_MAX_UNITS = 100
_SMALL = 20
_TEXT_MAX_UNITS = 1000

TOO_LATE = "too late"


@dataclass(slots=True)
class Part:
    """Messages with the same text."""

    text: str
    count: int
    first_s: float
    last_s: float
    url: str | None = None


@dataclass(slots=True)
class Group:
    """Messages with the same title. Those beyond the shown texts are only counted."""

    name: str
    priority: Priority
    count: int
    first_s: float
    last_s: float
    parts: list[Part] = field(default_factory=list)


@dataclass(slots=True)
class Digest:
    """What one person is to be told in one message, from ``due_at_s`` on."""

    due_at_s: float
    groups: list[Group] = field(default_factory=list)
    more: int = 0  # messages beyond the groups; of how many subjects is not counted exactly
    more_subjects: int = 0
    is_silent: bool = True
    is_repeat: bool = False
    tries: int = 0  # refusals

    @property
    def count(self) -> int:
        """How many messages it stands for."""
        return self.more + sum(group.count for group in self.groups)

    @property
    def is_small(self) -> bool:
        """Whether all that it holds can go one by one, and is not so much that it takes days."""
        parts = [part for group in self.groups for part in group.parts]
        return sum(part.count for part in parts) == self.count and len(parts) <= _SMALL

    @property
    def priority(self) -> Priority:
        """The most urgent of what it holds."""
        return min((group.priority for group in self.groups), default=Priority.DIGEST)

    def add(self, delivery: Delivery, mark: str = "") -> None:
        """Take a message; ``mark`` says why it comes so."""
        may_be_known = delivery.is_repeat or delivery.is_unanswered
        mark = mark or ("may be a repeat" if may_be_known else "")
        text = cut(delivery.text, _TEXT_MAX_UNITS) + (f" ({mark})" if mark else "")
        at_s = delivery.created_at_s
        part = Part(text, 1, at_s, at_s, delivery.url)
        name = cut(delivery.name or delivery.text, _NAME_MAX_UNITS)
        self._add_group(Group(name, delivery.priority, 1, at_s, at_s, [part]))
        self.is_silent = self.is_silent and delivery.silent

    def shift(self, by_s: float) -> None:
        """Let all that it holds keep its age."""
        self.due_at_s += by_s
        for group in self.groups:
            group.first_s, group.last_s = group.first_s + by_s, group.last_s + by_s
            for part in group.parts:
                part.first_s, part.last_s = part.first_s + by_s, part.last_s + by_s

    def merge(self, other: Digest) -> None:
        """Take over what another digest holds, because it could not be delivered."""
        for group in other.groups:
            self._add_group(group)
        self.more += other.more
        self.more_subjects += other.more_subjects
        self.is_silent = self.is_silent and other.is_silent
        self.is_repeat = self.is_repeat or other.is_repeat
        self.tries = max(self.tries, other.tries)

    def _add_group(self, new: Group) -> None:
        known = next((group for group in self.groups if group.name == new.name), None)
        if known is not None:
            _join(known, new)
        elif len(self.groups) < _GROUPS_MAX:
            self.groups.append(new)
        else:
            self.more += new.count
            self.more_subjects += 1


def _join(group: Group, new: Group) -> None:
    group.priority = min(group.priority, new.priority)
    group.count += new.count
    group.first_s, group.last_s = min(group.first_s, new.first_s), max(group.last_s, new.last_s)
    for part in new.parts:
        known = next((one for one in group.parts if one.text == part.text), None)
        if known is not None:
            known.count += part.count
            known.first_s = min(known.first_s, part.first_s)
            known.last_s = max(known.last_s, part.last_s)
        elif len(group.parts) < _PARTS_MAX:
            group.parts.append(part)


def digest_text(digest: Digest, now_s: float, zone: tzinfo | None) -> str:
    """Return the message: by subject, the urgent and the rare first."""
    if digest.tries:  # refused: perhaps for the words in it
        return f"{_heading(digest, now_s, zone)}\nKILO.Push refuses the details"
    groups = sorted(digest.groups, key=lambda one: (one.priority, one.count, one.first_s))
    listed = [_listed(group, now_s, zone) for group in groups]
    more = (digest.more, digest.more_subjects)
    return pack(_heading(digest, now_s, zone), listed, more, noun="subject")


def only_part(digest: Digest) -> tuple[Group, Part] | None:
    """Return the one message that a digest holds, None if there are more."""
    if digest.count != 1 or not digest.groups or digest.tries:
        return None
    group = digest.groups[0]
    return group, group.parts[0]


def _heading(digest: Digest, now_s: float, zone: tzinfo | None) -> str:
    first_s = min((group.first_s for group in digest.groups), default=now_s)
    last_s = max((group.last_s for group in digest.groups), default=now_s)
    plural = "" if digest.count == 1 else "s"
    repeat = ", may be a repeat" if digest.is_repeat else ""
    return f"{digest.count} message{plural}, {_span(first_s, last_s, now_s, zone)}{repeat}"


def _listed(
    group: Group, now_s: float, zone: tzinfo | None
) -> tuple[str, int, str, list[tuple[str, int, str]]]:
    parts = [
        (
            part.text.replace("\n\n", ": ", 1),
            part.count,
            _span(part.first_s, part.last_s, now_s, zone),
        )
        for part in sorted(group.parts, key=lambda part: part.first_s)
    ]
    return group.name, group.count, _span(group.first_s, group.last_s, now_s, zone), parts


def _span(first_s: float, last_s: float, now_s: float, zone: tzinfo | None) -> str:
    first, last = moment_text(first_s, now_s, zone), moment_text(last_s, now_s, zone)
    return first if first == last else f"{first} to {last}"
