"""Acknowledge and snooze: over `kilopush/ack/<sender>` and `kilopush/snooze/<sender>`, or by hand.

Text, or JSON: `NAME` or `{rule, key}` acknowledges; `NAME 2h` or `{rule, for}` snoozes, `NAME 0`
ends that. Without a grant, nobody silences criticals.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import orjson

from kilopush_bridge.app.requests import REQUEST_MAX_BYTES, RequestError
from kilopush_bridge.errors import StorageError
from kilopush_bridge.model import Priority
from kilopush_bridge.outbox.commands import Command, has_commands, take_commands
from kilopush_bridge.times import DAY_S, parse_duration_s

if TYPE_CHECKING:
    from collections.abc import Callable

    from kilopush_bridge.model import Received
    from kilopush_bridge.outbox.store import Store
    from kilopush_bridge.rules import Engine
    from kilopush_bridge.rules.engine import Result

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
SNOOZE_MAX_S = 30 * DAY_S  # what is longer is better taken out of the file
_FIELDS = {"ack": ("rule", "key"), "snooze": ("rule", "for")}


def parse_command(word: str, received: Received, now_s: float) -> Command:
    """Return what a message asks for.

    Raises:
        RequestError: it is malformed or retained.
    """
    if received.retain:
        raise RequestError(
            "it is retained: it would be done again at every start; publish without retain"
        )
    if len(received.payload) > REQUEST_MAX_BYTES:
        raise RequestError(f"it has {len(received.payload)} bytes; the most is {REQUEST_MAX_BYTES}")
    fields = _fields(word, received.payload)
    key = fields.get("key")
    until_s = until_of(str(fields.get("for", "")), now_s) if word == "snooze" else 0.0
    return Command(word, str(fields.get("rule", "")), None if key is None else str(key), until_s)


def until_of(duration: str, now_s: float) -> float:
    """Return until when a snooze of that duration lasts; 0 ends one.

    Raises:
        RequestError: it is no duration, or longer than 30 days.
    """
    if duration.strip() == "0":
        return 0.0
    seconds = parse_duration_s(duration)
    if seconds is None or not 0 < seconds <= SNOOZE_MAX_S:
        raise RequestError(
            f"`{duration[:40]}` is no time to snooze: 30m, 2h or 1d, at most 30d, or 0 to end it"
        )
    return now_s + seconds


async def take_for_ever(store: Store, obey: Callable[[Command], None]) -> None:
    """Hand on what the command line asks for, until cancelled."""
    while True:
        await asyncio.sleep(LOOK_EVERY_S)
        try:
            if await store.look(has_commands):
                for command in await store.call(take_commands):
                    obey(command)
        except StorageError as error:
            log.error("%s", error)


def perform(
    engine: Engine, command: Command, now_s: float, *, may_silence_criticals: bool
) -> list[Result]:
    """Do it, and return what that changes.

    Raises:
        RequestError: there is no such rule, or the sender may not silence it.
    """
    rule = engine.find(command.rule)
    if rule is None:
        raise RequestError(f"there is no rule `{command.rule[:60]}`")
    if rule.priority is Priority.CRITICAL and not may_silence_criticals:
        raise RequestError(f"`{rule.name}` is critical: that needs a grant under `senders:`")
    if command.word == "ack":
        return engine.acknowledge(rule, command.key, now_s)
    return engine.snooze(rule, command.until_s, now_s)


def _fields(word: str, payload: bytes) -> dict[str, Any]:
    try:
        text = payload.decode().strip()
        fields = orjson.loads(text) if text.startswith("{") else None
    except (UnicodeDecodeError, orjson.JSONDecodeError) as error:
        raise RequestError("it is neither text nor JSON") from error
    if fields is None:
        name, _, duration = text.rpartition(" ")
        return {"rule": name, "for": duration} if word == "snooze" else {"rule": text}
    unknown = sorted(set(fields) - set(_FIELDS[word]))
    if unknown:
        raise RequestError(
            f"`{unknown[0][:40]}` is no field; there are: {', '.join(_FIELDS[word])}"
        )
    return dict(fields)
