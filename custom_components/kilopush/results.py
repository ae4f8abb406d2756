"""What an action is told of its messages, from what happened to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .core import protocol
from .outbox.model import EventType, Outcome, Result

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Sequence

_OUTCOMES: dict[str, Outcome] = {
    EventType.SENT: Outcome.SENT,
    EventType.BRIDGE: Outcome.BRIDGE,
    EventType.DEFERRED: Outcome.DIGEST,
    EventType.TOO_LATE: Outcome.DIGEST,
    EventType.REFUSED: Outcome.REFUSED,
    EventType.WITHDRAWN: Outcome.WITHDRAWN,
    EventType.DEAD: Outcome.DEAD,
    # kinds of holds
    protocol.FORBIDDEN: Outcome.REFUSED,
    protocol.BLOCKED: Outcome.REFUSED,
}

# The worst part of a message that was split tells what has become of it.
_WORST_FIRST = (
    Outcome.DEAD,
    Outcome.WITHDRAWN,
    Outcome.REFUSED,
    Outcome.PENDING,
    Outcome.DIGEST,
    Outcome.BRIDGE,
    Outcome.SENT,
)


def outcome_of(kind: str) -> Outcome:
    """Return where an event, or a hold, has brought a message."""
    return _OUTCOMES.get(kind, Outcome.PENDING)


def result_of(parts: Sequence[asyncio.Future[Result]]) -> Result:
    """Return what has become of a message; what is not known yet waits in the outbox."""
    results = [one.result() if one.done() else Result(Outcome.PENDING) for one in parts]
    worst = min(results, key=lambda one: _WORST_FIRST.index(one.outcome))
    return Result(worst.outcome, worst.reason, len(parts))
