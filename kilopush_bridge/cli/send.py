"""`kilopush-bridge send TEXT`: into the outbox, and out."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Annotated

import typer

from kilopush_bridge.app.requests import Request, RequestError, request_message
from kilopush_bridge.cli.common import ConfigOption, JsonOption, load, print_json
from kilopush_bridge.config import Config
from kilopush_bridge.core.protocol import is_link
from kilopush_bridge.errors import EXIT_UNEXPECTED, UsageError
from kilopush_bridge.model import Priority, State
from kilopush_bridge.outbox import outbox, upkeep
from kilopush_bridge.outbox.store import Lock, Store, Transaction, open_state
from kilopush_bridge.push import Push
from kilopush_bridge.scheduler import Scheduler

PATIENCE_S = 60.0


def send(
    text: Annotated[str, typer.Argument(help="The text; `-` reads it from standard input.")],
    to: Annotated[
        list[str] | None,
        typer.Option(help="Person or group; can be repeated. Default: defaults.to."),
    ] = None,
    priority: Annotated[str, typer.Option(help="critical, high, normal or low.")] = "normal",
    url: Annotated[str | None, typer.Option(help="A link.")] = None,
    silent: Annotated[bool, typer.Option("--silent", help="Without a sound.")] = False,
    channel: Annotated[str | None, typer.Option(help="Which channel sends it.")] = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send a message through the outbox; a running bridge delivers it, else this command does."""
    loaded = load(config)
    request = Request(
        text=(sys.stdin.read() if text == "-" else text).strip(),
        to=tuple(to or ()),
        priority=_priority(priority),
        url=_url(url),
        silent=silent,
        channel=channel,
    )
    if not request.text:
        raise UsageError("there is no text to send")
    try:
        message = request_message(
            request, loaded, "command", "send", time.time(), Priority.CRITICAL
        )
    except RequestError as error:
        raise UsageError(str(error)) from error
    lock = Lock(loaded.state)
    is_alone = lock.acquire()
    with Transaction(connection := open_state(loaded.state)):
        outbox.put(connection, [message])
        alert_id = connection.execute("SELECT max(id) FROM alerts").fetchone()[0]
    connection.close()
    if is_alone:
        asyncio.run(_deliver(loaded, alert_id))
        lock.release()
    states = _states(loaded, alert_id)
    if as_json:
        print_json(
            {"delivered_by": "this command" if is_alone else "the running bridge", "people": states}
        )
    else:
        for person, state in states.items():
            print(f"{person}: {state if is_alone else 'the running bridge delivers it'}")
    if is_alone and any(state != State.SENT for state in states.values()):
        raise typer.Exit(EXIT_UNEXPECTED)


def _priority(word: str) -> Priority:
    try:
        return Priority.from_word(word)
    except KeyError as error:
        raise UsageError(f"--priority must be critical, high, normal or low, not {word}") from error


def _url(url: str | None) -> str | None:
    if url is not None and not is_link(url):
        raise UsageError("--url must be an http:// or https:// address")
    return url


async def _deliver(config: Config, alert_id: int) -> None:
    """Run the scheduler until this alert is settled, or no longer on the way."""
    store = Store(config.state)
    channels = {name: (one.token, one.secret) for name, one in config.channels.items()}
    push = Push(config.api_url, channels, config.people)
    scheduler = Scheduler(store, push, tuple(config.channels), tuple(config.people), time.time)
    await store.call(upkeep.return_unfinished, time.time())
    ends_at_s = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < ends_at_s:
            await scheduler.step()
            await scheduler.drain(PATIENCE_S)
            if await store.read(upkeep.attempted, alert_id):
                break
    finally:
        await push.close()
        store.close()


def _states(config: Config, alert_id: int) -> dict[str, str]:
    connection = open_state(config.state)
    rows = connection.execute(
        "SELECT person, state FROM deliveries WHERE alert_id = ?", (alert_id,)
    ).fetchall()
    connection.close()
    return {row["person"]: row["state"] for row in rows}
