"""What the commands share: finding the file, printing, ending."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from kilopush_bridge.config import load_config
from kilopush_bridge.errors import ConfigError, Problem
from kilopush_bridge.outbox.facts import fact
from kilopush_bridge.times import moment_text

if TYPE_CHECKING:
    import sqlite3
    from datetime import tzinfo

    from kilopush_bridge.config import Config

PLACES = (Path("config.yaml"), Path("/etc/kilopush-bridge/config.yaml"))

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "-c",
        "--config",
        help="Configuration; else $KILOPUSH_CONFIG, ./config.yaml, then the one in /etc.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="JSON for programs.")]


def find_config(given: Path | None) -> Path:
    """Return the file to read.

    Raises:
        ConfigError: none was named and none is there.
    """
    if given is not None:
        return given
    if named := os.environ.get("KILOPUSH_CONFIG"):
        return Path(named)
    for place in PLACES:
        if place.exists():
            return place
    hint = "`kilopush-bridge init` makes one; or name a file with --config"
    raise ConfigError([Problem(str(PLACES[0]), 0, 0, "there is no such file", hint)])


def load(given: Path | None) -> Config:
    """Load the configuration and say its warnings on standard error."""
    config = load_config(find_config(given))
    for warning in config.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    return config


def print_json(value: Any) -> None:
    """Print a value for programs."""
    print(json.dumps(value, ensure_ascii=False))


def counted(number: int, one: str, many: str) -> str:
    """Return a number with its noun: `1 rule`, `2 rules`."""
    return f"{number} {one if number == 1 else many}"


def state_now_s(connection: sqlite3.Connection) -> float:
    """Return the time that the state is written in: the API's, as far as it is known."""
    return time.time() + float(fact(connection, "api_ahead_s") or 0)


def when_text(at_s: float, now_s: float, zone: tzinfo | None) -> str:
    """Return when a digest leaves; what is due already waits for room."""
    return moment_text(at_s, now_s, zone) if at_s > now_s else "as soon as it fits"
