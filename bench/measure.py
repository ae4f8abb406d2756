"""One figure at a time: a speed, a list of latencies, a time to start."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.stage import Stage, Unfinished, stage, wait_until
from bench.wire import blast, pace, publish_packet
from bench.workloads import doorbell

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from bench.programs import Program
    from bench.workloads import Workload

START_TIMEOUT_S = 20.0
LAST_POST_TIMEOUT_S = 10.0
PER_SECOND = 20  # messages of the latency run: slow enough that none waits for another


@dataclass(frozen=True)
class Run:
    """What came of one blast. A run that lost messages, or did not end, has no speed."""

    speed: float | None
    lost: int = 0
    memory_at_start_mb: float = 0.0
    memory_mb: float = 0.0
    posts_per_s: float = 0.0


def throughput(program: Program, workload: Workload) -> Run:
    """Publish everything at once; return how many messages a second the program looked at."""
    packets = workload.packets
    with stage() as made, subscribed(program, made, workload) as (process, _):
        at_start_mb = memory_mb(process.pid)
        began_s = blast(made.port, packets)
        try:
            ended_s, lost = program.finish(made, workload)
        except Unfinished as error:
            print(f"{program.name}, {workload.name}: {error}\n{made.log()}", file=sys.stderr)
            return Run(None)
        return Run(
            speed=None if lost else len(workload.messages) / (ended_s - began_s),
            lost=lost,
            memory_at_start_mb=at_start_mb,
            memory_mb=memory_mb(process.pid),
            posts_per_s=_posts_per_s(made),
        )


def latencies_s(program: Program, samples: int) -> list[float]:
    """Publish at QoS 1 and at a steady rate; return the times from PUBLISH to POST, sorted."""
    with stage() as made, subscribed(program, made, doorbell()):
        sent_s = ring(made.port, range(samples), PER_SECOND)
        arrived_s = wait_for_rings(made, sent_s)
        return sorted(arrived_s[number] - sent_s[number] for number in sent_s)


def ring(port: int, numbers: Sequence[int], per_s: float) -> dict[int, float]:
    """Ring the doorbell at QoS 1 and at a steady rate; return when each number was sent."""
    packets = [
        publish_packet("house/door", json.dumps({"n": number}).encode(), number + 1)
        for number in numbers
    ]
    return dict(zip(numbers, pace(port, "doorbell", packets, per_s), strict=True))


def wait_for_rings(made: Stage, numbers: Collection[int]) -> dict[int, float]:
    """Return when each of the numbers arrived as a POST."""

    def arrived() -> dict[int, float] | None:
        found = {int(text): at_s for at_s, text in made.sink.arrivals if text.isdecimal()}
        return found if found.keys() >= set(numbers) else None

    return wait_until(arrived, LAST_POST_TIMEOUT_S, "the last POST")


def start_s(program: Program, workload: Workload) -> float:
    """Return how long it takes from the start of the process until it is subscribed."""
    with stage() as made, subscribed(program, made, workload) as (_, took_s):
        return took_s


def memory_mb(pid: int) -> float:
    """Return the resident memory of a process, in units of 1,000,000 bytes."""
    kib = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(pid)], check=True, capture_output=True, text=True
    ).stdout
    return int(kib) * 1024 / 1e6


def peak_memory_mb(pid: int) -> float:
    """Return the most resident memory that a process has had; Linux says so itself."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = next(line.split()[1] for line in lines if line.startswith("VmHWM:"))
    return int(kib) * 1024 / 1e6


@contextmanager
def subscribed(
    program: Program, made: Stage, workload: Workload
) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """Start a program; yield it once it is subscribed, and how long that took."""
    command = program.command(made, workload)
    began_s = time.time()
    with made.running(command, program.environment(made)) as process:
        try:
            ready_s = wait_until(
                lambda: process.poll() is None and made.watch.time_of(*program.ready),
                START_TIMEOUT_S,
                "subscribing",
            )
        except Unfinished as error:
            raise SystemExit(
                f"bench: {program.name} does not start: {error}\n{made.log()}"
            ) from None
        yield process, ready_s - began_s


def _posts_per_s(made: Stage) -> float:
    times = [at_s for at_s, _ in made.sink.arrivals]
    return (len(times) - 1) / (times[-1] - times[0]) if len(times) > 1 else 0.0
