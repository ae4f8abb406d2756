"""What the rules remember of their keys, for `status`, `ack` and `snooze`. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kilopush_bridge.model import Phase

if TYPE_CHECKING:
    import sqlite3

LISTED_MAX = 200

FIRING = """
    SELECT rule, key, since_s, phase, due_at_s, is_acknowledged, repeats, why FROM firing
    WHERE phase IN ('firing', 'muted') ORDER BY since_s LIMIT ?
"""
TIMERS = "SELECT phase, count(*) FROM firing WHERE due_at_s IS NOT NULL GROUP BY phase"
# What a timer of each phase waits for, by the word of a rule that asks for it.
_WORDS = {
    Phase.HOLDS: "for",
    Phase.MUTED: "muted",
    Phase.FIRING: "repeat",
    Phase.COOLING: "cooldown",
    Phase.HEARD: "stale",
}


def firing_keys(connection: sqlite3.Connection) -> list[dict[str, Any]]:
    """Return what fires, the oldest first.

    `muted` says why it is not told, None if it is; `until` when that ends, if it is known.
    """
    return [
        {
            "rule": row["rule"],
            "key": row["key"],
            "since": row["since_s"],
            "acknowledged": bool(row["is_acknowledged"]),
            "muted": row["why"] if row["phase"] == Phase.MUTED else None,
            "until": row["due_at_s"] if row["phase"] == Phase.MUTED else None,
            "reminders": row["repeats"],
        }
        for row in connection.execute(FIRING, (LISTED_MAX,))
    ]


def snoozed_rules(connection: sqlite3.Connection, now_s: float) -> list[dict[str, Any]]:
    """Return which rules are snoozed, and until when."""
    rows = connection.execute("SELECT * FROM snoozes WHERE until_s > ? ORDER BY rule", (now_s,))
    return [{"rule": row["rule"], "until": row["until_s"]} for row in rows]


def pending_timers(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many timers wait, by what they are for."""
    counts = dict(connection.execute(TIMERS))
    return {word: counts[phase] for phase, word in _WORDS.items() if counts.get(phase)}


def keys_that_fire(connection: sqlite3.Connection, rule: str) -> dict[str, bool]:
    """Return the keys of a rule that were told of and still fire; whether they are acknowledged."""
    rows = connection.execute(
        "SELECT key, is_acknowledged FROM firing WHERE rule = ? AND phase = 'firing' ORDER BY key",
        (rule,),
    )
    return {row["key"]: bool(row["is_acknowledged"]) for row in rows}


def snoozed_until_s(connection: sqlite3.Connection, rule: str) -> float:
    """Return until when a rule is snoozed; 0: it is not."""
    row = connection.execute("SELECT until_s FROM snoozes WHERE rule = ?", (rule,)).fetchone()
    return 0.0 if row is None else float(row["until_s"])
