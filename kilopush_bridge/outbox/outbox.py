"""What the bridge does with its outbox, as functions of a connection inside a transaction.

Time is an argument. The statements of one function belong together; `Store.call` commits them.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from kilopush_bridge.failpoints import reach
from kilopush_bridge.model import (
    Kind,
    Mark,
    Message,
    Priority,
    Release,
    Settlement,
    Snooze,
    State,
    Withhold,
)
from kilopush_bridge.outbox import alarms
from kilopush_bridge.outbox.firing import remember_episode, remember_snooze
from kilopush_bridge.outbox.ledger import begin_attempt
from kilopush_bridge.outbox.rows import COLUMNS, insert_alert, insert_delivery, to_delivery
from kilopush_bridge.times import MINUTE_S

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from kilopush_bridge.model import Batch, Change, Delivery

# No delivery waits longer by itself (long waits are holds). A later due time was written by a clock
# that has been set back since, as on a Raspberry Pi without a battery: no alarm may wait for that.
LONGEST_WAIT_S = MINUTE_S

# Whatever a rule told and nobody has got yet; what was over before stays. What is deferred can be
# withheld, too, as long as its digest has not begun to leave.
WITHHOLD = """
    UPDATE deliveries SET state = 'withdrawn', reason = :reason, digest_id = NULL
    WHERE over_after_s IS NULL AND NOT is_repeat AND id IN (
        SELECT item.id FROM deliveries AS item CROSS JOIN alerts ON alerts.id = item.alert_id
        WHERE item.state = 'pending' AND origin = 'rule' AND name = :rule AND kind <> 'recovery'
        UNION ALL
        SELECT item.id FROM deliveries AS digest
        CROSS JOIN deliveries AS item ON item.state = 'deferred' AND item.digest_id = digest.id
        CROSS JOIN alerts ON alerts.id = item.alert_id
        WHERE digest.is_digest AND digest.state = 'pending'
          AND origin = 'rule' AND name = :rule AND kind <> 'recovery'
    )
"""
RELEASE = """
    UPDATE deliveries SET state = 'pending', reason = '', due_at_s = 0
    WHERE state = 'withdrawn' AND reason LIKE 'muted by %' AND id IN (
        SELECT alarm.id FROM firing JOIN deliveries AS alarm ON alarm.alert_id = firing.alarm_id
        WHERE firing.rule = ? AND firing.phase = 'firing'
    )
"""
BEGIN_FIRING = """
    INSERT INTO firing (rule, key, since_s, seen_at_s, count, alarm_id) VALUES (?, ?, ?, ?, 1, ?)
    ON CONFLICT (rule, key) DO UPDATE SET
        since_s = excluded.since_s, seen_at_s = excluded.seen_at_s, count = 1,
        alarm_id = excluded.alarm_id
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
SETTLE = """
    UPDATE deliveries
    SET state = :state, reason = :reason, changed_at_s = :now, due_at_s = :due, tries = :tries,
        is_repeat = :is_repeat, batch_key = CASE WHEN :keep_group THEN batch_key END,
        home_channel = CASE WHEN :channel IS NULL THEN home_channel
                            ELSE coalesce(home_channel, channel) END,
        channel = coalesce(:channel, channel)
    WHERE id = :id
"""
# The index is named, here and below, where another one would look at everything that waits.
WITHDRAW_RECOVERIES = """
    UPDATE deliveries INDEXED BY deliveries_following
    SET state = 'withdrawn', changed_at_s = :now, reason = 'over: the alarm says so itself'
    WHERE state = 'pending' AND follows IS NOT NULL
"""
IS_DIGEST = "SELECT 1 FROM deliveries WHERE id = :alarm AND is_digest"
OF_ALARM = "AND follows = :alarm"
OF_DIGEST = """
    AND EXISTS (SELECT 1 FROM deliveries AS alarm
                WHERE alarm.id = deliveries.follows AND alarm.digest_id = :alarm)
"""
# Whatever holds one of a lane holds the whole lane (`scheduler.decide.stops`). Each is read by
# itself, so that no crowd of held deliveries hides one that may go.
LANES = (
    "deliveries.priority = 0 AND NOT deliveries.is_repeat",
    "deliveries.priority = 0 AND deliveries.is_repeat",
    "deliveries.priority > 0 AND NOT deliveries.is_digest AND deliveries.tries = 0",
    "deliveries.priority > 0 AND NOT deliveries.is_digest AND deliveries.tries > 0",
)


def put(connection: sqlite3.Connection, changes: Iterable[Change]) -> None:
    """Store what is told, with a delivery per person, and what rules remember, in order."""
    for change in changes:
        match change:
            case Message(kind=Kind.RECOVERY):
                alarms.put_recovery(connection, change)
            case Message(kind=Kind.REMINDER):
                alarms.put_reminder(connection, change)
            case Message():
                _put_alert(connection, change)
            case Mark():
                remember_episode(connection, change)
                if change.episode is not None and change.episode.is_acknowledged:
                    alarms.withdraw_reminders(connection, change.rule, change.key, "acknowledged")
            case Snooze():
                remember_snooze(connection, change)
            case Withhold():
                values = {"rule": change.rule, "reason": change.reason}
                connection.execute(WITHHOLD, values)
            case Release():
                connection.execute(RELEASE, (change.rule,))
    reach("before_commit")


def _put_alert(connection: sqlite3.Connection, message: Message) -> None:
    critical_at_s = alarms.critical_at_s(connection, message)
    if critical_at_s is not None:
        message = replace(message, priority=Priority.HIGH)
    alert_id = insert_alert(connection, message)
    if alert_id is None:
        return  # the same request again: a sender or a broker repeated itself
    for person in message.to:
        insert_delivery(connection, alert_id, message, person, message.channel)
    if message.kind is not Kind.ALARM or message.withdrawn:
        return
    if critical_at_s is not None:
        connection.execute(
            "UPDATE deliveries SET critical_at_s = ? WHERE alert_id = ?",
            (critical_at_s, alert_id),
        )
    connection.execute(
        BEGIN_FIRING, (message.name, message.key, message.since_s, message.at_s, alert_id)
    )


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
        "SELECT min(due_at_s) AS due_at_s FROM deliveries INDEXED BY deliveries_due "
        "WHERE state = 'pending' AND due_at_s > ?",
        (now_s,),
    ).fetchone()
    return None if row["due_at_s"] is None else float(row["due_at_s"])


def wait_no_longer(connection: sqlite3.Connection, now_s: float) -> None:
    """Let everything go that waits for a time: it was of a clock that was wrong."""
    connection.execute(
        "UPDATE deliveries SET due_at_s = 0 WHERE state = 'pending' AND NOT is_digest "
        "AND due_at_s > ?",
        (now_s,),
    )


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
    values = {
        "id": one.delivery_id,
        "state": one.state,
        "reason": one.reason,
        "now": now_s,
        "due": one.due_at_s,
        "tries": one.tries,
        "is_repeat": one.is_repeat,
        "keep_group": one.keep_group,
        "channel": one.channel,
    }
    connection.execute(SETTLE, values)
    if one.state is not State.SENT:
        alarm = {"now": now_s, "alarm": one.delivery_id}
        connection.execute(WITHDRAW_RECOVERIES + OF_ALARM, alarm)
        if connection.execute(IS_DIGEST, alarm).fetchone():
            connection.execute(WITHDRAW_RECOVERIES + OF_DIGEST, alarm)


def others_of(connection: sqlite3.Connection, alert_id: int, person: str) -> tuple[str, ...]:
    """Return who else gets an alert."""
    rows = connection.execute(
        "SELECT DISTINCT person FROM deliveries WHERE alert_id = ? AND person <> ? ORDER BY id",
        (alert_id, person),
    )
    return tuple(row["person"] for row in rows)
