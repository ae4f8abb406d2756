"""`kilopush-bridge check`."""

from __future__ import annotations

import sys

import typer

from kilopush_bridge.cli.common import (
    ConfigOption,
    JsonOption,
    counted,
    find_config,
    print_json,
)
from kilopush_bridge.config import load_config
from kilopush_bridge.errors import EXIT_CONFIG, ConfigError, Problem
from kilopush_bridge.mqtt import partial_overlaps


def check(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Say everything that is wrong with the configuration."""
    try:
        loaded = load_config(find_config(config))
    except ConfigError as error:
        _report(error.problems, [], as_json)
        raise typer.Exit(EXIT_CONFIG) from error
    filters = [one.text for rule in loaded.rules for one in rule.filters]
    notes = [
        Problem(
            loaded.file,
            0,
            0,
            f"the filters `{one}` and `{other}` overlap",
            "a broker that only speaks MQTT 3.1.1 may deliver some events twice",
        )
        for one, other in partial_overlaps(filters)
    ]
    _report([], [*loaded.warnings, *notes], as_json)
    if not as_json:
        counts = (
            counted(len(loaded.rules), "rule", "rules"),
            counted(len(loaded.channels), "channel", "channels"),
            counted(len(loaded.people), "person", "people"),
        )
        print(f"{loaded.file}: {', '.join(counts)}: no problems")


def _report(problems: list[Problem], warnings: list[Problem], as_json: bool) -> None:
    if as_json:
        entry = [
            {"line": one.line, "column": one.column, "what": one.what, "hint": one.hint}
            for one in problems
        ]
        print_json(
            {"ok": not problems, "problems": entry, "warnings": [str(one) for one in warnings]}
        )
        return
    for one in problems:
        print(one, file=sys.stderr)
    for one in warnings:
        print(f"warning: {one}", file=sys.stderr)
