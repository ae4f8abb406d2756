"""`kilopush-bridge emulator`: a local KILO.Push that shows what it gets."""

import asyncio
import json
import os
import signal
import socket
import sys
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Annotated, Any

import typer

from kilopush_bridge.emulator import Emulator, Record, World
from kilopush_bridge.emulator.policy import REASONS
from kilopush_bridge.emulator.world import PER_DAY, Day

Event = dict[str, Any]

_INTRODUCTION = """\
KILO.Push emulator: {url}
Use it:             KILOPUSH_API_URL={url} kilopush-bridge run
Ctrl-C ends it."""

# Enough to tell people apart, not enough to send them anything: "u_282c0a…".
_TOKEN_SHOWN_CHARS = 8


def emulator(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="TCP port; 0 is any free one.")
    ] = 8711,
    per_day: Annotated[
        str, typer.Option(help="Messages a channel may send a day; 0 or 'unlimited': verified.")
    ] = str(PER_DAY),
    day: Annotated[Day, typer.Option(help="A date in --zone, or the last 24 hours.")] = "calendar",
    zone: Annotated[str, typer.Option(help="Time zone of the calendar day.")] = "UTC",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Run a local KILO.Push: same requests, checks and replies; nothing reaches a phone."""
    try:
        world = World(per_day=_parse_limit(per_day), day=day, zone=zone)
    except ValueError as error:
        raise _fail(str(error)) from error
    if not _is_loopback(host):
        typer.echo(
            f"Note: {host} is not loopback; this is a test tool without authentication.", err=True
        )
    asyncio.run(_run(world, host, port, json.dumps if as_json else to_text))


def _parse_limit(text: str) -> int | None:
    if text in {"0", "unlimited"}:
        return None
    if not text.isdecimal():
        raise ValueError(f"--per-day {text}: use a number or 'unlimited'")
    return int(text)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _fail(what: str) -> typer.Exit:
    typer.echo(f"emulator: {what}", err=True)
    return typer.Exit(2)


async def _run(world: World, host: str, port: int, show: Callable[[Event], str]) -> None:
    queue: asyncio.Queue[Record | None] = asyncio.Queue()
    server = Emulator(world, host=host, port=port, on_request=queue.put_nowait)
    await _start(server, f"{host}:{port}")
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, queue.put_nowait, None)
    try:
        _say(show({"event": "listening", "url": server.url}))
        _say(show(await _show_requests(queue, show)))
    finally:
        await server.stop()


async def _start(server: Emulator, address: str) -> None:
    try:
        await server.start()
    except socket.gaierror as error:
        raise _fail(f"cannot listen on {address}: {error.strerror}") from error
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        raise _fail(f"cannot listen on {address}: {reason}; see --host and --port") from error


async def _show_requests(
    queue: asyncio.Queue[Record | None], show: Callable[[Event], str]
) -> Event:
    total = accepted = 0
    while (record := await queue.get()) is not None:
        total += 1
        accepted += record.accepted
        _say(show(to_event(record)))
    return {"event": "stopped", "requests": total, "accepted": accepted}


def _say(line: str) -> None:
    # A terminal that knows no emoji, or half of one in a broken request, is no reason to stop.
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, "backslashreplace").decode(encoding), flush=True)


def to_event(record: Record) -> Event:
    """Return what is shown of a request: no secret, and of the recipient's token its start."""
    values = {key: str(value) for key, value in record.fields.items()}
    return {
        "event": "request",
        "at_s": record.at_s,
        "status": record.status,
        "accepted": record.accepted,
        "fault": record.fault,
        "to": _shorten(values.get("to", "")),
        "silent": values.get("silent") == "1",
        "message": values.get("message", ""),
        "url": values.get("url", ""),
    }


def _shorten(token: str) -> str:
    return token if len(token) <= _TOKEN_SHOWN_CHARS else f"{token[:_TOKEN_SHOWN_CHARS]}…"


def to_text(event: Event) -> str:
    """Return an event as a line for people."""
    match event["event"]:
        case "listening":
            return _INTRODUCTION.format(url=event["url"])
        case "stopped":
            return f"Requests: {event['requests']}, accepted: {event['accepted']}."
        case _:
            return _request_line(event)


def _request_line(event: Event) -> str:
    at = datetime.fromtimestamp(event["at_s"], UTC).astimezone()
    parts = [
        f"{at:%H:%M:%S}",
        f"{event['status']:<4}",
        f"{event['to'] or '-':<9}",
        "silent" if event["silent"] else "",
        event["message"],
        event["url"],
        f"({REASONS[event['status']]})" if event["status"] in REASONS else "",
    ]
    return _on_one_line("  ".join(part for part in parts if part))


def _on_one_line(text: str) -> str:
    # A message must not move the cursor or colour the terminal of who looks at it.
    return "".join(
        repr(char)[1:-1] if unicodedata.category(char) == "Cc" else char for char in text
    )
