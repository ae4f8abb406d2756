"""`kilopush-bridge check`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from kilopush_bridge.cli.common import (
    ConfigOption,
    JsonOption,
    counted,
    find_config,
    print_json,
)
from kilopush_bridge.config import Cost, load_config, worth_saying
from kilopush_bridge.errors import EXIT_CONFIG, ConfigError, Problem, UsageError
from kilopush_bridge.mqtt import partial_overlaps
from kilopush_bridge.rules import Rule
from kilopush_bridge.topics import overlaps


def check(
    file: Annotated[Path | None, typer.Argument(help="The same as --config.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say everything that is wrong with the configuration."""
    if file and config:
        raise UsageError("name the configuration once: FILE or --config FILE")
    try:
        loaded = load_config(find_config(file or config))
    except ConfigError as error:
        _report(error.problems, [], [], as_json)
        raise typer.Exit(EXIT_CONFIG) from error
    notes = [_doubled(loaded.file, one, other) for one, other in _doubling(loaded.rules)]
    warnings = [*loaded.warnings, *notes]
    costs = worth_saying(loaded)
    _report([], warnings, costs, as_json)
    if not as_json:
        counts = (
            counted(len(loaded.rules), "rule", "rules"),
            counted(len(loaded.channels), "channel", "channels"),
            counted(len(loaded.people), "person", "people"),
        )
        warned = f", {counted(len(warnings), 'warning', 'warnings')}" if warnings else ""
        print(f"{loaded.file}: {', '.join(counts)}: no problems{warned}")
        _print_costs(costs)


def _print_costs(costs: list[Cost]) -> None:
    for one in costs:
        if one.per_day is not None:
            print(f"  {one}")
    free = ", ".join(f"`{one.rule}`" for one in costs if one.per_day is None)
    if free:
        print(f"  without `cooldown`, `limit` or `for`, only the budget bounds: {free}")


def _doubling(rules: tuple[Rule, ...]) -> list[tuple[str, str]]:
    """Return overlapping filters that double an event; a state does not mind hearing twice."""
    events = [one.text for rule in rules if rule.is_event for one in rule.filters]
    pairs = partial_overlaps(one.text for rule in rules for one in rule.filters)
    return [
        (one, other)
        for one, other in pairs
        if any(overlaps(event, one) and overlaps(event, other) for event in events)
    ]


def _doubled(file: str, one: str, other: str) -> Problem:
    what = f"the filters `{one}` and `{other}` overlap"
    hint = "a broker that only speaks MQTT 3.1.1 may deliver some events twice"
    return Problem(file, 0, 0, what, hint)


def _report(
    problems: list[Problem], warnings: list[Problem], costs: list[Cost], as_json: bool
) -> None:
    if as_json:
        entry = [
            {"line": one.line, "column": one.column, "what": one.what, "hint": one.hint}
            for one in problems
        ]
        print_json(
            {
                "ok": not problems,
                "problems": entry,
                "warnings": [str(one) for one in warnings],
                "costs": [asdict(one) for one in costs],
            }
        )
        return
    for one in problems:
        print(one, file=sys.stderr)
    for one in warnings:
        print(f"warning: {one}", file=sys.stderr)
