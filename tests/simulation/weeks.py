"""Run weeks in processes of their own, and add them up."""

from __future__ import annotations

import asyncio
import logging
import multiprocessing
import os
import tempfile
from collections import Counter
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from simulation.bridge import BridgeWeek
from simulation.house import make_week
from simulation.peers import cooldown_per_rule, post_everything

if TYPE_CHECKING:
    from collections.abc import Iterable

    from simulation.bridge import Outcome

HARD_EVERY = 50
HARD_BUSIEST = 5_000  # alerts of a day
USUAL_BUSIEST = 500

MEMORY = Path("/dev/shm")


def busiest_of(seed: int) -> int:
    """Return how busy the week of a seed is; a few are as bad as it gets."""
    return HARD_BUSIEST if seed % HARD_EVERY == 0 else USUAL_BUSIEST


@dataclass(slots=True)
class Result:
    """One week: the bridge, and what the others would have done with it."""

    seed: int
    people: int
    said: int
    outcome: Outcome
    everything: Counter[str] = field(default_factory=Counter)
    cooldown: Counter[str] = field(default_factory=Counter)


def run_week(seed: int, busiest: int) -> Result:
    """Live through the week of a seed."""
    logging.disable(logging.CRITICAL)
    week = make_week(seed, busiest)
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        outcome = asyncio.run(BridgeWeek(week, Path(folder) / "state.db").run())
    everything, cooldown = post_everything(week), cooldown_per_rule(week)
    return Result(seed, len(week.people), len(week.said), outcome, everything, cooldown)


def start_weeks(seeds: Iterable[int]) -> tuple[ProcessPoolExecutor, dict[int, Future[Result]]]:
    """Start the weeks of `seeds`, as many at once as there are processors."""
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(os.cpu_count(), mp_context=context)
    return pool, {seed: pool.submit(run_week, seed, busiest_of(seed)) for seed in seeds}
