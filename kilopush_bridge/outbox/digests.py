"""Digests: opening, filling, finding and reading them.

A digest is a delivery whose text is other deliveries. As long as it is pending, more can be
deferred to it. So one statement sends, keeps or gives up any number of alerts at once.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from kilopush_bridge.core.budget import WINDOW_S
from kilopush_bridge.model import Kind, Message, Priority
from kilopush_bridge.outbox.outbox import put
from kilopush_bridge.outbox.rows import COLUMNS, to_delivery
from kilopush_bridge.times import HOUR_S

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence

    from kilopush_bridge.model import Delivery


class Slot(StrEnum):
    """When a digest leaves: soon, or at a time of the day. Both can be open for a person."""

    SOON = "digest soon"
    SCHEDULED = "digest at its time"


# Planned further ahead than this is nothing: a later time is from a clock that was set back since.
LONGEST_WAIT_S = WINDOW_S + HOUR_S

PENDING = f"""
    SELECT {COLUMNS}
    FROM deliveries INDEXED BY deliveries_digests JOIN alerts ON alerts.id = alert_id
    WHERE is_digest AND state = 'pending'
    ORDER BY due_at_s, deliveries.id
"""  # noqa: S608  (of constants)
ITEMS = """
    SELECT name, key, count(*) AS number, min(alerts.created_at_s) AS first_s,
           max(alerts.created_at_s) AS last_s, min(priority) AS priority,
           min(alerts.silent) AS silent, max(deliveries.id) AS last_id
    FROM deliveries JOIN alerts ON alerts.id = alert_id
    WHERE state = 'deferred' AND digest_id IN (SELECT value FROM json_each(?))
    GROUP BY name, key, kind = 'recovery'
    ORDER BY name
"""
ONES = f"""
    SELECT {COLUMNS}
    FROM deliveries JOIN alerts ON alerts.id = alert_id
    WHERE deliveries.id IN (SELECT value FROM json_each(?))
"""  # noqa: S608  (of constants)
REFUSED = "SELECT id, is_repeat FROM deliveries WHERE state = 'released' AND is_digest"
RELEASE = """
    UPDATE deliveries
    SET state = 'pending', digest_id = NULL, tries = 1, batch_key = NULL, changed_at_s = :now,
        due_at_s = :now, is_repeat = max(is_repeat, :is_repeat)
    WHERE id IN (SELECT id FROM deliveries
                 WHERE state = 'deferred' AND digest_id = :digest LIMIT :limit)
"""


@dataclass(slots=True)
class Planned:
    """A pending digest, and when it is to leave."""

    delivery: Delivery
    due_at_s: float

    @property
    def is_scheduled(self) -> bool:
        """Whether it waits for a time of the day."""
        return self.delivery.group == Slot.SCHEDULED

    def is_due(self, now_s: float) -> bool:
        """Return whether its time has come."""
        return not 0 < self.due_at_s - now_s <= LONGEST_WAIT_S


@dataclass(slots=True)
class Part:
    """The deferred alerts of one key; recoveries are a part of their own."""

    number: int
    first_s: float
    last_s: float
    last_id: int  # the last delivery of them


@dataclass(slots=True)
class Group:
    """The deferred alerts of one rule; `parts` are its latest keys."""

    name: str
    number: int = 0
    first_s: float = 0.0
    last_s: float = 0.0
    priority: Priority = Priority.DIGEST
    silent: bool = True
    parts: list[Part] = field(default_factory=list)


def planned_digests(connection: sqlite3.Connection) -> list[Planned]:
    """Return every digest that is not on its way."""
    return [Planned(to_delivery(row), row["due_at_s"]) for row in connection.execute(PENDING)]


def defer(
    connection: sqlite3.Connection,
    delivery: Delivery,
    slot: Slot,
    due_at_s: float,
    now_s: float,
) -> None:
    """Put a delivery into the person's open digest; without one, open one for `due_at_s`."""
    digest_id = _open_digest(connection, delivery, slot)
    if digest_id is None:
        digest_id = _new_digest(connection, delivery, slot, due_at_s, now_s)
    connection.execute(
        "UPDATE deliveries SET state = 'deferred', digest_id = ?, is_repeat = ?, changed_at_s = ? "
        "WHERE id = ?",
        (digest_id, delivery.is_repeat, now_s, delivery.id),
    )
    connection.execute(
        "UPDATE deliveries SET priority = min(priority, ?) WHERE id = ?",
        (delivery.priority, digest_id),
    )


def _open_digest(connection: sqlite3.Connection, delivery: Delivery, slot: Slot) -> int | None:
    row = connection.execute(
        "SELECT id FROM deliveries WHERE is_digest AND state = 'pending' AND channel = ? "
        "AND person = ? AND batch_key = ?",
        (delivery.channel, delivery.person, slot),
    ).fetchone()
    return None if row is None else int(row["id"])


def _new_digest(
    connection: sqlite3.Connection, delivery: Delivery, slot: Slot, due_at_s: float, now_s: float
) -> int:
    message = Message(
        kind=Kind.DIGEST,
        origin="bridge",
        name="digest",
        key=slot,
        text="",
        to=(delivery.person,),
        channel=delivery.channel,
        priority=Priority.DIGEST,
        at_s=now_s,
        since_s=now_s,
        group=slot,
    )
    put(connection, [message])
    row = connection.execute("SELECT max(id) AS id FROM deliveries").fetchone()
    connection.execute(
        "UPDATE deliveries SET is_digest = 1, due_at_s = ? WHERE id = ?", (due_at_s, row["id"])
    )
    return int(row["id"])


def plan(connection: sqlite3.Connection, digest_id: int, due_at_s: float) -> None:
    """Let a digest leave at another time."""
    connection.execute("UPDATE deliveries SET due_at_s = ? WHERE id = ?", (due_at_s, digest_id))


def is_empty(connection: sqlite3.Connection, digest_id: int) -> bool:
    """Return whether nothing is deferred to a digest any more (all of it was dropped by hand)."""
    row = connection.execute(
        "SELECT 1 FROM deliveries WHERE state = 'deferred' AND digest_id = ? LIMIT 1", (digest_id,)
    ).fetchone()
    return row is None


def holds_at_most(connection: sqlite3.Connection, digest_ids: Iterable[int], limit: int) -> bool:
    """Return whether so few alerts are in digests together."""
    row = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM deliveries WHERE state = 'deferred' "
        "AND digest_id IN (SELECT value FROM json_each(?)) LIMIT ?)",
        (_ids(digest_ids), limit + 1),
    ).fetchone()
    return int(row[0]) <= limit


def release(connection: sqlite3.Connection, now_s: float, limit: int) -> int:
    """Let alerts of refused digests go one by one, up to `limit` of each; return how many."""
    refused = connection.execute(REFUSED).fetchall()
    return sum(
        connection.execute(
            RELEASE,
            {"now": now_s, "digest": row["id"], "is_repeat": row["is_repeat"], "limit": limit},
        ).rowcount
        for row in refused
    )


def read_groups(
    connection: sqlite3.Connection, digests: Sequence[int], parts_max: int
) -> list[Group]:
    """Return what is deferred to `digests`, by rule; of each rule the latest `parts_max` keys.

    Reads row by row: a million alerts take hardly more memory than a few.
    """
    groups: list[Group] = []
    for row in connection.execute(ITEMS, (_ids(digests),)):
        if not groups or groups[-1].name != row["name"]:
            groups.append(Group(row["name"], first_s=row["first_s"]))
        _add(groups[-1], row)
        if len(groups[-1].parts) >= 2 * parts_max:
            _keep_latest(groups[-1], parts_max)
    for group in groups:
        _keep_latest(group, parts_max)
    return groups


def _add(group: Group, row: sqlite3.Row) -> None:
    group.number += row["number"]
    group.first_s = min(group.first_s, row["first_s"])
    group.last_s = max(group.last_s, row["last_s"])
    group.priority = min(group.priority, Priority(row["priority"]))
    group.silent = group.silent and bool(row["silent"])
    part = Part(row["number"], row["first_s"], row["last_s"], row["last_id"])
    group.parts.append(part)


def _keep_latest(group: Group, parts_max: int) -> None:
    group.parts.sort(key=lambda part: part.last_s, reverse=True)
    del group.parts[parts_max:]


def read_deliveries(connection: sqlite3.Connection, ids: Iterable[int]) -> dict[int, Delivery]:
    """Return deliveries by id."""
    rows = connection.execute(ONES, (_ids(ids),))
    return {row["id"]: to_delivery(row) for row in rows}


def _ids(ids: Iterable[int]) -> str:
    return json.dumps(list(ids))
