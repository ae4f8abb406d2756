"""G1, G2 and G3 over hostile weeks: the production scheduler and store on a simulated clock.

Each test is the week of a seed: alerts, storms, critical bursts, lost replies, outages, restarts,
crashes at commits, clocks that jump, other senders, servers that count in other days and zones.
`python -m simulation 2000` (in `tests/`) runs as many as you like.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from simulation.weeks import start_weeks

if TYPE_CHECKING:
    from collections.abc import Iterator
    from concurrent.futures import Future

    from simulation.weeks import Result

SEEDS = range(1, 201)


@pytest.fixture(scope="module")
def weeks() -> Iterator[dict[int, Future[Result]]]:
    pool, running = start_weeks(SEEDS)
    yield running
    pool.shutdown(cancel_futures=True)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("seed", SEEDS)
def test_no_critical_is_refused_nothing_is_lost_and_the_quota_is_kept(
    seed: int, weeks: dict[int, Future[Result]]
):
    outcome = weeks[seed].result().outcome
    assert not outcome.broken
    assert outcome.posts, "nothing was sent at all"
