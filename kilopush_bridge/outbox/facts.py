"""One value per name: the client id, fingerprints of secrets, what was told once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


def fact(connection: sqlite3.Connection, name: str) -> str | None:
    """Return one remembered value, or None."""
    row = connection.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
    return str(row["value"]) if row else None


def remember(connection: sqlite3.Connection, name: str, value: str | None) -> None:
    """Remember one value; None forgets it."""
    if value is None:
        connection.execute("DELETE FROM facts WHERE name = ?", (name,))
    else:
        connection.execute(
            "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)", (name, value)
        )
