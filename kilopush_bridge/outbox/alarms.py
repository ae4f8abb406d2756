"""Alarms that repeat themselves, and alarms that end: what becomes of their deliveries."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kilopush_bridge.core.budget import next_critical_s
from kilopush_bridge.model import State
from kilopush_bridge.outbox.rows import insert_alert, insert_delivery

if TYPE_CHECKING:
    import sqlite3

    from kilopush_bridge.model import Message

# What this person was told, or may have been told: what still waits is no repetition.
EARLIER_CRITICALS = """
    SELECT created_at_s FROM alerts
    WHERE is_critical AND name = ? AND key = ? AND EXISTS (
        SELECT 1 FROM deliveries
        WHERE alert_id = alerts.id AND person = ? AND (state IN ('sent', 'sending') OR is_repeat)
    )
    ORDER BY created_at_s DESC LIMIT 10
"""
PROMOTE = """
    UPDATE deliveries INDEXED BY deliveries_promoted
    SET priority = 0, state = 'pending', digest_id = NULL, batch_key = NULL, critical_at_s = NULL,
        due_at_s = 0
    WHERE critical_at_s <= :now AND over_after_s IS NULL AND (
        state = 'pending'
        OR state = 'deferred' AND EXISTS (
            SELECT 1 FROM deliveries AS digest
            WHERE digest.id = deliveries.digest_id AND digest.state = 'pending'
        )
    )
    RETURNING alert_id
"""
# What arrived, was given up or is over will not be promoted any more.
CLEAR_PROMOTIONS = """
    UPDATE deliveries SET critical_at_s = NULL
    WHERE critical_at_s <= :now AND (
        over_after_s IS NOT NULL
        OR state IN ('sent', 'dead', 'withdrawn')
        OR state = 'deferred' AND EXISTS (
            SELECT 1 FROM deliveries AS digest
            WHERE digest.id = deliveries.digest_id
              AND digest.state IN ('sent', 'dead', 'withdrawn')
        )
    )
"""
ALARM_DELIVERIES = """
    SELECT alarm.id, alarm.person, alarm.channel,
           CASE alarm.state WHEN 'deferred' THEN digest.state ELSE alarm.state END AS state
    FROM firing
    JOIN deliveries AS alarm ON alarm.alert_id = alarm_id
    LEFT JOIN deliveries AS digest ON digest.id = alarm.digest_id
    WHERE rule = ? AND key = ?
"""
WITHDRAW_REMINDERS = """
    UPDATE deliveries SET state = 'withdrawn', reason = :reason, digest_id = NULL
    WHERE follows IN (
        SELECT alarm.id FROM firing JOIN deliveries AS alarm ON alarm.alert_id = alarm_id
        WHERE rule = :rule AND key = :key
    ) AND (
        state = 'pending'
        OR state = 'deferred' AND EXISTS (
            SELECT 1 FROM deliveries AS digest
            WHERE digest.id = deliveries.digest_id AND digest.state = 'pending'
        )
    )
"""
# What is over before its group was complete is not sent.
WITHDRAW_GROUPED = """
    UPDATE deliveries SET state = 'withdrawn', reason = 'over before its group was complete'
    WHERE id = ? AND state = 'pending' AND batch_key = ? AND NOT is_repeat AND tries = 0
"""


def critical_at_s(connection: sqlite3.Connection, message: Message) -> float | None:
    """Return from when on an alarm that repeats itself is critical; None if it is, or is none.

    It repeats itself if it does for everybody: who has not heard of it hears of it as critical.
    """
    if not message.is_critical or message.already_sent or message.maybe_sent:
        return None
    nexts_s = [
        next_critical_s(
            [
                row["created_at_s"]
                for row in connection.execute(
                    EARLIER_CRITICALS, (message.name, message.key, person)
                )
            ],
            message.at_s,
        )
        for person in message.to
    ]
    next_s = min(nexts_s, default=message.at_s)
    return next_s if next_s > message.at_s else None


def promote(connection: sqlite3.Connection, now_s: float) -> int:
    """Make alarms critical that still hold and still wait when they no longer repeat themselves.

    Returns how many deliveries that are. An alarm that ended and began again within minutes may
    not wait for the morning only because the first one was told.
    """
    rows = connection.execute(PROMOTE, {"now": now_s}).fetchall()
    connection.execute(CLEAR_PROMOTIONS, {"now": now_s})
    connection.executemany(
        "UPDATE alerts SET is_critical = 1 WHERE id = ?", [(row["alert_id"],) for row in rows]
    )
    return len(rows)


def next_promotion_s(connection: sqlite3.Connection, now_s: float) -> float | None:
    """Return when the next alarm may become critical, or None."""
    row = connection.execute(
        "SELECT min(critical_at_s) AS at_s FROM deliveries WHERE critical_at_s > ?", (now_s,)
    ).fetchone()
    return None if row["at_s"] is None else float(row["at_s"])


def put_reminder(connection: sqlite3.Connection, message: Message) -> None:
    """Remind those who were told, the way they were told; one that waits still says enough."""
    alarms = connection.execute(ALARM_DELIVERIES, (message.name, message.key)).fetchall()
    told = [alarm for alarm in alarms if alarm["state"] == State.SENT]
    if not told:
        return
    withdraw_reminders(connection, message.name, message.key, "a later one says it")
    alert_id = insert_alert(connection, message)
    for alarm in told if alert_id is not None else ():
        insert_delivery(
            connection, alert_id or 0, message, alarm["person"], alarm["channel"], alarm["id"]
        )


def withdraw_reminders(connection: sqlite3.Connection, rule: str, key: str, reason: str) -> None:
    """Withdraw the reminders of what fires that were not sent yet."""
    connection.execute(WITHDRAW_REMINDERS, {"rule": rule, "key": key, "reason": reason})


def put_recovery(connection: sqlite3.Connection, message: Message) -> None:
    """End a state: tell those who were told, the way they were told.

    An alarm that still waits, alone or in a digest, says itself that it is over, as does a dead
    letter that is retried.
    One whose POST is on the way gets a recovery that waits for it; `settle` withdraws it if the
    alarm has to be sent again.
    """
    withdraw_reminders(connection, message.name, message.key, "over")
    alarms = connection.execute(ALARM_DELIVERIES, (message.name, message.key)).fetchall()
    if message.group is not None and message.group.startswith("group "):
        # the group of the rule that is not complete: a recovery itself does not wait for it
        connection.executemany(WITHDRAW_GROUPED, [(alarm["id"], message.group) for alarm in alarms])
        message = replace(message, group=None)
    lasted_s = message.at_s - message.since_s
    told = [alarm for alarm in alarms if alarm["state"] in (State.SENT, State.SENDING)]
    if told and message.text is not None:
        alert_id = insert_alert(connection, message)
        for alarm in told if alert_id is not None else ():
            insert_delivery(
                connection, alert_id or 0, message, alarm["person"], alarm["channel"], alarm["id"]
            )
    for alarm in alarms:
        if alarm["state"] in (State.PENDING, State.SENDING, State.RELEASED, State.DEAD):
            connection.execute(
                "UPDATE deliveries SET over_after_s = ? WHERE id = ?", (lasted_s, alarm["id"])
            )
    connection.execute("DELETE FROM firing WHERE rule = ? AND key = ?", (message.name, message.key))
