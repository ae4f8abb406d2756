"""Rules whose timers run for very many keys: speed, memory, and starting with all of them.

Every device is watched by two rules, one that waits for its silence and one whose `for` has begun:
two keys with a timer each, and every message moves or confirms both. A bridge hears each device
once, is stopped, and is started again with what it has stored. That one is measured: until its
first critical has arrived, and then, when it has settled, what it hears in a second.
"""

from __future__ import annotations

import random
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.measure import memory_mb, ring, subscribed, wait_for_rings
from bench.report import Row, goal, summary
from bench.stage import Unfinished, say, stage, wait_until
from bench.wire import blast, publish_packet
from bench.workloads import Rule, Workload, doorbell

if TYPE_CHECKING:
    from bench.programs import Bridge
    from bench.stage import Stage

RULES_PER_DEVICE = 2
FEW, MANY = 100, 100_000  # live keys
FILL_TIMEOUT_S, STOP_TIMEOUT_S = 120.0, 30.0
FILLED, STARTED = 1, 2  # how often the doorbell has rung

SPEED_GOAL, MEMORY_GOAL_BYTES, START_GOAL_S = 0.8, 1000, 3


@dataclass(frozen=True)
class Devices:
    """How devices are told apart: by a topic each, or by a field of one topic."""

    name: str
    topic: str  # of the rules
    words: tuple[str, ...] = ()  # that all rules have

    def topic_of(self, number: int) -> str:
        return self.topic.replace("+device", str(number))


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    rounds: int
    few: int
    many: int
    messages: int
    settle_s: float  # timers are believed 10 s after a start
    devices: tuple[Devices, ...]


TOPICS = Devices("a topic each", "house/+device/climate")
FIELD = Devices("by `key` on one topic", "house/climate", ("key: id",))
FULL = Plan(rounds=3, few=FEW, many=MANY, messages=200_000, settle_s=12, devices=(FIELD, TOPICS))
QUICK = Plan(rounds=1, few=FEW, many=2_000, messages=5_000, settle_s=0, devices=(FIELD,))


@dataclass(frozen=True)
class Figures:
    """What one bridge came to."""

    start_s: float  # until the first critical has arrived
    at_start_mb: float
    after_run_mb: float
    speed: float | None  # None: messages were lost


def measure(bridge: Bridge, *, quick: bool) -> list[Row]:
    """Return the rows of the table."""
    plan = QUICK if quick else FULL
    runs: dict[tuple[Devices, int], list[Figures]] = defaultdict(list)
    for number in range(1, plan.rounds + 1):
        for devices in plan.devices:
            for keys in (plan.few, plan.many):
                figures = _run(bridge, devices, keys, plan)
                runs[devices, keys].append(figures)
                speed = f"{figures.speed:,.0f}/s" if figures.speed else "lost messages"
                say(f"timers: round {number} of {plan.rounds}: {keys:,} {devices.name}: {speed}")
    return [row for devices in plan.devices for row in _rows(plan, devices, runs)]


def _rows(
    plan: Plan, devices: Devices, runs: dict[tuple[Devices, int], list[Figures]]
) -> list[Row]:
    few, many = runs[devices, plan.few], runs[devices, plan.many]
    pairs = list(zip(few, many, strict=True))
    ratios = [two.speed / one.speed for one, two in pairs if one.speed and two.speed]
    more = plan.many - plan.few
    memory = {
        "after the start": [1e6 * (two.at_start_mb - one.at_start_mb) / more for one, two in pairs],
        "after the run": [1e6 * (two.after_run_mb - one.after_run_mb) / more for one, two in pairs],
    }
    starts_s = [one.start_s for one in many]
    return [
        *(_speed_row(keys, devices, runs[devices, keys]) for keys in (plan.few, plan.many)),
        Row(
            f"{devices.name}: speed with {plan.many:,} keys beside {plan.few}",
            *summary(ratios, "{:.2f}"),
            goal=goal(f"at least {SPEED_GOAL}", ratios, lambda median: median >= SPEED_GOAL),
        ),
        *(_memory_row(f"{devices.name}: memory per key {when}", memory[when]) for when in memory),
        Row(
            f"{devices.name}: start to the first critical, {plan.many:,} keys",
            *summary(starts_s, "{:.2f} s"),
            goal=goal(f"under {START_GOAL_S} s", starts_s, lambda median: median < START_GOAL_S),
        ),
    ]


def _speed_row(keys: int, devices: Devices, runs: list[Figures]) -> Row:
    speeds = [run.speed for run in runs if run.speed]
    return Row(f"{devices.name}: {keys:,} keys", *summary(speeds, "{:,.0f}/s"))


def _memory_row(what: str, values: list[float]) -> Row:
    reached = goal(
        f"under {MEMORY_GOAL_BYTES:,} bytes", values, lambda median: median < MEMORY_GOAL_BYTES
    )
    return Row(what, *summary(values, "{:,.0f} bytes"), goal=reached)


def _run(bridge: Bridge, devices: Devices, keys: int, plan: Plan) -> Figures:
    """Let a bridge hear every device; start it again and measure that one."""
    order = list(range(keys // RULES_PER_DEVICE))
    random.Random(keys).shuffle(order)
    workload = Workload(
        name=f"{keys} keys",
        rules=_rules(devices),
        messages=tuple(_message(devices, order[at % len(order)]) for at in range(plan.messages)),
    )
    with stage() as made:
        with subscribed(bridge, made, workload):
            _fill(made, [_message(devices, number) for number in order])
        wait_until(
            lambda: made.watch.time_of("kilopush/status", b"offline"), STOP_TIMEOUT_S, "the stop"
        )
        began_s = time.time()
        with subscribed(bridge, made, workload) as (process, _):
            start_s = wait_for_rings(made, ring(made.port, [STARTED], 1))[STARTED] - began_s
            packets = workload.packets
            time.sleep(plan.settle_s)
            at_start_mb = memory_mb(process.pid)
            began_s = blast(made.port, packets)
            try:
                ended_s, lost = bridge.finish(made, workload)
            except Unfinished as error:
                say(f"timers: {error}\n{made.log()}")
                return Figures(start_s, at_start_mb, memory_mb(process.pid), None)
            speed = None if lost > 0 else plan.messages / (ended_s - began_s)
            return Figures(start_s, at_start_mb, memory_mb(process.pid), speed)


def _rules(devices: Devices) -> tuple[Rule, ...]:
    return (
        *doorbell().rules,
        Rule(devices.topic, ("stale: 2h", *devices.words), "{{ key }} is silent"),
        Rule(
            devices.topic, ("when: temperature > 25", "for: 2h", *devices.words), "{{ key }} is hot"
        ),
    )


def _message(devices: Devices, number: int) -> tuple[str, bytes]:
    payload = b'{"battery":100,"id":%d,"linkquality":83,"temperature":27,"voltage":3025}' % number
    return devices.topic_of(number), payload


def _fill(made: Stage, messages: list[tuple[str, bytes]]) -> None:
    """Let the bridge hear every message; its stop waits for what is not stored yet."""
    last = ("house/door", b'{"n":%d}' % FILLED)
    blast(made.port, b"".join(publish_packet(*message) for message in (*messages, last)))
    wait_until(lambda: made.sink.time_of(str(FILLED)), FILL_TIMEOUT_S, "hearing all")
