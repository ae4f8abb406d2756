"""What the command line asks a running bridge to do: rows that it takes out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3


@dataclass(frozen=True, slots=True)
class Command:
    """`ack` or `snooze`, of one rule. `key` None: all keys; `until_s` in Unix time."""

    word: str
    rule: str
    key: str | None = None
    until_s: float = 0.0


def ask(connection: sqlite3.Connection, command: Command) -> None:
    """Leave a command for the bridge that runs."""
    connection.execute(
        "INSERT INTO commands (command, rule, key, until_s) VALUES (?, ?, ?, ?)",
        (command.word, command.rule, command.key, command.until_s),
    )


def has_commands(connection: sqlite3.Connection) -> bool:
    """Return whether there is anything to do."""
    return connection.execute("SELECT 1 FROM commands LIMIT 1").fetchone() is not None


def take_commands(connection: sqlite3.Connection) -> list[Command]:
    """Return the commands, and forget them."""
    rows = connection.execute("DELETE FROM commands RETURNING *").fetchall()
    return [
        Command(row["command"], row["rule"], row["key"], row["until_s"] or 0.0)
        for row in sorted(rows, key=lambda row: row["id"])
    ]
