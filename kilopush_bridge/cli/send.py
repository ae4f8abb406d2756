"""`kilopush-bridge send TEXT`: into the outbox, and out."""

from __future__ import annotations

import asyncio
import sys
import time
from typing import Annotated, Any, NamedTuple

import typer

from kilopush_bridge.app.requests import Request, RequestError, request_message
from kilopush_bridge.app.startup import release_changed
from kilopush_bridge.cli.common import ConfigOption, JsonOption, load, print_json
from kilopush_bridge.config import Config
from kilopush_bridge.core.protocol import is_link
from kilopush_bridge.errors import EXIT_UNEXPECTED, UsageError
from kilopush_bridge.model import Priority, State
from kilopush_bridge.outbox import outbox, upkeep
from kilopush_bridge.outbox.lock import Lock
from kilopush_bridge.outbox.report import of_alert
from kilopush_bridge.outbox.store import Store, Transaction, open_state
from kilopush_bridge.push import Push
from kilopush_bridge.scheduler import Scheduler
from kilopush_bridge.scheduler.clock import ApiClock
from kilopush_bridge.scheduler.policy import policy_of

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
    sent = send_request(loaded, request)
    _report(sent.rows, is_alone=sent.is_alone, as_json=as_json)


class Sent(NamedTuple):
    """What became of a request: its rows, and whether this command was the one to deliver."""

    rows: list[dict[str, Any]]
    is_alone: bool


def send_request(config: Config, request: Request) -> Sent:
    """Put a request into the outbox, and deliver it unless a bridge is running.

    Raises:
        UsageError: the configuration does not allow it.
        StorageError: the state cannot be used.
    """
    try:
        message = request_message(
            request, config, "command", "send", time.time(), Priority.CRITICAL
        )
    except RequestError as error:
        raise UsageError(str(error)) from error
    lock = Lock(config.state)
    is_alone = lock.acquire()
    with Transaction(connection := open_state(config.state)):
        outbox.put(connection, [message])
        alert_id = connection.execute("SELECT max(id) FROM alerts").fetchone()[0]
        if is_alone:
            release_changed(connection, config)
    connection.close()
    if is_alone:
        asyncio.run(_deliver(config))
        lock.release()
    return Sent(_rows(config, alert_id), is_alone)


def _report(rows: list[dict[str, Any]], *, is_alone: bool, as_json: bool) -> None:
    if as_json:
        people = {row["person"]: {"state": row["state"], "reason": row["reason"]} for row in rows}
        by = "this command" if is_alone else "the running bridge"
        print_json({"delivered_by": by, "people": people})
    elif not is_alone:
        print("in the outbox; the running bridge delivers it")
    else:
        for row in rows:
            print(row_text(row))
    if is_alone and any(row["state"] != State.SENT for row in rows):
        raise typer.Exit(EXIT_UNEXPECTED)


def row_text(row: dict[str, Any]) -> str:
    """Return where the message to one person is, and why."""
    return f"{row['person']}: {row['state']}" + (f", {row['reason']}" if row["reason"] else "")


def _priority(word: str) -> Priority:
    try:
        return Priority.from_word(word)
    except KeyError as error:
        raise UsageError(f"--priority must be critical, high, normal or low, not {word}") from error


def _url(url: str | None) -> str | None:
    if url is not None and not is_link(url):
        raise UsageError("--url must be an http:// or https:// address")
    return url


async def _deliver(config: Config) -> None:
    """Run the scheduler until nothing more may go."""
    store = Store(config.state)
    channels = {name: (one.token, one.secret) for name, one in config.channels.items()}
    push = Push(config.api_url, channels, config.people)
    clock = ApiClock(time.time)
    scheduler = Scheduler(store, push, policy_of(config), tuple(config.people), clock)
    await store.call(upkeep.return_unfinished, time.time())
    await scheduler.take_over()
    asking = asyncio.create_task(scheduler.ask_time())  # a critical does not wait for it
    ends_at_s = time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < ends_at_s:
            await scheduler.step()
            if scheduler.in_flight:
                await scheduler.drain(PATIENCE_S)
            elif asking.done():
                break  # all that may go has been tried
            else:
                await asking
    finally:
        asking.cancel()
        await push.close()
        store.close()


def _rows(config: Config, alert_id: int) -> list[dict[str, Any]]:
    connection = open_state(config.state)
    rows = of_alert(connection, alert_id)
    connection.close()
    return rows
