"""Alerts and deliveries as rows: there, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kilopush_bridge.model import Delivery, Kind, Priority, State

if TYPE_CHECKING:
    import sqlite3

    from kilopush_bridge.model import Message

# Of `deliveries JOIN alerts`: what `to_delivery` reads.
COLUMNS: Final = """
    deliveries.id, deliveries.alert_id, deliveries.person, deliveries.channel, kind,
    deliveries.priority, name, text, url, silent, created_at_s, found_at_start,
    deliveries.over_after_s, deliveries.tries, deliveries.is_repeat, deliveries.batch_key,
    deliveries.due_at_s, deliveries.home_channel, deliveries.is_surplus
"""
INSERT_ALERT = """
    INSERT INTO alerts (kind, origin, name, key, topic, text, url, silent, found_at_start,
                        request_id, created_at_s, is_critical)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO NOTHING
    RETURNING id
"""
INSERT_DELIVERY = """
    INSERT INTO deliveries (alert_id, person, channel, priority, state, changed_at_s, due_at_s,
                            batch_key, follows, is_repeat, is_surplus, reason)
    VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?, ?, ?)
"""
RECORD_RESCUE = """
    INSERT INTO attempts (channel, person, priority, kind, begun_at_s, ended_at_s, outcome, detail)
    VALUES (?, ?, ?, 'critical', ?, ?, ?, 'sent while the state could not be written')
"""


def insert_alert(connection: sqlite3.Connection, message: Message) -> int | None:
    """Store what was decided; return its id, None if the same request was stored before."""
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


def insert_delivery(
    connection: sqlite3.Connection,
    alert_id: int,
    message: Message,
    person: str,
    channel: str,
    follows: int | None = None,
) -> None:
    """Store that a person gets an alert, or got it while the state could not be written."""
    at_s, priority = message.at_s, message.priority
    is_sent = person in message.already_sent
    is_repeat = not is_sent and person in message.maybe_sent
    state = State.SENT if is_sent else State.WITHDRAWN if message.withdrawn else State.PENDING
    connection.execute(
        INSERT_DELIVERY,
        (
            alert_id,
            person,
            channel,
            priority,
            state,
            at_s,
            message.group,
            follows,
            is_repeat,
            message.is_surplus,
            message.withdrawn,
        ),
    )
    if posts := dict(message.rescue_posts).get(person, int(is_sent or is_repeat)):
        outcome = "sent" if is_sent else "unclear" if is_repeat else "rejected"
        row = (channel, person, priority, at_s, at_s, outcome)
        connection.executemany(RECORD_RESCUE, [row] * posts)


def to_delivery(row: sqlite3.Row, *, follows_digest: bool = False) -> Delivery:
    """Return a row with `COLUMNS` as a delivery."""
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
        follows_digest=follows_digest,
        home_channel=row["home_channel"],
        is_surplus=bool(row["is_surplus"]),
    )
