"""`kilopush-bridge snooze NAME 2h`: mute a rule for a while."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from kilopush_bridge.app.commands import until_of
from kilopush_bridge.app.requests import RequestError
from kilopush_bridge.cli.common import ConfigOption, JsonOption, load, print_json, state_now_s
from kilopush_bridge.cli.silence import carry_out, look, rule_of
from kilopush_bridge.errors import UsageError
from kilopush_bridge.model import Priority
from kilopush_bridge.outbox.commands import Command
from kilopush_bridge.outbox.keys import snoozed_until_s
from kilopush_bridge.times import duration_text, moment_text

if TYPE_CHECKING:
    import sqlite3


def snooze(
    name: Annotated[str, typer.Argument(help="The rule.")],
    duration: Annotated[str, typer.Argument(help="30m, 2h or 1d; 0 ends it.")],
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Mute a rule for a while; what still fires then is told then."""
    loaded = load(config)
    rule = rule_of(loaded, name)
    now_s = look(loaded, state_now_s)
    try:
        until_s = until_of(duration, now_s)
    except RequestError as error:
        raise UsageError(str(error)) from error
    was_s = look(loaded, partial(snoozed_until_s, rule=name))

    def is_done(connection: sqlite3.Connection) -> bool:
        return snoozed_until_s(connection, name) == until_s

    done_by = carry_out(loaded, Command("snooze", name, until_s=until_s), is_done)
    if as_json:
        print_json({"rule": name, "until": until_s or None, "done_by": done_by})
    elif not until_s:
        print(f"{name}: awake again" if was_s > now_s else f"{name}: was not snoozed")
    else:
        lasts = duration_text(until_s - now_s)
        print(f"{name}: snoozed for {lasts}, until {moment_text(until_s, now_s, loaded.zone)}")
        if rule.priority is Priority.CRITICAL:
            print("this rule is critical: nobody is told of it until then")
