"""What the bridge does with its outbox, as functions of a connection inside a transaction.

Time is an argument. The statements of one function belong together; `Store.call` commits them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from kilopush_bridge.core.budget import stays_critical
from kilopush_bridge.failpoints import reach
from kilopush_bridge.model import Kind, Message, Priority, Settlement, State
from kilopush_bridge.outbox.ledger import begin_attempt
from kilopush_bridge.outbox.rows import COLUMNS, to_delivery
from kilopush_bridge.times import MINUTE_S

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from kilopush_bridge.model import Batch, Delivery

# No delivery waits longer by itself (long waits are holds). A later due time was written by a clock
# that has been set back since, as on a Raspberry Pi without a battery: no alarm may wait for that.
LONGEST_WAIT_S = MINUTE_S

INSERT_ALERT = """
    INSERT INTO alerts (kind, origin, name, key, topic, text, url, silent, found_at_start,
                        request_id, created_at_s, is_critical)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING
    RETURNING id
"""
INSERT_DELIVERY = """
    INSERT INTO deliveries (alert_id, person, channel, priority, state, changed_at_s, due_at_s,
                            batch_key, follows, is_repeat)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
RECORD_RESCUE = """
    INSERT INTO attempts (channel, person, priority, kind, begun_at_s, ended_at_s, outcome, detail)
    VALUES (?, ?, ?, 'critical', ?, ?, ?, 'sent while the state could not be written')
"""
EARLIER_CRITICALS = """
    SELECT created_at_s FROM alerts WHERE is_critical AND name = ? AND key = ?
    ORDER BY created_at_s DESC LIMIT 10
"""
BEGIN_FIRING = """
    INSERT INTO firing (rule, key, since_s, seen_at_s, count, alarm_id) VALUES (?, ?, ?, ?, 1, ?)
    ON CONFLICT (rule, key) DO UPDATE SET
        since_s = excluded.since_s, seen_at_s = excluded.seen_at_s, count = 1,
        alarm_id = excluded.alarm_id
"""
ALARM_DELIVERIES = """
    SELECT alarm.id, alarm.person, alarm.channel,
           CASE alarm.state WHEN 'deferred' THEN digest.state ELSE alarm.state END AS state
    FROM firing
    JOIN deliveries AS alarm ON alarm.alert_id = alarm_id
    LEFT JOIN deliveries AS digest ON digest.id = alarm.digest_id
    WHERE rule = ? AND key = ?
"""
WAITING = """
    SELECT {columns}, alarm.state = 'deferred' AS follows_digest
    FROM deliveries
    JOIN alerts ON alerts.id = deliveries.alert_id
    LEFT JOIN deliveries AS alarm ON alarm.id = deliveries.follows
    LEFT JOIN deliveries AS digest ON digest.id = alarm.digest_id
    WHERE deliveries.state = 'pending'
      AND deliveries.channel = :channel AND deliveries.person = :person
      AND NOT (deliveries.due_at_s > :now AND deliveries.due_at_s <= :now + :longest_wait)
      AND (deliveries.batch_key IS NULL
           OR deliveries.batch_key NOT IN (SELECT value FROM json_each(:collecting)))
      AND (deliveries.follows IS NULL OR alarm.state = 'sent'
           OR alarm.state = 'deferred' AND digest.state = 'sent')
      AND {lane}
    ORDER BY deliveries.priority, deliveries.id
    LIMIT :limit
"""
WITHDRAW_RECOVERIES = """
    UPDATE deliveries SET state = 'withdrawn', changed_at_s = :now,
           reason = 'over: the alarm says so itself'
    WHERE state = 'pending' AND follows IS NOT NULL AND (
        follows = :alarm
        OR EXISTS (SELECT 1 FROM deliveries AS alarm
                   WHERE alarm.id = deliveries.follows AND alarm.digest_id = :alarm)
    )
"""
# Whatever holds one of a lane holds the whole lane (`scheduler.decide.stops`). Each is read by
# itself, so that no crowd of held deliveries hides one that may go.
LANES = (
    "deliveries.priority = 0 AND NOT deliveries.is_repeat",
    "deliveries.priority = 0 AND deliveries.is_repeat",
    "deliveries.priority > 0 AND NOT deliveries.is_digest AND deliveries.tries = 0",
    "deliveries.priority > 0 AND NOT deliveries.is_digest AND deliveries.tries > 0",
)


def put(connection: sqlite3.Connection, messages: Iterable[Message]) -> None:
    """Store what messages change: alerts with a delivery per person, and the edges of rules."""
    for message in messages:
        if message.kind is Kind.RECOVERY:
            _put_recovery(connection, message)
            continue
        if message.is_critical and not _stays_critical(connection, message):
            message = replace(message, priority=Priority.HIGH)  # noqa: PLW2901
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


def _stays_critical(connection: sqlite3.Connection, message: Message) -> bool:
    """Return whether an alarm is critical: one of the same key that repeats itself is `high`."""
    if message.already_sent or message.maybe_sent:
        return True  # it went as one
    rows = connection.execute(EARLIER_CRITICALS, (message.name, message.key))
    return stays_critical([row["created_at_s"] for row in rows], message.at_s)


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
            message.is_critical,
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

    An alarm that still waits, alone or in a digest, says itself that it is over, as does a dead
    letter that is retried.
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
        if alarm["state"] in (State.PENDING, State.SENDING, State.RELEASED, State.DEAD):
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
        to_delivery(row, follows_digest=bool(row["follows_digest"]))
        for lane in LANES
        for row in connection.execute(WAITING.format(columns=COLUMNS, lane=lane), values)
    ]


def next_due_at_s(connection: sqlite3.Connection, now_s: float) -> float | None:
    """Return when the next delivery becomes due, or None."""
    row = connection.execute(
        "SELECT min(due_at_s) AS due_at_s FROM deliveries WHERE state = 'pending' AND due_at_s > ?",
        (now_s,),
    ).fetchone()
    return None if row["due_at_s"] is None else float(row["due_at_s"])


def claim(connection: sqlite3.Connection, batch: Batch, now_s: float) -> int:
    """Mark deliveries as on the way and write the ledger; return the attempt's id.

    Both are committed before the POST leaves, so that a crash can only make the count too high.
    """
    connection.executemany(
        "UPDATE deliveries SET state = 'sending', changed_at_s = ? WHERE id = ?",
        [(now_s, one.id) for one in batch.deliveries],
    )
    return begin_attempt(connection, batch, now_s)


def settle(connection: sqlite3.Connection, settlement: Settlement, now_s: float) -> None:
    """Move a delivery out of `sending`; recoveries that wait for it go with it."""
    one = settlement
    connection.execute(
        """
        UPDATE deliveries SET state = ?, reason = ?, changed_at_s = ?, due_at_s = ?, tries = ?,
               is_repeat = ?, batch_key = CASE WHEN ? THEN batch_key END,
               channel = coalesce(?, channel)
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
            one.channel,
            one.delivery_id,
        ),
    )
    if one.state is not State.SENT:
        connection.execute(WITHDRAW_RECOVERIES, {"now": now_s, "alarm": one.delivery_id})


def others_of(connection: sqlite3.Connection, alert_id: int, person: str) -> tuple[str, ...]:
    """Return who else gets an alert."""
    rows = connection.execute(
        "SELECT DISTINCT person FROM deliveries WHERE alert_id = ? AND person <> ? ORDER BY id",
        (alert_id, person),
    )
    return tuple(row["person"] for row in rows)
