"""The stored edges of rules: which keys hold (promise R1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kilopush_bridge.model import Episode

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable


def load_firing(connection: sqlite3.Connection) -> dict[str, dict[str, Episode]]:
    """Return the stored episodes by rule name and key."""
    firing: dict[str, dict[str, Episode]] = {}
    for row in connection.execute("SELECT rule, key, since_s, seen_at_s, count FROM firing"):
        firing.setdefault(row["rule"], {})[row["key"]] = Episode(
            row["since_s"], row["seen_at_s"], row["count"]
        )
    return firing


def drop_rules_except(connection: sqlite3.Connection, rules: Collection[str]) -> int:
    """End the episodes of rules that are gone, silently; return how many."""
    stored = {row["rule"] for row in connection.execute("SELECT DISTINCT rule FROM firing")}
    gone = stored - set(rules)
    connection.executemany("DELETE FROM firing WHERE rule = ?", [(rule,) for rule in gone])
    return len(gone)


def flush_seen(connection: sqlite3.Connection, seen: Iterable[tuple[float, int, str, str]]) -> None:
    """Write when each episode was last confirmed, and how often; the one thing written late.

    Each entry is `(seen_at_s, count, rule, key)`.
    """
    connection.executemany(
        "UPDATE firing SET seen_at_s = ?, count = ? WHERE rule = ? AND key = ?", seen
    )
