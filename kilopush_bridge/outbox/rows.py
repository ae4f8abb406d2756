"""A delivery as a row: its columns, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from kilopush_bridge.model import Delivery, Kind, Priority

if TYPE_CHECKING:
    import sqlite3

# Of `deliveries JOIN alerts`: what `to_delivery` reads.
COLUMNS: Final = """
    deliveries.id, deliveries.alert_id, deliveries.person, deliveries.channel, kind,
    deliveries.priority, name, text, url, silent, created_at_s, found_at_start,
    deliveries.over_after_s, deliveries.tries, deliveries.is_repeat, deliveries.batch_key,
    deliveries.due_at_s
"""


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
    )
