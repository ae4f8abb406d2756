"""Speed, latency, memory and start beside a bare subscriber and mqttwarn.

The machine's speed changes while it is measured. So the rounds are interleaved, every speed is
compared with the bare subscriber of the same round and workload, and medians are reported.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

from bench.environment import PEER
from bench.measure import Run, latencies_s, start_s, throughput
from bench.programs import Bare, Bridge, Mqttwarn, Program, Raw
from bench.stage import say
from bench.workloads import Workload, home, sensors


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    rounds: int
    messages: int
    samples: int
    starts: int
    rules: tuple[int, ...]
    peer_rules: dict[int, int]  # the peer's number of messages, by number of rules
    has_home: bool


FULL = Plan(
    rounds=5,
    messages=60_000,
    samples=400,
    starts=5,
    rules=(1, 10, 100, 1000),
    peer_rules={1: 10_000, 100: 2_000},  # it is slower; fewer messages take as long
    has_home=True,
)
QUICK = Plan(
    rounds=1, messages=3_000, samples=20, starts=1, rules=(1,), peer_rules={}, has_home=False
)


@dataclass
class Figures:
    """What was measured: runs by program and workload, one for each round; seconds elsewhere."""

    rounds: int
    runs: dict[tuple[str, str], list[Run]] = field(default_factory=lambda: defaultdict(list))
    latencies_s: dict[str, list[float]] = field(default_factory=dict)
    starts_s: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    left_out: str | None = None  # why there is no peer to compare with


def measure(bridge: Bridge, plan: Plan) -> Figures:
    """Measure everything."""
    figures = Figures(plan.rounds)
    if plan.peer_rules:
        figures.left_out = PEER.install()
    alerting: list[Program] = [bridge]
    if plan.peer_rules and not figures.left_out:
        alerting.append(Mqttwarn())
    entries = _entries(plan, bridge, has_peer=len(alerting) > 1)
    for number in range(1, plan.rounds + 1):
        for program, workload in entries:
            run = throughput(program, workload)
            figures.runs[program.name, workload.name].append(run)
            speed = f"{run.speed:,.0f}/s" if run.speed else f"no speed, {run.lost} lost"
            say(f"round {number} of {plan.rounds}: {program.name}, {workload.name}: {speed}")
    for program in alerting:
        say(f"latency: {program.name}, {plan.samples} samples")
        figures.latencies_s[program.name] = latencies_s(program, plan.samples)
        for _ in range(plan.starts):
            say(f"start: {program.name}")
            figures.starts_s[program.name].append(start_s(program, sensors(100, 0)))
    return figures


def _entries(plan: Plan, bridge: Bridge, *, has_peer: bool) -> list[tuple[Program, Workload]]:
    """Return what runs in a round: each workload through every program, one after the other."""
    entries: list[tuple[Program, Workload]] = []
    for rules in plan.rules:
        workload = sensors(rules, plan.messages)
        entries += [(Bare(), workload), (bridge, workload)]
        if has_peer and rules in plan.peer_rules:
            entries.append((Mqttwarn(), sensors(rules, plan.peer_rules[rules])))
    if plan.has_home:
        workload = home(plan.messages)
        entries += [(Bare(), workload), (bridge, workload), (Raw(), workload)]
    return entries
