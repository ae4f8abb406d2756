"""What the bridge does with its outbox, as functions of a connection inside a transaction.

Time is an argument. The statements of one function belong together; `Store.call` commits them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kilopush_bridge.failpoints import reach
from kilopush_bridge.model import Delivery, Kind, Message, Priority, Settlement, State
from kilopush_bridge.times import MINUTE_S

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

# No delivery waits longer by itself (long waits are holds). A later due time was written by a clock
# that has been set back since, as on a Raspberry Pi without a battery: no alarm may wait for that.
LONGEST_WAIT_S = MINUTE_S

INSERT_ALERT = """
    INSERT INTO alerts (kind, origin, name, key, topic, text, url, silent, found_at_start,
                        request_id, created_at_s)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING
    RETURNING id
"""
INSERT_DELIVERY = """
    INSERT INTO deliveries (alert_id, person, channel, priority, state, changed_at_s, due_at_s,
                            batch_key, follows, is_repeat)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
RECORD_RESCUE = """
    INSERT INTO attempts (channel, person, priority, begun_at_s, ended_at_s, outcome, detail)
    VALUES (?, ?, ?, ?, ?, ?, 'sent while the state could not be written')
"""
BEGIN_FIRING = """
    INSERT INTO firing (rule, key, since_s, seen_at_s, count, alarm_id) VALUES (?, ?, ?, ?, 1, ?)
    ON CONFLICT (rule, key) DO UPDATE SET
        since_s = excluded.since_s, seen_at_s = excluded.seen_at_s, count = 1,
        alarm_id = excluded.alarm_id
"""
ALARM_DELIVERIES = """
    SELECT deliveries.id, person, channel, state
    FROM firing JOIN deliveries ON alert_id = alarm_id
    WHERE rule = ? AND key = ?
"""
WAITING = """
    SELECT deliveries.*, alerts.kind, alerts.name, alerts.text, alerts.url, alerts.silent,
           alerts.found_at_start, alerts.created_at_s
    FROM deliveries JOIN alerts ON alerts.id = alert_id
    WHERE state = 'pending' AND channel = :channel AND person = :person
      AND NOT (due_at_s > :now AND due_at_s <= :now + :longest_wait)
      AND (batch_key IS NULL OR batch_key NOT IN (SELECT value FROM json_each(:collecting)))
      AND (follows IS NULL
           OR EXISTS (SELECT 1 FROM deliveries AS alarm
                      WHERE alarm.id = deliveries.follows AND alarm.state = 'sent'))
      AND {lane}
    ORDER BY priority, deliveries.id
    LIMIT :limit
"""
# Whatever holds one of a lane holds the whole lane (`scheduler.decide.stops`). Each is read by
# itself, so that no crowd of held deliveries hides one that may go.
LANES = ("priority = 0 AND NOT is_repeat", "priority = 0 AND is_repeat", "priority > 0")


def put(connection: sqlite3.Connection, messages: Iterable[Message]) -> None:
    """Store what messages change: alerts with a delivery per person, and the edges of rules."""
    for message in messages:
        if message.kind is Kind.RECOVERY:
            _put_recovery(connection, message)
            continue
        alert_id = _insert_alert(connection, message)
        if alert_id is None:
            continue  # the same request again: a sender or a broker repeated itself
        for person in message.to:
            _insert_delivery(connection, alert_id, message, person, message.channel)
        if message.kind is Kind.ALARM:
            connection.execute(
                BEGIN_FIRING, (message.name, message.key, message.since_s, message.at_s, alert_id)
            )
    reach("before_commit")


def _insert_alert(connection: sqlite3.Connection, message: Message) -> int | None:
    row = connection.execute(
        INSERT_ALERT,
        (
            message.kind,
            message.origin,
            message.name,
            message.key,
            message.topic,
            message.text,
            message.url,
            message.silent,
            message.found_at_start,
            message.request_id,
            message.at_s,
        ),
    ).fetchone()
    return int(row["id"]) if row else None


def _insert_delivery(
    connection: sqlite3.Connection,
    alert_id: int,
    message: Message,
    person: str,
    channel: str,
    follows: int | None = None,
) -> None:
    at_s, priority = message.at_s, message.priority
    is_sent = person in message.already_sent
    is_repeat = not is_sent and person in message.maybe_sent
    state = State.SENT if is_sent else State.PENDING
    connection.execute(
        INSERT_DELIVERY,
        (
            alert_id,
            person,
            channel,
            priority,
            state,
            at_s,
            at_s,
            message.group,
            follows,
            is_repeat,
        ),
    )
    if is_sent or is_repeat:
        outcome = "sent" if is_sent else "unclear"
        connection.execute(RECORD_RESCUE, (channel, person, priority, at_s, at_s, outcome))


def _put_recovery(connection: sqlite3.Connection, message: Message) -> None:
    """End a state: tell those who were told, the way they were told.

    An alarm that still waits says itself that it is over, as does a dead letter that is retried.
    One whose POST is on the way gets a recovery that waits for it; `settle` withdraws it if the
    alarm has to be sent again.
    """
    alarms = connection.execute(ALARM_DELIVERIES, (message.name, message.key)).fetchall()
    lasted_s = message.at_s - message.since_s
    told = [alarm for alarm in alarms if alarm["state"] in (State.SENT, State.SENDING)]
    if told and message.text is not None:
        alert_id = _insert_alert(connection, message)
        for alarm in told if alert_id is not None else ():
            _insert_delivery(
                connection, alert_id or 0, message, alarm["person"], alarm["channel"], alarm["id"]
            )
    for alarm in alarms:
        if alarm["state"] in (State.PENDING, State.SENDING, State.DEAD):
            connection.execute(
                "UPDATE deliveries SET over_after_s = ? WHERE id = ?", (lasted_s, alarm["id"])
            )
    connection.execute("DELETE FROM firing WHERE rule = ? AND key = ?", (message.name, message.key))


def waiting(
    connection: sqlite3.Connection,
    channel: str,
    person: str,
    now_s: float,
    limit: int,
    collecting: Collection[str] = (),
) -> list[Delivery]:
    """Return what is due for one person: of each lane, the most urgent and oldest `limit`.

    Groups that are still `collecting` are left out.
    """
    values = {
        "channel": channel,
        "person": person,
        "now": now_s,
        "longest_wait": LONGEST_WAIT_S,
        "collecting": json.dumps(list(collecting)),
        "limit": limit,
    }
    return [
        _delivery(row)
        for lane in LANES
        for row in connection.execute(WAITING.format(lane=lane), values)
    ]


def next_due_at_s(connection: sqlite3.Connection, now_s: float) -> float | None:
    """Return when the next delivery becomes due, or None."""
    row = connection.execute(
        "SELECT min(due_at_s) AS due_at_s FROM deliveries WHERE state = 'pending' AND due_at_s > ?",
        (now_s,),
    ).fetchone()
    return None if row["due_at_s"] is None else float(row["due_at_s"])


def claim(connection: sqlite3.Connection, deliveries: Sequence[Delivery], now_s: float) -> int:
    """Mark deliveries as on the way and write the ledger; return the attempt's id.

    Both are committed before the POST leaves, so that a crash can only make the count too high.
    """
    first = deliveries[0]
    attempt = connection.execute(
        "INSERT INTO attempts (channel, person, priority, begun_at_s) VALUES (?, ?, ?, ?) "
        "RETURNING id",
        (first.channel, first.person, min(one.priority for one in deliveries), now_s),
    ).fetchone()
    connection.executemany(
        "UPDATE deliveries SET state = 'sending', changed_at_s = ? WHERE id = ?",
        [(now_s, one.id) for one in deliveries],
    )
    return int(attempt["id"])


def end_attempt(
    connection: sqlite3.Connection,
    attempt_id: int,
    outcome: str,
    detail: str,
    now_s: float,
    *,
    is_spent: bool,
) -> None:
    """Complete an attempt's row in the ledger."""
    connection.execute(
        "UPDATE attempts SET ended_at_s = ?, outcome = ?, detail = ?, is_spent = ? WHERE id = ?",
        (now_s, outcome, detail, is_spent, attempt_id),
    )


def settle(connection: sqlite3.Connection, settlement: Settlement, now_s: float) -> None:
    """Move a delivery out of `sending`; recoveries that wait for it go with it."""
    one = settlement
    connection.execute(
        """
        UPDATE deliveries SET state = ?, reason = ?, changed_at_s = ?, due_at_s = ?, tries = ?,
               is_repeat = ?, batch_key = CASE WHEN ? THEN batch_key END
        WHERE id = ?
        """,
        (
            one.state,
            one.reason,
            now_s,
            one.due_at_s,
            one.tries,
            one.is_repeat,
            one.keep_group,
            one.delivery_id,
        ),
    )
    if one.state is not State.SENT:
        connection.execute(
            """
            UPDATE deliveries SET state = 'withdrawn', changed_at_s = ?,
                   reason = 'over: the alarm says so itself'
            WHERE follows = ? AND state = 'pending'
            """,
            (now_s, one.delivery_id),
        )


def others_of(connection: sqlite3.Connection, alert_id: int, person: str) -> tuple[str, ...]:
    """Return who else gets an alert."""
    rows = connection.execute(
        "SELECT DISTINCT person FROM deliveries WHERE alert_id = ? AND person <> ? ORDER BY id",
        (alert_id, person),
    )
    return tuple(row["person"] for row in rows)


def _delivery(row: Any) -> Delivery:
    return Delivery(
        id=row["id"],
        alert_id=row["alert_id"],
        person=row["person"],
        channel=row["channel"],
        kind=Kind(row["kind"]),
        priority=Priority(row["priority"]),
        name=row["name"],
        text=row["text"],
        url=row["url"],
        silent=bool(row["silent"]),
        created_at_s=row["created_at_s"],
        found_at_start=bool(row["found_at_start"]),
        over_after_s=row["over_after_s"],
        tries=row["tries"],
        is_repeat=bool(row["is_repeat"]),
        group=row["batch_key"],
    )
