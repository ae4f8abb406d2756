"""`kilopush-bridge ack NAME`: no more reminders of what fires."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from kilopush_bridge.cli.common import ConfigOption, JsonOption, load, print_json
from kilopush_bridge.cli.silence import NotDoneError, carry_out, look, rule_of
from kilopush_bridge.config import did_you_mean
from kilopush_bridge.outbox.commands import Command
from kilopush_bridge.outbox.keys import keys_that_fire

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection

SHOWN_MAX = 5


def ack(
    name: Annotated[str, typer.Argument(help="The rule.")],
    key: Annotated[
        str | None, typer.Option(help="One key, as `status` shows it; default: all that fire.")
    ] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Acknowledge what fires: it is not repeated any more, until it is over."""
    loaded = load(config)
    rule = rule_of(loaded, name)
    keys = _chosen(name, key, look(loaded, partial(keys_that_fire, rule=name)))

    def is_done(connection: sqlite3.Connection) -> bool:
        left = keys_that_fire(connection, name)
        return all(left.get(one, True) for one in keys)

    done_by = carry_out(loaded, Command("ack", name, key), is_done)
    if as_json:
        print_json({"rule": name, "keys": keys, "done_by": done_by})
        return
    print(f"{name}: acknowledged, {_listed(keys)}")
    if not rule.repeat_s:
        print("the rule has no `repeat`: there were no reminders to come")


def _chosen(name: str, key: str | None, firing: Collection[str]) -> list[str]:
    """Return the keys that are meant; raises NotDoneError if none of them fires."""
    if not firing:
        raise NotDoneError(f"nothing of `{name}` fires")
    if key is None:
        return list(firing)
    if key not in firing:
        hint = did_you_mean(key, firing) or f"there are: {_listed(firing)}"
        raise NotDoneError(f"`{key}` of `{name}` does not fire; {hint}")
    return [key]


def _listed(keys: Collection[str]) -> str:
    shown = ", ".join(list(keys)[:SHOWN_MAX])
    more = len(keys) - SHOWN_MAX
    return f"{shown} and {more} more" if more > 0 else shown
