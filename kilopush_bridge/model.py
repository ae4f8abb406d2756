"""The values that cross a border, in the order in which they appear.

    Received -> Alert -> Message -> Delivery -> Batch -> Verdict
    (mqtt)     (rules)  (templates) (outbox)  (scheduler) (push)

They hold no logic, so that no step has to import its neighbour. `Verdict` lives in
`core.protocol`, because boards and Home Assistant know it too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kilopush_bridge.rules.rule import Rule


class Priority(IntEnum):
    """How urgent an alert is; a lower number goes first."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3
    DIGEST = 4  # never a message of its own

    @property
    def word(self) -> str:
        """The word that configuration, logs and reports use."""
        return self.name.lower()

    @classmethod
    def from_word(cls, word: str) -> Priority:
        """Return the priority that `word` names; raises KeyError for any other text."""
        return cls[word.upper()]


class Kind(StrEnum):
    """What an alert says."""

    ALARM = "alarm"  # a state began
    RECOVERY = "recovery"  # that state is over
    REMINDER = "reminder"  # that state still lasts
    EVENT = "event"  # something happened
    REQUEST = "request"  # somebody asked for it: `kilopush/send/...` or the command line
    NOTICE = "notice"  # the bridge speaks about itself
    DIGEST = "digest"  # many alerts in one message


class State(StrEnum):
    """Where a delivery is. Each (alert, person) is in exactly one of these (promise G2).

    In reports, what is deferred is `pending` or, once its digest is delivered, `digested`.
    """

    PENDING = "pending"
    SENDING = "sending"  # its POST is on the way; counted as pending in every report
    SENT = "sent"
    DEFERRED = "deferred"  # part of a digest; where it is, the digest's own state says
    RELEASED = "released"  # a digest that was refused: its deliveries go one by one
    DEAD = "dead"  # refused three times; kept until somebody retries or drops it
    WITHDRAWN = "withdrawn"  # not sent any more, with its reason


class HoldKind(StrEnum):
    """Why a channel, or one person on it, is not sent to."""

    FORBIDDEN = "forbidden"  # 4003: the channel's token or secret is refused
    BLOCKED = "blocked"  # 4023: this person, or the channel for this person
    QUOTA = "quota"  # 4029, for everything but criticals
    QUOTA_CRITICAL = "quota_critical"  # 4029, for criticals
    UNCLEAR = "unclear"  # replies are lost: one attempt at a time
    UNREACHABLE = "unreachable"  # nothing can be written


class Phase(StrEnum):
    """Where a key of a rule is. No episode: nothing holds, and nothing is to be remembered."""

    HOLDS = "holds"  # it holds, and `for` is not over
    MUTED = "muted"  # it would be told, and must not be now
    FIRING = "firing"  # it has been told
    COOLING = "cooling"  # it is over, and its `cooldown` is not
    HEARD = "heard"  # `stale` waits for silence


@dataclass(slots=True)
class Episode:
    """One key of a rule, from the first thing that is to be remembered of it to the last.

    `topic` and `payload` are those of the message that began it: what a timer tells is made of
    them.
    """

    since_s: float  # when it began to hold
    seen_at_s: float  # when it was last confirmed
    count: int = 1  # by how many messages
    phase: Phase = Phase.FIRING
    due_at_s: float | None = None  # the timer of its phase
    told_at_s: float | None = None  # the last alarm
    repeats: int = 0  # reminders since then
    is_acknowledged: bool = False
    topic: str = ""
    payload: bytes = b""
    why: str = ""  # it is muted


@dataclass(frozen=True, slots=True)
class Mark:
    """What is to be remembered of one key of a rule from now on; `episode` None: nothing."""

    rule: str
    key: str
    episode: Episode | None


@dataclass(frozen=True, slots=True)
class Withhold:
    """Alarms of a rule that were not sent yet must not be sent now."""

    rule: str
    reason: str


@dataclass(frozen=True, slots=True)
class Release:
    """What was withheld of a rule may be sent, if it still fires."""

    rule: str


@dataclass(frozen=True, slots=True)
class Snooze:
    """A rule is muted until Unix time `until_s`; 0 ends it."""

    rule: str
    until_s: float


@dataclass(frozen=True, slots=True)
class Received:
    """One MQTT message as the broker delivered it.

    `retain` is true for a replay of a stored message only: subscriptions ask for retain-as-
    published 0. `ticket` names the message to the connection that must acknowledge it; None means
    that nothing is to be acknowledged (QoS 0).
    """

    topic: str
    payload: bytes
    retain: bool = False
    ticket: int | None = None


@dataclass(frozen=True, slots=True)
class Alert:
    """What a rule made of a message, before anything is rendered."""

    rule: Rule
    kind: Kind
    key: str
    names: Mapping[str, Any]  # what templates can read, payload included
    topic: str
    payload: bytes
    at_s: float  # Unix time at which it was decided
    since_s: float  # Unix time at which the state began; equals at_s for events
    found_at_start: bool = False
    is_surplus: bool = False  # more than the `limit` of its rule: for the digest
    group: str | None = None  # those with the same name become one message
    withdrawn: str = ""  # why it is only counted
    is_late: bool = False  # something muted it until now


@dataclass(frozen=True, slots=True)
class Message:
    """A rendered alert, ready for the outbox.

    `text` is None where a state ended and the rule has no `recovered` text: the outbox still has
    to know, because an alarm that waits must say that it is over.
    """

    kind: Kind
    origin: str  # "rule", "send", "command" or "bridge"
    name: str  # the rule's or the sender's
    key: str
    text: str | None
    to: tuple[str, ...]  # names of people, groups already resolved
    channel: str
    priority: Priority
    at_s: float
    since_s: float
    topic: str = ""
    url: str | None = None
    silent: bool = False
    found_at_start: bool = False
    request_id: str | None = None
    group: str | None = None
    is_surplus: bool = False
    withdrawn: str = ""
    # criticals leave from memory while the disk cannot be written: who has it, and who may have it
    already_sent: frozenset[str] = frozenset()
    maybe_sent: frozenset[str] = frozenset()
    rescue_posts: tuple[tuple[str, int], ...] = ()  # what that cost: person, POSTs that count

    @property
    def is_critical(self) -> bool:
        """Whether it goes before and beside everything else."""
        return self.priority is Priority.CRITICAL


@dataclass(frozen=True, slots=True)
class Delivery:
    """One row of the outbox: one message for one person."""

    id: int
    alert_id: int
    person: str
    channel: str
    kind: Kind
    priority: Priority
    name: str
    text: str
    url: str | None
    silent: bool
    created_at_s: float
    found_at_start: bool = False
    over_after_s: float | None = None  # set when the state ended before this was sent
    tries: int = 0  # attempts that the API refused, for the dead letter
    is_repeat: bool = False  # an earlier attempt may have arrived
    group: str | None = None
    follows_digest: bool = False  # a recovery whose alarm went in a digest
    home_channel: str | None = None  # where it came from, if another channel took it over once
    is_surplus: bool = False  # more than the `limit` of its rule

    @property
    def is_critical(self) -> bool:
        """Only an alarm itself is critical; what follows it is not (design: budget)."""
        return self.priority is Priority.CRITICAL

    @property
    def is_digest(self) -> bool:
        """Whether it stands for the deliveries that are deferred to it."""
        return self.kind is Kind.DIGEST


@dataclass(frozen=True, slots=True)
class Hold:
    """One reason to wait. At `next_at_s` a single attempt may go, as a probe."""

    channel: str
    person: str  # "" for the whole channel
    kind: HoldKind
    since_s: float
    tries: int
    next_at_s: float
    detail: str = ""

    @property
    def id(self) -> tuple[str, str, HoldKind]:
        """What makes it the same hold."""
        return self.channel, self.person, self.kind


@dataclass(frozen=True, slots=True)
class Settlement:
    """The state in which one delivery goes on after an attempt."""

    delivery_id: int
    state: State
    due_at_s: float
    reason: str = ""
    tries: int = 0
    is_repeat: bool = False
    keep_group: bool = True
    channel: str | None = None  # the channel that goes on with it, if it is another one


@dataclass(frozen=True, slots=True)
class Batch:
    """Deliveries of one person that go out as one POST."""

    deliveries: tuple[Delivery, ...]
    text: str
    url: str | None
    silent: bool
    attempt_id: int = field(default=0, compare=False)  # its row in the ledger

    @property
    def channel(self) -> str:
        """The channel it is sent from."""
        return self.deliveries[0].channel

    @property
    def person(self) -> str:
        """The person it is sent to."""
        return self.deliveries[0].person

    @property
    def priority(self) -> Priority:
        """The highest priority of what it holds."""
        return min(delivery.priority for delivery in self.deliveries)

    @property
    def is_critical(self) -> bool:
        """Whether it holds a critical alarm."""
        return self.priority is Priority.CRITICAL

    @property
    def is_digest(self) -> bool:
        """Whether it is a digest."""
        return self.deliveries[0].is_digest

    @property
    def ledger_kind(self) -> str:
        """What it counts as in the budget: `critical`, `digest` or `other`."""
        if self.is_critical:
            return "critical"
        return "digest" if self.is_digest else "other"


# What one message, one timer or one command changes, in order.
Change = Message | Mark | Withhold | Release | Snooze
