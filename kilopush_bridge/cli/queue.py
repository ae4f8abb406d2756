"""`kilopush-bridge queue list|retry|drop`."""

from __future__ import annotations

import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import tzinfo
from pathlib import Path
from typing import Annotated, Any

import typer

from kilopush_bridge.cli.common import (
    ConfigOption,
    JsonOption,
    load,
    print_json,
    state_now_s,
    when_text,
)
from kilopush_bridge.config import Config
from kilopush_bridge.errors import EXIT_UNEXPECTED, UsageError
from kilopush_bridge.outbox import upkeep
from kilopush_bridge.outbox.report import listing
from kilopush_bridge.outbox.store import Transaction, open_for_reading, open_state
from kilopush_bridge.times import duration_text

queue = typer.Typer(
    help="Look at what is not sent; retry or drop dead letters.", no_args_is_help=True
)

AT_ONCE = 500
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
    rows, now_s = listing(connection, state), state_now_s(connection)
    connection.close()
    if as_json:
        print_json(rows)
        return
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
        reason += f" ({when_text(row['digest_at_s'], now_s, zone)})"
    return f" [{reason}]" if reason else ""


@queue.command()
def retry(ids: Ids = None, every: AllOption = False, config: ConfigOption = None) -> None:
    """Put dead letters back into the outbox."""
    loaded = _checked(ids, every, config)
    with closing(open_state(loaded.state)) as connection:
        dead = _chosen(connection, ids)
        gone = [
            one
            for one in dead
            if one.channel not in loaded.channels or one.person not in loaded.people
        ]
        for piece in _pieces([one for one in dead if one not in gone]):
            with Transaction(connection):
                upkeep.revive(connection, piece, time.time())
    if gone:
        print(f"{len(gone)} for a person or channel that is gone, left as they are")
    _report(len(dead) - len(gone), "back in the outbox", ids)


@queue.command()
def drop(ids: Ids = None, every: AllOption = False, config: ConfigOption = None) -> None:
    """Withdraw dead letters, by number also pending ones; they are not sent any more."""
    loaded = _checked(ids, every, config)
    with closing(open_state(loaded.state)) as connection:
        if ids:
            with Transaction(connection):
                number = sum(upkeep.drop(connection, one, time.time()) for one in ids)
        else:
            dead = upkeep.dead_letters(connection)
            number = len(dead)
            for piece in _pieces(dead):
                with Transaction(connection):
                    upkeep.drop_dead(connection, piece, time.time())
    _report(number, "dropped", ids)


def _checked(ids: list[int] | None, every: bool, config: Path | None) -> Config:
    if bool(ids) == every:
        raise UsageError("name the numbers from `queue list`, or --all")
    loaded = load(config)
    open_for_reading(loaded.state).close()  # says so if there is no state yet
    return loaded


def _chosen(connection: sqlite3.Connection, ids: list[int] | None) -> list[upkeep.Dead]:
    dead = upkeep.dead_letters(connection)
    return dead if ids is None else [one for one in dead if one.id in ids]


def _pieces(dead: list[upkeep.Dead]) -> Iterator[list[upkeep.Dead]]:
    """Yield a few at a time: a bridge that runs must not wait for us."""
    for at in range(0, len(dead), AT_ONCE):
        yield dead[at : at + AT_ONCE]


def _report(number: int, done: str, ids: list[int] | None) -> None:
    print(f"{number} {done}")
    if ids and number < len(set(ids)):
        print("the others are no such deliveries, see `queue list`", file=sys.stderr)
        raise typer.Exit(EXIT_UNEXPECTED)
