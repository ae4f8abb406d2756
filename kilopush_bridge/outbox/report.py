"""What the state says, for `status`, `queue list` and `kilopush/bridge`. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kilopush_bridge.model import HoldKind, Priority
from kilopush_bridge.outbox.holds import load_holds
from kilopush_bridge.times import DAY_S
from kilopush_bridge.words import HOLDS

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from kilopush_bridge.model import Hold

LISTED_MAX = 200


def summary(
    connection: sqlite3.Connection, channels: Iterable[str], now_s: float
) -> dict[str, Any]:
    """Return the counts of everything, ready for JSON.

    Shape: `{"channels": {NAME: {"spent", "paused_until", "reason"}}, "alerts": {"accepted", "sent",
    "pending", "dead", "withdrawn"}, "firing": [{"rule", "key", "since"}], "holds": [...]}`. Times
    are Unix seconds; `spent` counts the POSTs of the last 24 hours that may use up the quota.
    """
    holds = load_holds(connection)
    states = _counts(connection)
    return {
        "channels": {name: _channel(connection, name, holds, now_s) for name in channels},
        "alerts": {
            "accepted": sum(states.values()),
            "sent": states.get("sent", 0),
            "pending": states.get("pending", 0) + states.get("sending", 0),
            "dead": states.get("dead", 0),
            "withdrawn": states.get("withdrawn", 0),
        },
        "firing": [
            {"rule": row["rule"], "key": row["key"], "since": row["since_s"]}
            for row in connection.execute(
                "SELECT rule, key, since_s FROM firing ORDER BY since_s LIMIT ?", (LISTED_MAX,)
            )
        ],
        "holds": [
            {
                "channel": hold.channel,
                "person": hold.person or None,
                "kind": hold.kind.value,
                "since": hold.since_s,
                "next": hold.next_at_s,
                "detail": hold.detail,
            }
            for hold in holds
        ],
    }


HELD_CRITICALS = """
    SELECT deliveries.id, holds.kind
    FROM deliveries JOIN holds
      ON holds.channel = deliveries.channel AND holds.person IN ('', deliveries.person)
    WHERE state IN ('pending', 'sending') AND priority = ? AND holds.kind <> ?
"""


def undelivered(connection: sqlite3.Connection) -> dict[str, Any] | None:
    """Return which criticals are held or were given up, or None if none is.

    Shape: `{"waiting": 2, "reasons": ["unclear"], "dead": 0}`.
    """
    rows = connection.execute(HELD_CRITICALS, (Priority.CRITICAL, HoldKind.QUOTA)).fetchall()
    dead = connection.execute(
        "SELECT count(*) FROM deliveries WHERE state = 'dead' AND priority = ?",
        (Priority.CRITICAL,),
    ).fetchone()[0]
    if not rows and not dead:
        return None
    return {
        "waiting": len({row["id"] for row in rows}),
        "reasons": sorted({row["kind"] for row in rows}),
        "dead": dead,
    }


LISTED = """
    SELECT deliveries.id, state, person, channel, priority, name, text, reason, created_at_s, tries
    FROM deliveries JOIN alerts ON alerts.id = alert_id
"""


def listing(
    connection: sqlite3.Connection, state: str | None, limit: int = LISTED_MAX
) -> list[dict[str, Any]]:
    """Return deliveries that are not sent, or those of one state: most urgent first, then oldest.

    `reason` says why one is dead or withdrawn, or what a pending one waits for.
    """
    condition = "state = ?" if state else "state <> ?"
    rows = connection.execute(
        f"{LISTED} WHERE {condition} ORDER BY priority, deliveries.id LIMIT ?",
        (state or "sent", limit),
    )
    holds = load_holds(connection)
    return [_listed(row, holds) for row in rows]


def of_alert(connection: sqlite3.Connection, alert_id: int) -> list[dict[str, Any]]:
    """Return the deliveries of one alert, as `listing` does."""
    rows = connection.execute(f"{LISTED} WHERE alert_id = ? ORDER BY deliveries.id", (alert_id,))
    holds = load_holds(connection)
    return [_listed(row, holds) for row in rows]


def _listed(row: sqlite3.Row, holds: list[Hold]) -> dict[str, Any]:
    entry = {**dict(row), "priority": Priority(row["priority"]).word}
    if row["state"] == "pending":
        entry["reason"] = _waits_for(row, holds)
    return entry


def _waits_for(row: sqlite3.Row, holds: list[Hold]) -> str:
    lane = HoldKind.QUOTA if row["priority"] == Priority.CRITICAL else HoldKind.QUOTA_CRITICAL
    return "; ".join(
        f"{HOLDS[hold.kind]} ({hold.detail})"
        for hold in holds
        if hold.channel == row["channel"]
        and hold.person in ("", row["person"])
        and hold.kind is not lane  # the other lane's pause is none of its business
    )


def _counts(connection: sqlite3.Connection) -> dict[str, int]:
    rows = connection.execute("SELECT state, count(*) AS number FROM deliveries GROUP BY state")
    return {row["state"]: row["number"] for row in rows}


def _channel(
    connection: sqlite3.Connection, name: str, holds: list[Hold], now_s: float
) -> dict[str, Any]:
    spent = connection.execute(
        "SELECT count(*) FROM attempts WHERE channel = ? AND begun_at_s > ? AND is_spent",
        (name, now_s - DAY_S),
    ).fetchone()[0]
    own = [hold for hold in holds if hold.channel == name and not hold.person]
    return {
        "spent": spent,
        "paused_until": min((hold.next_at_s for hold in own), default=None),
        "reason": ", ".join(sorted(hold.kind.value for hold in own)) or None,
    }
