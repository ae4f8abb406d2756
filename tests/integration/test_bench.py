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
        timeout=55,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_quick_bench_prints_speed_latency_memory_start_and_what_many_alerts_do_to_them(
    table: str,
):
    names = {line.split("|")[1].strip() for line in table.splitlines() if line.startswith("| ")}
    assert {
        "kilopush-bridge, 1 rule",
        "kilopush-bridge, PUBLISH to POST, p99",
        "kilopush-bridge, memory after the run",
        "kilopush-bridge, start to subscribed",
        "a critical beside 1,000 alerts at once, p99",
        "100,000 waiting: the digest",
        "100,000 waiting: a critical beside the making of the digest, p99",
    } <= names
    assert "lost messages" not in table
