"""Months of a board's life in seconds: never over the limit, criticals at once, nothing missing."""

import json
import os
import random

import pytest
from micropython import interpreters

SCRIPT = interpreters.HERE / "scripts" / "month.py"
SEED = int(os.environ.get("KILOPUSH_SEED") or random.randrange(2**31))
MONTHS = 4  # a run; each takes about two seconds


@pytest.mark.parametrize("run", range(4))
def test_months_on_64_bits(run):
    check("unix", SEED + run * MONTHS, MONTHS)


def test_a_month_on_32_bits():
    check("wasm", SEED, 1)


def check(kind, seed, months):
    result = interpreters.run(kind, SCRIPT, seed, months, heap=32 * 1024 * 1024)
    print(result.stdout)
    assert result.returncode == 0, result.stdout + result.stderr
    lives = [json.loads(line) for line in result.stdout.splitlines()]
    assert len(lives) == months
    for life in lives:
        assert (life["over"], life["late"], life["missing"]) == (0, 0, 0), life
        assert life["criticals"] and life["reboots"], life
