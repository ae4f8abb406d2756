from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kilopush_bridge.config import Config
from kilopush_bridge.config.config import Broker, Channel

if TYPE_CHECKING:
    from collections.abc import Callable

TOKENS = {"me": "u_" + "1" * 40, "anna": "u_" + "2" * 40}


@pytest.fixture
def make_config() -> Callable[..., Config]:
    def make(**changes: Any) -> Config:
        values: dict[str, Any] = {
            "file": "config.yaml",
            "broker": Broker("mqtt", "localhost", 1883),
            "channels": {"home": Channel("c_" + "3" * 40, "4" * 64)},
            "people": TOKENS,
            "groups": {"me": ("me",), "anna": ("anna",), "family": ("me", "anna")},
            "default_to": ("me",),
            "default_channel": "home",
            "rules": (),
            "state": Path("state.db"),
            "api_url": "http://127.0.0.1:1/",
        }
        return Config(**{**values, **changes})

    return make


@pytest.fixture
def config(make_config: Callable[..., Config]) -> Config:
    return make_config()
