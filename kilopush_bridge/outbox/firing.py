"""What rules remember of their keys (promise R1), as rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kilopush_bridge.model import Episode, Phase

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable

    from kilopush_bridge.model import Mark, Snooze
    from kilopush_bridge.rules import Rule

# What a mark does not say, the alarm that is told, stays as it is.
REMEMBER = """
    INSERT INTO firing (rule, key, since_s, seen_at_s, count, phase, due_at_s, told_at_s, repeats,
                        is_acknowledged, topic, payload, why)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (rule, key) DO UPDATE SET
        since_s = excluded.since_s, seen_at_s = excluded.seen_at_s, count = excluded.count,
        phase = excluded.phase, due_at_s = excluded.due_at_s, told_at_s = excluded.told_at_s,
        repeats = excluded.repeats, is_acknowledged = excluded.is_acknowledged,
        topic = excluded.topic, payload = excluded.payload, why = excluded.why
"""
LOAD = """
    SELECT rule, key, since_s, seen_at_s, count, phase, due_at_s, told_at_s, repeats,
           is_acknowledged, topic, payload, why
    FROM firing
"""
FLUSH_SEEN = """
    UPDATE firing
    SET seen_at_s = ?, count = ?,
        due_at_s = CASE WHEN phase = 'heard' THEN coalesce(?, due_at_s) ELSE due_at_s END
    WHERE rule = ? AND key = ?
"""
TOLD = """
    SELECT created_at_s FROM alerts
    WHERE origin = 'rule' AND name = ? AND kind IN ('alarm', 'event') AND created_at_s > ?
      AND EXISTS (SELECT 1 FROM deliveries
                  WHERE alert_id = alerts.id AND state <> 'withdrawn' AND NOT is_surplus)
    ORDER BY created_at_s
"""


def load_episodes(connection: sqlite3.Connection) -> dict[str, dict[str, Episode]]:
    """Return the stored episodes by rule name and key."""
    phases = {phase.value: phase for phase in Phase}
    episodes: dict[str, dict[str, Episode]] = {}
    # By place, because there may be a hundred thousand.
    for (
        rule,
        key,
        since,
        seen,
        count,
        phase,
        due,
        told,
        repeats,
        is_ack,
        *rest,
    ) in connection.execute(LOAD):
        episodes.setdefault(rule, {})[key] = Episode(
            since, seen, count, phases[phase], due, told, repeats, bool(is_ack), *rest
        )
    return episodes


def remember_episode(connection: sqlite3.Connection, mark: Mark) -> None:
    """Store what is to be remembered of a key, or forget it."""
    one = mark.episode
    if one is None:
        connection.execute("DELETE FROM firing WHERE rule = ? AND key = ?", (mark.rule, mark.key))
        return
    connection.execute(
        REMEMBER,
        (
            mark.rule,
            mark.key,
            one.since_s,
            one.seen_at_s,
            one.count,
            one.phase,
            one.due_at_s,
            one.told_at_s,
            one.repeats,
            one.is_acknowledged,
            one.topic,
            one.payload,
            one.why,
        ),
    )


def drop_rules_except(connection: sqlite3.Connection, rules: Collection[str]) -> int:
    """Forget the episodes and snoozes of rules that are gone, silently; return of how many."""
    gone: set[str] = set()
    for table in ("firing", "snoozes"):
        rows = connection.execute(f"SELECT DISTINCT rule FROM {table}")  # noqa: S608  (our names)
        names = {row["rule"] for row in rows} - set(rules)
        connection.executemany(
            f"DELETE FROM {table} WHERE rule = ?",  # noqa: S608
            [(name,) for name in names],
        )
        gone |= names
    return len(gone)


def flush_seen(
    connection: sqlite3.Connection, seen: Iterable[tuple[float, int, float | None, str, str]]
) -> None:
    """Write when each episode was last confirmed, how often, and when silence is due since then.

    The one thing that is written late. Each entry is `(seen_at_s, count, due_at_s, rule, key)`.
    Other timers are written with what moves them on: here they could be ahead of it.
    """
    connection.executemany(FLUSH_SEEN, seen)


def load_snoozes(connection: sqlite3.Connection, now_s: float) -> dict[str, float]:
    """Return until when rules are snoozed; those that are over are forgotten."""
    connection.execute("DELETE FROM snoozes WHERE until_s <= ?", (now_s,))
    return {row["rule"]: row["until_s"] for row in connection.execute("SELECT * FROM snoozes")}


def remember_snooze(connection: sqlite3.Connection, snooze: Snooze) -> None:
    """Store until when a rule is snoozed."""
    connection.execute(
        "INSERT OR REPLACE INTO snoozes VALUES (?, ?)", (snooze.rule, snooze.until_s)
    )


def told_since(
    connection: sqlite3.Connection, rules: Iterable[Rule], now_s: float
) -> dict[str, list[float]]:
    """Return when alarms of rules with a `limit` were told, as far as they still count."""
    return {
        rule.name: [
            row["created_at_s"]
            for row in connection.execute(TOLD, (rule.name, now_s - rule.limit.per_s))
        ]
        for rule in rules
        if rule.limit is not None
    }
