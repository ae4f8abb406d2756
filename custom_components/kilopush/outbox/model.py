"""The values that the outbox takes and gives."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from ..core.budget import Limits
from ..core.text import cut

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import time, tzinfo


_EVENT_TEXT_MAX_UNITS = 80


class Priority(IntEnum):
    """How urgent a message is; smaller is more urgent."""

    CRITICAL = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3  # sent without a sound
    DIGEST = 4  # never a message of its own

    @property
    def word(self) -> str:
        """What people call it."""
        return self.name.lower()

    @classmethod
    def from_word(cls, word: str) -> Priority:
        """Return the priority that people call so."""
        return cls[word.upper()]


class TooLong(StrEnum):
    """What becomes of a text that does not fit one message."""

    CUT = "cut"
    SPLIT = "split"
    ERROR = "error"


class Outcome(StrEnum):
    """Where a message is after an action: what it came to, or where it waits."""

    SENT = "sent"
    BRIDGE = "bridge"  # handed over: the bridge has it on its disk
    DIGEST = "digest"  # it goes along in the next digest
    PENDING = "pending"  # it is tried again
    REFUSED = "refused"  # it is kept, and goes when somebody has acted
    WITHDRAWN = "withdrawn"  # the person has blocked the channel
    DEAD = "dead"  # the API refuses it for good


class Trouble(StrEnum):
    """What somebody should know of."""

    SECRET = "secret"  # noqa: S105  (no password, the word for it)
    RECIPIENT = "recipient"
    BLOCKED = "blocked"
    OPTED_OUT = "opted_out"
    QUOTA = "quota"
    UNREACHABLE = "unreachable"


class EventType(StrEnum):
    """What happened to a message."""

    SENT = "sent"
    BRIDGE = "bridge"
    DEFERRED = "deferred"
    DELAYED = "delayed"
    REFUSED = "refused"
    TOO_LATE = "too_late"
    WITHDRAWN = "withdrawn"
    DEAD = "dead"
    DIGEST_SENT = "digest_sent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What somebody wants to have sent.

    ``silent`` None is the recipient's own setting. ``key`` tells what is the same alarm: "" is the
    title and the message. ``time_to_live_s`` None is a day; without end for a critical one.
    """

    message: str
    title: str = ""
    url: str | None = None
    silent: bool | None = None
    priority: Priority = Priority.NORMAL
    key: str = ""
    time_to_live_s: float | None = None
    too_long: TooLong = TooLong.CUT


@dataclass(frozen=True, slots=True)
class Result:
    """What a request came to for one recipient. ``reason`` is a line that is safe to show."""

    outcome: Outcome
    reason: str = ""
    parts: int = 1


@dataclass(slots=True)
class Delivery:
    """One message to one recipient, from the action to its end."""

    id: int
    person: str
    name: str  # the title, for a line in a digest
    text: str
    url: str | None
    silent: bool
    priority: Priority
    key: str
    created_at_s: float
    expires_at_s: float | None
    due_at_s: float
    tries: int = 0  # refusals of the message itself
    is_repeat: bool = False  # an earlier attempt may have arrived
    is_posted: bool = False  # an attempt is on its way
    is_bridged: bool = False  # the bridge is asked first, and has not answered yet
    is_unanswered: bool = False  # the bridge was asked, and may have it
    request_id: str = ""  # what the bridge knows it by
    is_delayed: bool = False  # somebody has been told that it waits

    @property
    def is_critical(self) -> bool:
        """Whether it is an alarm that waits for nothing."""
        return self.priority is Priority.CRITICAL


@dataclass(frozen=True, slots=True)
class Hold:
    """Why something waits: what the last attempt came to, for the channel ("") or one person."""

    person: str
    kind: str
    since_s: float
    tries: int
    next_at_s: float
    detail: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to a message, or to a digest."""

    type: EventType
    recipient_id: str
    delivery_id: int = 0
    title: str = ""
    priority: str = ""
    reason: str = ""
    text: str = ""  # its start


def event_of(kind: EventType, delivery: Delivery, reason: str = "") -> Event:
    """Return what happened to a delivery."""
    return Event(
        type=kind,
        recipient_id=delivery.person,
        delivery_id=delivery.id,
        title=delivery.name,
        priority=delivery.priority.word,
        reason=reason,
        text=cut(" ".join(delivery.text.split()), _EVENT_TEXT_MAX_UNITS),
    )


@dataclass(frozen=True, slots=True)
class Moment:
    """The time, as ``shared.clock`` has it: Unix time, and that of the ledger.

    ``is_certain`` says that the second is the API's own.
    """

    now_s: float
    counted_s: float
    is_certain: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """What the owner decided: the limits, and when digests have their time.

    ``is_share``: the limits are a part of the channel's, and a refusal says nothing about them.
    """

    limits: Limits = field(default_factory=Limits)
    people: int = 1
    is_share: bool = False
    digest_at: Sequence[time] = ()
    zone: tzinfo | None = None


@dataclass(frozen=True, slots=True)
class Overview:
    """What people see of a channel. ``left`` and ``critical_left`` None: without limit."""

    sent_today: int = 0
    left: int | None = None
    critical_left: int | None = None
    pending: int = 0
    in_digest: int = 0
    dead: int = 0
    withdrawn: int = 0
    last_error: str | None = None
    last_error_detail: str = ""
    last_error_at_s: float | None = None
    paused_until_s: float | None = None
    troubles: tuple[tuple[Trouble, str], ...] = ()
