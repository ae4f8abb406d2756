"""The stored holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kilopush_bridge.model import Hold, HoldKind

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable


def load_holds(connection: sqlite3.Connection) -> list[Hold]:
    """Return every hold, oldest first."""
    rows = connection.execute("SELECT * FROM holds ORDER BY since_s")
    return [
        Hold(
            row["channel"],
            row["person"],
            HoldKind(row["kind"]),
            row["since_s"],
            row["tries"],
            row["next_at_s"],
            row["detail"],
        )
        for row in rows
    ]


def save_holds(connection: sqlite3.Connection, holds: Iterable[Hold]) -> None:
    """Store holds, new or changed."""
    connection.executemany(
        "INSERT OR REPLACE INTO holds (channel, person, kind, since_s, tries, next_at_s, detail) "
        "VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(*hold.id, hold.since_s, hold.tries, hold.next_at_s, hold.detail) for hold in holds],
    )


def clear_holds(connection: sqlite3.Connection, holds: Iterable[Hold]) -> None:
    """Forget holds."""
    connection.executemany(
        "DELETE FROM holds WHERE channel = ? AND person = ? AND kind = ?",
        [hold.id for hold in holds],
    )


def drop_holds_except(
    connection: sqlite3.Connection, channels: Collection[str], people: Collection[str]
) -> None:
    """Forget the holds of channels and people that are no longer in the configuration."""
    clear_holds(
        connection,
        [
            hold
            for hold in load_holds(connection)
            if hold.channel not in channels or hold.person not in ("", *people)
        ],
    )
