"""Messages, and what becomes of their rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kilopush_bridge.model import Batch, Kind, Message, Priority, Settlement, State
from kilopush_bridge.outbox import digests, outbox
from kilopush_bridge.scheduler.compose import compose

if TYPE_CHECKING:
    import sqlite3

    from kilopush_bridge.model import Delivery

NOW_S = 1_000_000.0
DAY_S = 86_400


def message(text: str = "leak", **changes: Any) -> Message:
    values: dict[str, Any] = {
        "kind": Kind.ALARM,
        "origin": "rule",
        "name": "rule",
        "key": "k",
        "text": text,
        "to": ("me",),
        "channel": "home",
        "priority": Priority.CRITICAL,
        "at_s": NOW_S,
        "since_s": NOW_S,
    }
    return Message(**{**values, **changes})


def event(text: str, **changes: Any) -> Message:
    return message(text, **{"kind": Kind.EVENT, "key": text, "priority": Priority.NORMAL} | changes)


def due(state: sqlite3.Connection) -> list[Delivery]:
    """Return what may leave, whoever gets it."""
    return [
        one
        for channel in ("home", "garden")
        for person in ("me", "anna")
        for one in outbox.waiting(state, channel, person, NOW_S, 99)
    ]


def claim(state: sqlite3.Connection, *deliveries: Delivery) -> Batch:
    """Send deliveries, all that are due if none are named; nobody knows yet what came of it."""
    batch = compose(deliveries or due(state), NOW_S)
    outbox.claim(state, batch, NOW_S)
    return batch


def settle(state: sqlite3.Connection, number: int, to: State, reason: str = "") -> None:
    outbox.settle(state, Settlement(number, to, NOW_S, reason), NOW_S)


def defer(
    state: sqlite3.Connection,
    *texts: str,
    group: str = digests.Slot.SOON,
    due_at_s: float = NOW_S + 600,
    **changes: Any,
) -> int:
    """Put events into a digest; return the digest's id."""
    outbox.put(state, [event(text, **changes) for text in texts])
    deferred = [one for one in due(state) if one.text in texts]
    for delivery in deferred:
        digests.defer(state, delivery, group, due_at_s, NOW_S)
    rows = state.execute(
        "SELECT digest_id FROM deliveries WHERE id = ?", (deferred[-1].id,)
    ).fetchone()
    return int(rows["digest_id"])
