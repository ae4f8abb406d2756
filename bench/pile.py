"""A state file in which very many alerts wait for the next digest.

The first alert of each rule is stored and deferred by the bridge's own functions. The others are
copies of these rows, made by SQL with texts, keys and times of their own: what the functions would
have written, at a hundred thousand a second.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kilopush_bridge.model import Kind, Message, Priority
from kilopush_bridge.outbox import digests, outbox
from kilopush_bridge.outbox.digests import Slot
from kilopush_bridge.outbox.store import Transaction, open_state
from kilopush_bridge.times import HOUR_S

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

RULES = 100
DEVICES = 100  # of each rule: one key for each
SPREAD_S = 8 * HOUR_S  # over which the alerts came

COPY_ALERTS = """
    WITH RECURSIVE copy (number) AS
        (SELECT 1 UNION ALL SELECT number + 1 FROM copy WHERE number < :copies)
    INSERT INTO alerts ({columns}, key, text, created_at_s)
    SELECT {columns}, 'house/' || number % :devices, text || ' ' || number,
           created_at_s - :spread * number / :copies
    FROM copy CROSS JOIN alerts WHERE alerts.id <= :last AND alerts.kind = 'event'
"""
COPY_DELIVERIES = """
    INSERT INTO deliveries ({columns}, alert_id)
    SELECT {columns}, alerts.id
    FROM alerts CROSS JOIN deliveries WHERE alerts.id > :last AND deliveries.id = 1
"""


def pile_up(path: Path, count: int, now_s: float) -> None:
    """Write a state file with `count` alerts for `me` in a digest that leaves in an hour."""
    connection = open_state(path)
    with Transaction(connection):
        for message in _first_alerts(now_s):
            outbox.put(connection, [message])
            (delivery,) = outbox.waiting(connection, "home", "me", now_s, limit=1)
            digests.defer(connection, delivery, Slot.SOON, now_s + HOUR_S, now_s)
        _copy(connection, count)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _first_alerts(now_s: float) -> list[Message]:
    return [
        Message(
            kind=Kind.EVENT,
            origin="rule",
            name=f"rule {number}",
            key="house/0",
            topic="house/0",
            text=f"Something happened in room {number}, as it does all the time",
            to=("me",),
            channel="home",
            priority=Priority.NORMAL,
            at_s=now_s,
            since_s=now_s,
        )
        for number in range(RULES)
    ]


def _copy(connection: sqlite3.Connection, count: int) -> None:
    last = connection.execute("SELECT max(id) FROM alerts").fetchone()[0]
    values = {
        "copies": count // RULES - 1,
        "devices": DEVICES,
        "spread": SPREAD_S,
        "last": last,
    }
    alerts = _columns(connection, "alerts", "id", "key", "text", "created_at_s")
    connection.execute(COPY_ALERTS.format(columns=alerts), values)
    deliveries = _columns(connection, "deliveries", "id", "alert_id")
    connection.execute(COPY_DELIVERIES.format(columns=deliveries), values)


def _columns(connection: sqlite3.Connection, table: str, *without: str) -> str:
    """Return the columns of a table, so that a new one is copied, too."""
    rows = connection.execute(f"PRAGMA table_info({table})")
    return ", ".join(row["name"] for row in rows if row["name"] not in without)
