"""A million alerts wait for the next digest: starting, memory, making it, criticals meanwhile.

The state file is made by `pile`; all that is measured is a bridge as users run it.
"""

from __future__ import annotations

import sqlite3
import statistics
import subprocess
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, NamedTuple

from bench.measure import memory_mb, peak_memory_mb, ring, subscribed, wait_for_rings
from bench.pile import pile_up
from bench.report import Row, goal, latency_rows, summary
from bench.stage import say, stage, wait_until
from bench.workloads import storm

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bench.programs import Bridge
    from bench.stage import Stage

CRITICALS, PER_SECOND = 200, 100.0
DIGEST_TIMEOUT_S = 60.0
STATUS_CALLS = 3


class Goal(NamedTuple):
    """What a figure should be below."""

    limit: float
    unit: str

    def of(self, values: list[float]) -> str:
        return goal(f"under {self.limit} {self.unit}", values, lambda median: median < self.limit)


GOALS = {
    "start to the first critical": Goal(3, "s"),
    "start after it was told": Goal(3, "s"),
    "the digest": Goal(5, "s"),
    "memory while it waits": Goal(100, "MB"),
    "memory at most": Goal(100, "MB"),
}
LATENCY_GOAL_MS = 50


def measure(bridge: Bridge, *, quick: bool) -> list[Row]:
    """Return the rows of the table."""
    count, rounds = (100_000, 1) if quick else (1_000_000, 3)
    figures: dict[str, list[float]] = defaultdict(list)
    beside_s: list[float] = []
    for number in range(1, rounds + 1):
        say(f"million: {count:,} alerts in a digest, round {number} of {rounds}")
        beside_s += _round(bridge, count, figures)
    rows = [
        Row(f"{count:,} waiting: {what}", *summary(values, form), goal=_goal(what, values))
        for what, values in figures.items()
        for form in ("{:.0f} MB" if "memory" in what else "{:.2f} s",)
    ]
    name = f"{count:,} waiting: a critical beside the making of the digest"
    return rows + latency_rows(name, sorted(beside_s), LATENCY_GOAL_MS)


def _goal(what: str, values: list[float]) -> str:
    return GOALS[what].of(values) if what in GOALS else ""


def _round(bridge: Bridge, count: int, figures: dict[str, list[float]]) -> list[float]:
    """Note the figures of one round; return the latencies of criticals beside the digest."""
    with stage() as made:
        state = made.folder / "state.db"
        pile_up(state, count, time.time())
        with _started(bridge, made, figures["start to the first critical"]) as process:
            figures["memory while it waits"].append(memory_mb(process.pid))
            figures["status"].append(_status_s(bridge, made))
            took_s, beside_s = _digest(made, state, count)
            figures["the digest"].append(took_s)
            figures["memory at most"].append(peak_memory_mb(process.pid))
        wait_until(lambda: made.watch.time_of("kilopush/status", b"offline"), 10, "the stop")
        with _started(bridge, made, figures["start after it was told"]):
            pass
    return beside_s


@contextmanager
def _started(bridge: Bridge, made: Stage, took_s: list[float]) -> Iterator[subprocess.Popen[bytes]]:
    """Start the bridge and ring at once; note how long it takes until that critical arrives."""
    number = CRITICALS + len(made.sink.arrivals)
    began_s = time.time()
    with subscribed(bridge, made, storm(0)) as (process, _):
        arrived_s = wait_for_rings(made, ring(made.port, [number], PER_SECOND))
        took_s.append(arrived_s[number] - began_s)
        yield process


def _status_s(bridge: Bridge, made: Stage) -> float:
    """Return how long `kilopush-bridge status` takes beside the running bridge."""
    return statistics.median(
        _seconds(lambda: subprocess.run(bridge.status(made), check=True, capture_output=True))
        for _ in range(STATUS_CALLS)
    )


def _digest(made: Stage, state: Path, count: int) -> tuple[float, list[float]]:
    """Let the digest become due; return how long it took, and each critical beside it."""
    with ThreadPoolExecutor() as pool:
        ringing = pool.submit(ring, made.port, range(CRITICALS), PER_SECOND)
        time.sleep(0.5)
        with closing(sqlite3.connect(state)) as connection, connection:
            connection.execute("UPDATE deliveries SET due_at_s = 0 WHERE is_digest")
        arrived_at_s = wait_until(
            lambda: _arrival(made, f"{count} alerts, "), DIGEST_TIMEOUT_S, "the digest"
        )
        sent_s = ringing.result()
    arrived_s = wait_for_rings(made, sent_s)
    with closing(sqlite3.connect(state)) as connection:
        (begun_at_s,) = connection.execute(
            "SELECT begun_at_s FROM attempts WHERE kind = 'digest'"
        ).fetchone()
    beside = [one for one in sent_s if begun_at_s <= sent_s[one] <= arrived_at_s]
    return arrived_at_s - begun_at_s, [arrived_s[one] - sent_s[one] for one in beside]


def _arrival(made: Stage, text: str) -> float | None:
    return next((at_s for at_s, one in made.sink.arrivals if one.startswith(text)), None)


def _seconds(function: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    function()
    return time.perf_counter() - began_s
