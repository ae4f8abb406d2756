"""What `ack` and `snooze` share: ask the bridge that runs, or do it here if none does."""

from __future__ import annotations

import time
from contextlib import closing
from typing import TYPE_CHECKING, TypeVar

from kilopush_bridge.app.commands import perform
from kilopush_bridge.cli.common import state_now_s
from kilopush_bridge.config import did_you_mean
from kilopush_bridge.errors import KilopushError, UsageError
from kilopush_bridge.model import Alert
from kilopush_bridge.outbox import outbox
from kilopush_bridge.outbox.commands import ask
from kilopush_bridge.outbox.firing import load_episodes, load_snoozes
from kilopush_bridge.outbox.lock import Lock
from kilopush_bridge.outbox.store import Transaction, open_for_reading, open_state
from kilopush_bridge.rules import Engine
from kilopush_bridge.templates import Renderer

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from kilopush_bridge.config import Config
    from kilopush_bridge.outbox.commands import Command
    from kilopush_bridge.rules import Rule

_Value = TypeVar("_Value")

PATIENCE_S = 10.0  # a bridge looks once a second
LOOK_EVERY_S = 0.1


class NotDoneError(KilopushError):
    """There is nothing to do, or the running bridge does not do it."""


def rule_of(config: Config, name: str) -> Rule:
    """Return the rule of a name.

    Raises:
        UsageError: there is none.
    """
    names = [rule.name for rule in config.rules]
    if name not in names:
        known = f"there are: {', '.join(names)}" if names else "there are no rules"
        raise UsageError(f"there is no rule `{name}`; {did_you_mean(name, names) or known}")
    return config.rules[names.index(name)]


def carry_out(
    config: Config, command: Command, is_done: Callable[[sqlite3.Connection], bool]
) -> str:
    """Do a command, here or through the bridge that runs; return who did it.

    Raises:
        NotDoneError: the running bridge did not.
        StorageError: the state cannot be used.
    """
    lock = Lock(config.state)
    if lock.acquire():
        try:
            _do_here(config, command)
        finally:
            lock.release()
        return "this command"
    with closing(open_state(config.state)) as connection:
        with Transaction(connection):
            ask(connection, command)
        _wait(connection, is_done)
    return "the running bridge"


def look(config: Config, question: Callable[[sqlite3.Connection], _Value]) -> _Value:
    """Return what the state answers."""
    with closing(open_for_reading(config.state)) as connection:
        return question(connection)


def _do_here(config: Config, command: Command) -> None:
    renderer = Renderer()
    with closing(open_state(config.state)) as connection, Transaction(connection):
        now_s = state_now_s(connection)
        snoozes = load_snoozes(connection, now_s)
        engine = Engine(config.rules, load_episodes(connection), config.zone, snoozes=snoozes)
        results = perform(engine, command, now_s, may_silence_criticals=True)
        changes = [renderer.render(one) if isinstance(one, Alert) else one for one in results]
        outbox.put(connection, changes)


def _wait(connection: sqlite3.Connection, is_done: Callable[[sqlite3.Connection], bool]) -> None:
    ends_at_s = time.monotonic() + PATIENCE_S
    while not is_done(connection):
        if time.monotonic() > ends_at_s:
            raise NotDoneError(
                f"the running bridge has not done it within {PATIENCE_S:.0f} s; "
                "its log says why, if it cannot"
            )
        time.sleep(LOOK_EVERY_S)
