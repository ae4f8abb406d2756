"""What the state says, for `status`, `queue list` and `kilopush/bridge`. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kilopush_bridge.model import HoldKind, Priority, State
from kilopush_bridge.outbox.holds import load_holds
from kilopush_bridge.outbox.keys import firing_keys, pending_timers
from kilopush_bridge.words import HOLDS

if TYPE_CHECKING:
    import sqlite3

    from kilopush_bridge.model import Hold

LISTED_MAX = 200


def summary(connection: sqlite3.Connection) -> dict[str, Any]:
    """Return the counts of everything, ready for JSON.

    Shape: `{"alerts": {"accepted", "sent", "digested", "pending", "dead", "withdrawn"}, "firing":
    [{"rule", "key", "since", ...}], "timers": {"for": 2}, "holds": [...]}`. Alerts are counted per
    person; each is in exactly one of the last five (promise G2). Times are Unix seconds.
    """
    states = _counts(connection)
    return {
        "alerts": {"accepted": sum(states.values()), **states},
        "firing": firing_keys(connection),
        "timers": pending_timers(connection),
        "holds": [
            {
                "channel": hold.channel,
                "person": hold.person or None,
                "kind": hold.kind.value,
                "since": hold.since_s,
                "next": hold.next_at_s,
                "detail": hold.detail,
            }
            for hold in load_holds(connection)
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


# What is deferred is where its digest is. Digests themselves are no alerts.
WHERE_IT_IS = """
    CASE WHEN item.state <> 'deferred' THEN item.state
         WHEN digest.state = 'sent' THEN 'digested'
         WHEN digest.state IN ('sending', 'dead', 'withdrawn') THEN digest.state
         ELSE 'pending'
    END
"""
LISTED = f"""
    SELECT item.id, {WHERE_IT_IS} AS state, item.person, item.channel, item.priority, name, text,
           coalesce(nullif(item.reason, ''), digest.reason, '') AS reason, created_at_s, item.tries,
           digest.due_at_s AS digest_at_s
    FROM deliveries AS item
    JOIN alerts ON alerts.id = item.alert_id
    LEFT JOIN deliveries AS digest ON digest.id = item.digest_id
    WHERE NOT item.is_digest
"""  # noqa: S608  (of constants)


def listing(
    connection: sqlite3.Connection, state: str | None, limit: int = LISTED_MAX
) -> list[dict[str, Any]]:
    """Return deliveries that did not arrive yet, or those of one state: most urgent, then oldest.

    `reason` says why one is dead or withdrawn, or what a pending one waits for; `digest_at_s` when
    its digest is planned.
    """
    condition = f"{WHERE_IT_IS} = ?" if state else f"{WHERE_IT_IS} NOT IN (?, 'digested')"
    rows = connection.execute(
        f"{LISTED} AND {condition} ORDER BY item.priority, item.id LIMIT ?",
        (state or "sent", limit),
    )
    holds = load_holds(connection)
    return [_listed(row, holds) for row in rows]


def of_alert(connection: sqlite3.Connection, alert_id: int) -> list[dict[str, Any]]:
    """Return the deliveries of one alert, as `listing` does."""
    rows = connection.execute(f"{LISTED} AND item.alert_id = ? ORDER BY item.id", (alert_id,))
    holds = load_holds(connection)
    return [_listed(row, holds) for row in rows]


def _listed(row: sqlite3.Row, holds: list[Hold]) -> dict[str, Any]:
    entry = {**dict(row), "priority": Priority(row["priority"]).word}
    if row["state"] != "pending":
        return {**entry, "digest_at_s": None}
    waits = [_waits_for(row, holds)]
    if row["digest_at_s"] is not None:
        waits.insert(0, "in the next digest")
    return {**entry, "reason": "; ".join(filter(None, waits))}


def _waits_for(row: sqlite3.Row, holds: list[Hold]) -> str:
    lane = HoldKind.QUOTA if row["priority"] == Priority.CRITICAL else HoldKind.QUOTA_CRITICAL
    return "; ".join(
        f"{HOLDS[hold.kind]} ({hold.detail})"
        for hold in holds
        if hold.channel == row["channel"]
        and hold.person in ("", row["person"])
        and hold.kind is not lane  # the other lane's pause is none of its business
    )


COUNTED = """
    SELECT state, digest_id, count(*) AS number FROM deliveries
    WHERE NOT is_digest GROUP BY state, digest_id
"""


def _counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Return how many deliveries are where."""
    digests = {
        row["id"]: row["state"]
        for row in connection.execute("SELECT id, state FROM deliveries WHERE is_digest")
    }
    counts = dict.fromkeys(("sent", "digested", "pending", "dead", "withdrawn"), 0)
    for row in connection.execute(COUNTED):
        counts[_counted_as(row["state"], digests.get(row["digest_id"]))] += row["number"]
    return counts


def _counted_as(state: str, digest: str | None) -> str:
    """Return under which word a delivery is counted that is in `state`, in a digest in `digest`."""
    if state == State.DEFERRED:
        state = "digested" if digest == State.SENT else digest or state
    return state if state in ("sent", "digested", "dead", "withdrawn") else "pending"
