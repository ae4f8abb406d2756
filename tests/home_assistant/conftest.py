from __future__ import annotations

from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from homeassistant.helpers.storage import Store

# Before Home Assistant's own `custom_components`, which its test folder brings along.
import custom_components  # noqa: F401

if TYPE_CHECKING:
    from collections.abc import Iterator


class RealStore[T](Store[T]):
    """Home Assistant's store, before its tests have replaced what reads and deletes files."""

    _async_load = Store._async_load
    async_remove = Store.async_remove


@pytest.fixture(autouse=True)
def with_our_integration(enable_custom_integrations: None) -> None:
    """Let every test load what is in custom_components."""


@pytest.fixture
def hass_config_dir(hass_tmp_config_dir: str) -> str:
    """Give each test a disk of its own: what a channel stores goes there, past no mock."""
    return hass_tmp_config_dir


@pytest.fixture(autouse=True)
def on_a_real_disk() -> Iterator[None]:
    """Keep what a channel stores in files."""
    with patch("custom_components.kilopush.storage.Store", RealStore):
        yield
