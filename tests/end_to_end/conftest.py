from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from harness.hass import HomeAssistant

from kilopush_bridge.emulator import RunningEmulator, World, running_emulator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def api() -> Iterator[RunningEmulator]:
    with running_emulator(World(per_day=None)) as running:
        yield running


@pytest.fixture
def house(tmp_path: Path, api: RunningEmulator) -> Iterator[HomeAssistant]:
    with HomeAssistant(tmp_path / "house", env={"KILOPUSH_API_URL": api.url}) as running:
        yield running
