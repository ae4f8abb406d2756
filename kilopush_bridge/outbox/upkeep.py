"""Beside the way of a message: starting after a crash, dead letters by hand, forgetting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kilopush_bridge.model import Settlement, State
from kilopush_bridge.outbox.outbox import settle

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

REVIVE = """
    UPDATE deliveries
    SET state = 'pending', reason = '', tries = 0, changed_at_s = :now, due_at_s = :now
    WHERE state = 'dead'
"""
DROP_DEAD = """
    UPDATE deliveries SET state = 'withdrawn', reason = 'dropped by hand', changed_at_s = :now
    WHERE state = 'dead'
"""
DROP_ANY = DROP_DEAD.replace("state = 'dead'", "state IN ('dead', 'pending')")


def return_unfinished(connection: sqlite3.Connection, now_s: float) -> int:
    """Take back what a crash left on the way; return how many. Nobody knows whether it arrived."""
    connection.execute(
        "UPDATE attempts SET outcome = 'unclear', ended_at_s = ?, detail = ? WHERE outcome IS NULL",
        (now_s, "the bridge stopped before the reply"),
    )
    rows = connection.execute("SELECT id, tries FROM deliveries WHERE state = 'sending'").fetchall()
    for row in rows:
        again = Settlement(row["id"], State.PENDING, now_s, tries=row["tries"], is_repeat=True)
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


def revive(connection: sqlite3.Connection, ids: Sequence[int] | None, now_s: float) -> int:
    """Put dead letters (all without `ids`) back as pending; return how many."""
    return _for_each(connection, REVIVE, ids, now_s)


def drop(connection: sqlite3.Connection, ids: Sequence[int] | None, now_s: float) -> int:
    """Withdraw dead letters and pending deliveries by id, or all dead letters; return how many."""
    return _for_each(connection, DROP_DEAD if ids is None else DROP_ANY, ids, now_s)


def _for_each(
    connection: sqlite3.Connection, sql: str, ids: Sequence[int] | None, now_s: float
) -> int:
    if ids is None:
        return connection.execute(sql, {"now": now_s}).rowcount
    one_sql = f"{sql} AND id = :id"
    return sum(connection.execute(one_sql, {"now": now_s, "id": one}).rowcount for one in ids)


def forget(connection: sqlite3.Connection, before_s: float) -> None:
    """Delete what is settled and older than `before_s`, and keys that were not seen since."""
    connection.execute("DELETE FROM firing WHERE seen_at_s < ?", (before_s,))
    connection.execute(
        """
        DELETE FROM alerts WHERE created_at_s < ?
          AND NOT EXISTS (SELECT 1 FROM deliveries
                          WHERE alert_id = alerts.id AND state IN ('pending', 'sending', 'dead'))
          AND NOT EXISTS (SELECT 1 FROM firing WHERE alarm_id = alerts.id)
        """,
        (before_s,),
    )
    connection.execute("DELETE FROM attempts WHERE begun_at_s < ?", (before_s,))
