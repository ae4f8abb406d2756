"""A rule as the engine uses it: everything checked, compiled and resolved."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from kilopush_bridge.topics import TopicFilter, matches

if TYPE_CHECKING:
    from kilopush_bridge.expressions import Expression, Template
    from kilopush_bridge.model import Priority

# What templates can read beside the payload and the names of the topic filter. These win over
# payload keys; `value` is always the whole payload.
ENGINE_NAMES = ("topic", "value", "key", "lasted", "last_seen", "now", "count")
# Conditions are evaluated before these are known.
MESSAGE_NAMES = ("key", "lasted", "last_seen", "now", "count")


class Retained(StrEnum):
    """What a rule does with a replayed retained message (promise R1)."""

    COMPARE = "compare"  # silent if the stored state says the same; a change fires
    IGNORE = "ignore"
    FIRE = "fire"  # as if it were live


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many alarms of a rule in so many seconds."""

    count: int
    per_s: float


@dataclass(frozen=True, slots=True)
class Rule:
    """One entry under `alerts:`.

    `condition` is the rule's `when` (`is_event` false: a state with edges) or `event` (each
    message for which it is true counts by itself).
    """

    name: str
    filters: tuple[TopicFilter, ...]
    condition: Expression
    message: Template
    to: tuple[str, ...]
    channel: str
    priority: Priority
    is_event: bool = False
    excepts: tuple[TopicFilter, ...] = ()
    until: Expression | None = None
    key: Expression | None = None
    url: Template | None = None
    silent: Template | bool = False
    recovered: Template | None = None
    retained: Retained = Retained.COMPARE
    for_s: float = 0.0
    clear_after_s: float | None = None  # of an event: it counts as over so long after the last one
    stale_s: float | None = None  # instead of a condition
    repeat_s: tuple[float, ...] = ()  # the last one recurs
    cooldown_s: float = 0.0
    limit: Limit | None = None
    group_s: float = 0.0
    unless: tuple[str, ...] = ()
    line: int = field(default=0, compare=False)  # where the file says it

    @property
    def has_end(self) -> bool:
        """Whether what it tells of can be over."""
        return not self.is_event or self.clear_after_s is not None

    @property
    def takes_replays(self) -> bool:
        """Whether a replayed retained message means anything: an event has nothing to compare."""
        if self.stale_s is not None:
            return False  # a replay is not news of anybody
        if self.is_event:
            return self.retained is Retained.FIRE
        return self.retained is not Retained.IGNORE

    def excludes(self, topic: str) -> bool:
        """Return whether `except` leaves the topic out."""
        return any(matches(excluded.text, topic) for excluded in self.excepts)

    def filter_for(self, topic: str) -> TopicFilter | None:
        """Return the first of this rule's filters that matches, or None; `except` wins."""
        if self.excludes(topic):
            return None
        return next((one for one in self.filters if matches(one.text, topic)), None)
