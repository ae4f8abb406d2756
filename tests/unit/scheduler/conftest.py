from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from unit.scheduler.world import World, budgeted

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path / "state.db")
    yield made
    made.close()


@pytest.fixture
def make_world(tmp_path: Path) -> Iterator[Callable[..., Awaitable[World]]]:
    """Make a world whose API says what time it is; the arguments are those of `budgeted`."""
    worlds: list[World] = []

    async def make(*args: Any, **changes: Any) -> World:
        worlds.append(World(tmp_path / "state.db", policy=budgeted(*args, **changes)))
        await worlds[-1].start()
        return worlds[-1]

    yield make
    for made in worlds:
        made.close()


@pytest.fixture
async def house(make_world: Callable[..., Awaitable[World]]) -> World:
    """300 messages a day, two people."""
    return await make_world()
