"""Beside the way of a message: starting after a crash, dead letters by hand, forgetting."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kilopush_bridge.model import Settlement, State
from kilopush_bridge.outbox.outbox import settle

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

# What is deferred is dead if its digest is.
DEAD = """
    SELECT item.id, coalesce(digest.id, item.id) AS row_id, item.channel, item.person
    FROM deliveries AS item LEFT JOIN deliveries AS digest ON digest.id = item.digest_id
    WHERE NOT item.is_digest
      AND (item.state = 'dead' OR item.state = 'deferred' AND digest.state = 'dead')
"""
REVIVE = """
    UPDATE deliveries
    SET state = 'pending', reason = '', tries = 0, changed_at_s = :now, due_at_s = 0
    WHERE id = :id
"""
DROP = """
    UPDATE deliveries SET state = 'withdrawn', reason = 'dropped by hand', changed_at_s = :now
    WHERE id = :id
"""
DROP_ONE = """
    UPDATE deliveries
    SET state = 'withdrawn', reason = 'dropped by hand', changed_at_s = :now, digest_id = NULL
    WHERE id = :id AND NOT is_digest AND (
        state IN ('dead', 'pending')
        OR state = 'deferred' AND EXISTS (
            SELECT 1 FROM deliveries AS digest
            WHERE digest.id = deliveries.digest_id AND digest.state IN ('dead', 'pending')
        )
    )
"""
FORGET = """
    DELETE FROM alerts WHERE id IN (
        SELECT id FROM alerts
        WHERE created_at_s < ?
          AND NOT EXISTS (
              SELECT 1 FROM deliveries
              WHERE alert_id = alerts.id
                AND (state IN ('pending', 'sending', 'dead')
                     OR state = 'deferred' AND EXISTS (
                         SELECT 1 FROM deliveries AS digest
                         WHERE digest.id = deliveries.digest_id
                           AND digest.state NOT IN ('sent', 'withdrawn'))
                     OR is_digest AND EXISTS (
                         SELECT 1 FROM deliveries AS item
                         WHERE item.state = 'deferred' AND item.digest_id = deliveries.id)))
          AND NOT EXISTS (SELECT 1 FROM firing WHERE alarm_id = alerts.id)
        LIMIT ?
    )
"""


@dataclass(frozen=True, slots=True)
class Dead:
    """An alert that was given up: its own number, and that of its digest if it is in one."""

    id: int
    row_id: int
    channel: str
    person: str


def return_unfinished(connection: sqlite3.Connection, now_s: float) -> int:
    """Take back what a crash left on the way; return how many. Nobody knows whether it arrived."""
    connection.execute(
        "UPDATE attempts SET outcome = 'unclear', ended_at_s = ?, detail = ? WHERE outcome IS NULL",
        (now_s, "the bridge stopped before the reply"),
    )
    rows = connection.execute("SELECT id, tries FROM deliveries WHERE state = 'sending'").fetchall()
    for row in rows:
        again = Settlement(row["id"], State.PENDING, 0.0, tries=row["tries"], is_repeat=True)
        settle(connection, again, now_s)
    return len(rows)


def bury_unreachable(
    connection: sqlite3.Connection, channels: Iterable[str], people: Iterable[str], now_s: float
) -> int:
    """Turn what waits for a person or channel that is gone into dead letters; return how many."""
    known_channels, known_people = set(channels), set(people)
    pairs = connection.execute(
        "SELECT DISTINCT channel, person FROM deliveries WHERE state = 'pending'"
    ).fetchall()
    buried = 0
    for pair in pairs:
        if pair["channel"] in known_channels and pair["person"] in known_people:
            continue
        buried += connection.execute(
            "UPDATE deliveries SET state = 'dead', changed_at_s = ?, reason = ? "
            "WHERE state = 'pending' AND channel = ? AND person = ?",
            (
                now_s,
                "the person or channel is no longer in the configuration",
                pair["channel"],
                pair["person"],
            ),
        ).rowcount
    return buried


def dead_letters(connection: sqlite3.Connection) -> list[Dead]:
    """Return every alert that was given up, in a digest or by itself."""
    return [
        Dead(row["id"], row["row_id"], row["channel"], row["person"])
        for row in connection.execute(DEAD)
    ]


def revive(connection: sqlite3.Connection, dead: Iterable[Dead], now_s: float) -> None:
    """Put dead letters back as pending. What is in a dead digest comes back with all of it."""
    for row_id in {one.row_id for one in dead}:
        connection.execute(REVIVE, {"now": now_s, "id": row_id})


def drop_dead(connection: sqlite3.Connection, dead: Iterable[Dead], now_s: float) -> None:
    """Withdraw dead letters, digests as a whole."""
    for row_id in {one.row_id for one in dead}:
        connection.execute(DROP, {"now": now_s, "id": row_id})


def drop(connection: sqlite3.Connection, delivery_id: int, now_s: float) -> bool:
    """Withdraw one alert that is pending or was given up; return whether there was such a one."""
    return connection.execute(DROP_ONE, {"now": now_s, "id": delivery_id}).rowcount > 0


def forget(connection: sqlite3.Connection, before_s: float, counted_s: float, limit: int) -> int:
    """Delete what is settled and older than `before_s`, and keys that were not seen since.

    Deletes up to `limit` alerts, so that nobody waits long, and returns how many. What counts in
    the ledger at `counted_s` stays, whatever our clock said when it was written.
    """
    connection.execute("DELETE FROM firing WHERE seen_at_s < ?", (before_s,))
    connection.execute(
        "DELETE FROM attempts WHERE begun_at_s < ? AND counts_until_s <= ?", (before_s, counted_s)
    )
    return connection.execute(FORGET, (before_s, limit)).rowcount
