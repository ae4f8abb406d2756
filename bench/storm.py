"""How long a critical takes while very many other alerts come in, with the quota at its default."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.measure import ring, subscribed, wait_for_rings
from bench.report import Row, latency_rows
from bench.stage import say, stage, wait_until
from bench.wire import pace, publish_packet
from bench.workloads import storm

if TYPE_CHECKING:
    from bench.programs import Bridge

CRITICALS = 60
LATENCY_GOAL_MS = 50
PACKET_IDS = 65_535
REPORT_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Storm:
    """So many other alerts at that rate, and how often criticals come meanwhile."""

    name: str
    alerts: int
    per_s: float
    criticals_per_s: float
    goal_ms: float | None = LATENCY_GOAL_MS


FULL = (
    Storm("beside 1,000 alerts in a minute", 1_000, 1_000 / 60, 1),
    Storm("beside 10,000 alerts at once", 10_000, math.inf, 50, None),
)
QUICK = (Storm("beside 1,000 alerts at once", 1_000, math.inf, 50, None),)


def measure(bridge: Bridge, *, quick: bool) -> list[Row]:
    """Return the rows of the table."""
    rows: list[Row] = []
    for one in QUICK if quick else FULL:
        say(f"storm: a critical {one.name}")
        times_s = _latencies_s(bridge, one)
        rows += latency_rows(f"a critical {one.name}", times_s, one.goal_ms)
    return rows


def _latencies_s(bridge: Bridge, one: Storm) -> list[float]:
    """Return the times from PUBLISH to POST of the criticals, sorted.

    One more before them: the first after a start loads libraries.
    """
    workload = storm(one.alerts)
    packets = [
        publish_packet(topic, payload, 1 + at % PACKET_IDS)
        for at, (topic, payload) in enumerate(workload.messages)
    ]
    with stage() as made, subscribed(bridge, made, workload), ThreadPoolExecutor() as pool:
        wait_for_rings(made, ring(made.port, [CRITICALS], math.inf))
        storming = pool.submit(pace, made.port, "storm", packets, one.per_s)
        sent_s = ring(made.port, range(CRITICALS), one.criticals_per_s)
        storming.result()
        arrived_s = wait_for_rings(made, sent_s)
        total = one.alerts + CRITICALS + 1
        wait_until(
            lambda: bridge.report(made)["received"] == total,
            REPORT_TIMEOUT_S,
            "the bridge receiving every alert",
        )
        return sorted(arrived_s[number] - sent_s[number] for number in sent_s)
