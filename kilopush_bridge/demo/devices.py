"""The example devices: real payloads, and what the same devices say when things change."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from importlib.resources import files
from itertools import cycle
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a device says next, so that something begins and something ends.
_OPPOSITES: dict[str, str] = {
    "Offline": "Online",
    "offline": "online",
    "false": "true",
    "ON": "OFF",
    '{"state":"offline"}': '{"state":"online"}',
}
NEWS_EVERY = 2  # recorded payloads between two pieces of news
_FLIPPED_FIELDS = ("water_leak", "smoke", "contact", "battery_low", "tamper")


@dataclass(frozen=True, slots=True)
class Publication:
    """One message of an example device."""

    topic: str
    payload: str


def samples() -> list[Publication]:
    """Return the recorded payloads, in order."""
    lines = (
        files("kilopush_bridge.demo")
        .joinpath("mqtt.jsonl")
        .read_text(encoding="utf-8")
        .splitlines()
    )
    entries = [json.loads(line) for line in lines if line.strip()]
    return [Publication(entry["topic"], entry["payload"]) for entry in entries]


def day() -> Iterator[Publication]:
    """Yield what the devices say, for ever: each recorded payload, and some time later its news."""
    news: deque[Publication] = deque()
    for number, one in enumerate(cycle(samples())):
        yield one
        if (flipped := _flip(one)) is not None:
            news.append(flipped)
        if number % NEWS_EVERY == NEWS_EVERY - 1 and news:
            yield news.popleft()


def _flip(one: Publication) -> Publication | None:
    """Return what a device would say after its state has changed, None if it has no such state."""
    if one.payload in _OPPOSITES:
        return Publication(one.topic, _OPPOSITES[one.payload])
    try:
        value: Any = json.loads(one.payload)
    except ValueError:
        return None
    if not isinstance(value, dict):
        return None
    changed = {
        field: not value[field] for field in _FLIPPED_FIELDS if isinstance(value.get(field), bool)
    }
    return Publication(one.topic, json.dumps({**value, **changed})) if changed else None
