"""What each look at the outbox costs: it may not grow with what has nothing to do with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unit.outbox.factories import NOW_S, claim, defer, due, event, message, settle

from kilopush_bridge.model import Kind, Priority, Settlement, State
from kilopush_bridge.outbox import alarms, digests, outbox
from kilopush_bridge.outbox.store import open_state

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable
    from pathlib import Path

    Look = Callable[[sqlite3.Connection], Any]

DIGEST = 1  # the row of a digest, see `fill`


def plans(state: sqlite3.Connection, look: Look) -> list[str]:
    """Return what the statements of a function look at, a line for each table."""
    statements: list[str] = []
    state.set_trace_callback(statements.append)
    look(state)
    state.set_trace_callback(None)
    return [
        row["detail"]
        for statement in statements
        for row in state.execute(f"EXPLAIN QUERY PLAN {statement}")
        if "json_each" not in row["detail"] and "SUBQUERY" not in row["detail"]
    ]


def steps(state: sqlite3.Connection, look: Look) -> int:
    """Return how many instructions of SQLite's machine a function takes."""
    taken = [0]

    def count() -> int:
        taken[0] += 1
        return 0

    state.set_progress_handler(count, 1)
    look(state)
    state.set_progress_handler(None, 1)
    return taken[0]


def fill(state: sqlite3.Connection, number: int) -> None:
    """Put a digest in, and `number` of everything that keeps a state busy."""
    defer(state, "first")
    texts = [f"n{n}" for n in range(number)]
    outbox.put(state, [event(text, at_s=NOW_S - 60) for text in texts])  # pending
    defer(state, *(f"d{n}" for n in range(number)), to=("anna",))
    digested = defer(state, *(f"s{n}" for n in range(number)), channel="garden")
    settle(state, digested, State.SENT)
    for n in range(number):  # alarms that were told, and their ends
        outbox.put(state, [message(f"a{n}", key=f"{n}", name="told", to=("kim",))])
        row = state.execute("SELECT max(id) AS id FROM deliveries").fetchone()
        settle(state, row["id"], State.SENT)
        end = message("over", key=f"{n}", name="told", kind=Kind.RECOVERY, priority=Priority.HIGH)
        outbox.put(state, [end])
        settle(state, row["id"] + 1, State.SENT)


def settle_pending(number: int) -> Look:
    again = Settlement(number, State.PENDING, NOW_S)
    return lambda state: outbox.settle(state, again, NOW_S)


def refused_lane(state: sqlite3.Connection) -> None:
    values = {"channel": "home", "person": "me", "now": NOW_S, "longest_wait": 60, "limit": 9}
    sql = outbox.WAITING.format(columns=outbox.COLUMNS, lane=outbox.LANES[3])
    state.execute(sql, {**values, "collecting": "[]"}).fetchall()


LOOKS: dict[str, Look] = {
    "next due": lambda state: outbox.next_due_at_s(state, NOW_S),
    "planned digests": digests.planned_digests,
    "what was refused": refused_lane,
    "is a digest empty": lambda state: digests.is_empty(state, DIGEST + 1),
    "does a digest hold few": lambda state: digests.holds_at_most(state, [DIGEST + 1], 20),
    "releasing": lambda state: digests.release(state, NOW_S, 9),
    "promoting": lambda state: alarms.promote(state, NOW_S),
    "next promotion": lambda state: alarms.next_promotion_s(state, NOW_S),
    "settling an alert": settle_pending(DIGEST),
    "settling a digest": settle_pending(DIGEST + 1),
}
# What each has to use, line by line.
INDEXES = {
    "next due": ["deliveries_due"],
    "planned digests": ["deliveries_digests", "INTEGER PRIMARY KEY"],
    "what was refused": ["deliveries_refused", *["INTEGER PRIMARY KEY"] * 3],
    "is a digest empty": ["deliveries_by_state"],
    "releasing": ["deliveries_by_state"],
    "promoting": ["deliveries_promoted", "INTEGER PRIMARY KEY"] * 2,
    "next promotion": ["deliveries_promoted"],
}
WALKS = {"planned digests"}  # of every digest, not of everything that waits


@pytest.mark.parametrize("name", INDEXES)
def test_each_look_uses_the_index_that_was_made_for_it(state: sqlite3.Connection, name: str):
    lines = [line for line in plans(state, LOOKS[name]) if "B-TREE" not in line]
    assert len(lines) == len(INDEXES[name])
    for line, index in zip(lines, INDEXES[name], strict=True):
        assert index in line
        assert line.startswith("SEARCH") or name in WALKS


@pytest.mark.parametrize("which", [outbox.OF_ALARM, outbox.OF_DIGEST])
def test_withdrawing_recoveries_looks_at_recoveries_only(state: sqlite3.Connection, which: str):
    def withdraw(state: sqlite3.Connection) -> None:
        state.execute(outbox.WITHDRAW_RECOVERIES + which, {"now": NOW_S, "alarm": 1})

    first, *rest = plans(state, withdraw)
    assert "deliveries_following" in first
    assert all("INTEGER PRIMARY KEY" in line for line in rest)


@pytest.mark.parametrize("name", LOOKS)
def test_a_look_costs_the_same_in_a_crowd(tmp_path: Path, name: str):
    costs = []
    for number in (3, 100):
        state = open_state(tmp_path / f"{number}.db")
        fill(state, number)
        costs.append(steps(state, LOOKS[name]))
        state.close()
    assert costs[1] < 2 * costs[0] + 50, costs


def test_promoting_does_not_look_at_repetitions_that_were_told(state: sqlite3.Connection):
    for number in range(300):
        outbox.put(state, [message(to=("me",), at_s=NOW_S - 1000 + number)])
        (one,) = due(state)
        claim(state, one)
        settle(state, one.id, State.SENT)
    alarms.promote(state, NOW_S)
    assert steps(state, LOOKS["promoting"]) < 1000
