"""The ledger: one row per POST, written before it leaves, and what it adds up to.

It counts in the API's time (`counted_s`), so that no clock of ours, however far it jumps, makes a
message count too short. What ended before that time was known counts until it is (see `stamp`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kilopush_bridge.core.budget import LESSON_S, WINDOW_S, Usage
from kilopush_bridge.core.protocol import QUOTA, is_spent

if TYPE_CHECKING:
    import sqlite3

    from kilopush_bridge.core.protocol import Verdict
    from kilopush_bridge.model import Batch

BEGIN = """
    INSERT INTO attempts (channel, person, priority, kind, rule, begun_at_s)
    VALUES (?, ?, ?, ?, ?, ?)
    RETURNING id
"""
END = """
    UPDATE attempts
    SET ended_at_s = ?, outcome = ?, detail = ?, counts_until_s = ?, others_seen = ?
    WHERE id = ?
"""
SHORTEN = """
    UPDATE attempts
    SET counts_until_s = min(counts_until_s,
                             :now + CASE outcome WHEN :quota THEN :lesson ELSE :window END)
    WHERE counts_until_s > :now + :window
"""
COUNTING = """
    SELECT kind, rule, outcome, counts_until_s, others_seen FROM attempts
    WHERE channel = :channel AND (counts_until_s IS NULL OR counts_until_s > :now)
    ORDER BY counts_until_s NULLS LAST, id
"""


@dataclass(slots=True)
class Ledger:
    """What counts for one channel now."""

    usage: Usage = field(default_factory=Usage)
    by_rule: dict[str, int] = field(default_factory=dict)  # the `other` ones
    others_posted_at_s: list[float] = field(default_factory=list)  # the same, oldest first
    digests_until_s: list[float] = field(default_factory=list)  # until when each digest counts
    others_seen: int = 0  # the most that other senders were seen to have used

    @property
    def last_digest_at_s(self) -> float | None:
        """When the last digest went."""
        return max(self.digests_until_s) - WINDOW_S if self.digests_until_s else None


def begin_attempt(connection: sqlite3.Connection, batch: Batch, now_s: float) -> int:
    """Write that a batch leaves; return the attempt's id."""
    rules = {one.name for one in batch.deliveries}
    rule = rules.pop() if len(rules) == 1 else ""
    row = connection.execute(
        BEGIN, (batch.channel, batch.person, batch.priority, batch.ledger_kind, rule, now_s)
    ).fetchone()
    return int(row["id"])


def end_attempt(
    connection: sqlite3.Connection,
    attempt_id: int,
    verdict: Verdict,
    now_s: float,
    counts_from_s: float | None,
    others_seen: int | None = None,
) -> None:
    """Write what came of an attempt.

    `counts_from_s` is the API's time, None while it is not known; `others_seen` what others must
    have sent, if the quota was refused.
    """
    if verdict.outcome == QUOTA:
        counts_until_s: float | None = (counts_from_s or 0) + LESSON_S
    elif is_spent(verdict.outcome):
        counts_until_s = None if counts_from_s is None else counts_from_s + WINDOW_S
    else:
        counts_until_s = 0
    connection.execute(
        END, (now_s, verdict.outcome, verdict.detail, counts_until_s, others_seen, attempt_id)
    )


def stamp(connection: sqlite3.Connection, counted_s: float) -> None:
    """Let what ended while the API's time was unknown count from now on, on every channel.

    Nothing can count for longer than from now: a later end was written under a wrong time.
    """
    for channel in connection.execute("SELECT DISTINCT channel FROM attempts").fetchall():
        stamp_channel(connection, channel["channel"], counted_s)
    connection.execute(
        SHORTEN, {"quota": QUOTA, "window": WINDOW_S, "lesson": LESSON_S, "now": counted_s}
    )


def stamp_channel(connection: sqlite3.Connection, channel: str, counted_s: float) -> None:
    """Let what ended on a channel without a time count from now on."""
    connection.execute(
        "UPDATE attempts SET counts_until_s = ? "
        "WHERE channel = ? AND counts_until_s IS NULL AND ended_at_s > 0",
        (counted_s + WINDOW_S, channel),
    )


def last_counted_s(connection: sqlite3.Connection) -> float:
    """Return the API's time when the last attempt that counts ended, 0 if there is none."""
    row = connection.execute(
        "SELECT max(counts_until_s) FROM attempts WHERE outcome <> 'quota'"
    ).fetchone()
    return max(0.0, (row[0] or 0.0) - WINDOW_S)


def load_ledger(connection: sqlite3.Connection, channel: str, counted_s: float) -> Ledger:
    """Return what counts for a channel at `counted_s`."""
    ledger = Ledger()
    # Rows are unpacked by place, and counted here: this runs for every alert that is stored.
    for kind, rule, outcome, until_s, seen in connection.execute(
        COUNTING, {"channel": channel, "now": counted_s}
    ):
        counts_until_s = counted_s + WINDOW_S if until_s is None else until_s
        if outcome == QUOTA:
            ledger.others_seen = max(ledger.others_seen, seen or 0)
        elif kind == "other":
            ledger.by_rule[rule] = ledger.by_rule.get(rule, 0) + 1
            ledger.others_posted_at_s.append(counts_until_s - WINDOW_S)
        elif kind == "critical":
            ledger.usage.critical += 1
        else:
            ledger.digests_until_s.append(counts_until_s)
    ledger.usage.other = len(ledger.others_posted_at_s)
    ledger.usage.digest = len(ledger.digests_until_s)
    return ledger
