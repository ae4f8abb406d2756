from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from harness import Bridge, Mosquitto

from kilopush_bridge.emulator import RunningEmulator, World, running_emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def api() -> Iterator[RunningEmulator]:
    with running_emulator(World(per_day=None)) as running:
        yield running


@pytest.fixture
def bridge(tmp_path: Path, broker: Mosquitto, api: RunningEmulator) -> Iterator[Bridge]:
    with Bridge(tmp_path / "bridge", broker.url, api.url) as made:
        yield made
