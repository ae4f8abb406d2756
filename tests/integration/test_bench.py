"""The benchmark itself: it runs, and what it prints can be read."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from harness import broker_program

ROOT = Path(__file__).parents[2]


@pytest.fixture
def table() -> str:
    broker_program()  # skips without a broker
    done = subprocess.run(
        [sys.executable, "-m", "bench", "--quick", "--no-write"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_quick_bench_prints_speed_latency_memory_and_start(table: str):
    lines = [line for line in table.splitlines() if line.startswith("| kilopush-bridge, ")]
    names = [line.split("|")[1].strip().removeprefix("kilopush-bridge, ") for line in lines]
    assert names[0] == "1 rule"
    assert {"PUBLISH to POST, p99", "memory after the run", "start to subscribed"} <= set(names)
    assert "lost messages" not in table
