"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import subprocess
import tempfile
import time
from datetime import UTC, datetime

from bench.stage import ROOT, broker_program

FSYNCS = 200


def describe() -> list[tuple[str, str]]:
    """Return what matters to the figures, by name."""
    return [
        ("date", f"{datetime.now(UTC):%Y-%m-%d}"),
        ("CPUs", f"{os.cpu_count()} ({platform.machine()}), shared with whatever else runs there"),
        ("load before the run", f"{os.getloadavg()[0]:.1f}"),
        ("kernel", f"{platform.system()} {platform.release()}"),
        ("Python", platform.python_version()),
        ("SQLite", sqlite3.sqlite_version),
        ("broker", broker_version()),
        ("write and fsync of 4 KB on this disk", f"{fsync_ms():.2f} ms (median of {FSYNCS})"),
    ]


def broker_version() -> str:
    """Return what mosquitto calls itself."""
    said = subprocess.run([broker_program(), "-h"], check=False, capture_output=True, text=True)
    return (said.stdout or said.stderr).split("\n", 1)[0].strip()


def fsync_ms() -> float:
    """Return how long the disk takes to keep something: what every durable commit waits for."""
    took_s = []
    with tempfile.TemporaryFile(dir=ROOT) as file:
        for _ in range(FSYNCS):
            began_s = time.perf_counter()
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
            took_s.append(time.perf_counter() - began_s)
    return statistics.median(took_s) * 1000
