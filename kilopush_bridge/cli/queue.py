"""`kilopush-bridge queue list|retry|drop`."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Callable
from datetime import tzinfo
from typing import Annotated, Any

import typer

from kilopush_bridge.cli.common import ConfigOption, JsonOption, load, print_json
from kilopush_bridge.errors import EXIT_UNEXPECTED, UsageError
from kilopush_bridge.outbox import upkeep
from kilopush_bridge.outbox.report import listing
from kilopush_bridge.outbox.store import Transaction, open_for_reading, open_state
from kilopush_bridge.times import duration_text, moment_text

queue = typer.Typer(
    help="Look at what is not sent; retry or drop dead letters.", no_args_is_help=True
)

STATES = ("pending", "sending", "sent", "digested", "dead", "withdrawn")

Ids = Annotated[list[int] | None, typer.Argument(help="Numbers from `queue list`.")]
AllOption = Annotated[bool, typer.Option("--all", help="All dead letters.")]


@queue.command("list")
def list_(
    state: Annotated[
        str | None, typer.Option(help="pending, sending, sent, digested, dead or withdrawn.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """List what has not arrived yet, most urgent first."""
    if state is not None and state not in STATES:
        raise UsageError(f"--state must be one of {', '.join(STATES)}, not {state}")
    loaded = load(config)
    connection = open_for_reading(loaded.state)
    rows = listing(connection, state)
    connection.close()
    if as_json:
        print_json(rows)
        return
    now_s = time.time()
    for row in rows:
        columns = (
            f"{row['id']:>6}",
            f"{row['state']:<9}",
            f"{row['priority']:<8}",
            f"{row['person']:<10}",
            f"{duration_text(now_s - row['created_at_s']):>8}",
            f"{row['name']}: {row['text']}{_why(row, now_s, loaded.zone)}",
        )
        print("  ".join(columns))
    if not rows:
        print("Nothing waits.")


def _why(row: dict[str, Any], now_s: float, zone: tzinfo | None) -> str:
    reason = row["reason"]
    if row["digest_at_s"] is not None:
        reason += f" ({moment_text(max(now_s, row['digest_at_s']), now_s, zone)})"
    return f" [{reason}]" if reason else ""


@queue.command()
def retry(ids: Ids = None, every: AllOption = False, config: ConfigOption = None) -> None:
    """Put dead letters back into the outbox."""
    _change(ids, every, config, upkeep.revive, "back in the outbox")


@queue.command()
def drop(ids: Ids = None, every: AllOption = False, config: ConfigOption = None) -> None:
    """Withdraw dead letters, by number also pending ones; they are not sent any more."""
    _change(ids, every, config, upkeep.drop, "dropped")


def _change(
    ids: list[int] | None,
    every: bool,
    config: ConfigOption,
    change: Callable[[sqlite3.Connection, list[int] | None, float], int],
    done: str,
) -> None:
    if bool(ids) == every:
        raise UsageError("name the numbers from `queue list`, or --all")
    state = load(config).state
    open_for_reading(state).close()  # says so if there is no state yet
    connection = open_state(state)
    with Transaction(connection):
        number = change(connection, ids, time.time())
    connection.close()
    print(f"{number} {done}")
    if ids and number < len(set(ids)):
        print("the others are no such deliveries, see `queue list`", file=sys.stderr)
        raise typer.Exit(EXIT_UNEXPECTED)
