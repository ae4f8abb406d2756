"""The third truth value, and which values of a payload have it.

A condition is true, false or unknown. What a device does not say (no such field, `null`, `nan`,
`unavailable`) must neither fire nor end anything; two thirds of real payloads lack the field that
a rule asks for.
"""

from __future__ import annotations

from typing import Any, Final

import orjson


class Unknown:
    """The type of `UNKNOWN`, which has no truth of its own."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "UNKNOWN"

    def __bool__(self) -> bool:
        raise TypeError("UNKNOWN is neither true nor false: compare with `is`")


UNKNOWN: Final = Unknown()

# ESPHome publishes `nan`, since 2024-11 `None`; Home Assistant `unavailable` and `unknown`.
_UNKNOWN_WORDS = frozenset(
    spelling
    for word in ("nan", "none", "null", "unavailable", "unknown")
    for spelling in (word, word.capitalize(), word.upper(), "NaN")
)
_TRUTH_WORDS = {"on": True, "true": True, "yes": True, "off": False, "false": False, "no": False}

# Zigbee2MQTT and ESPHome `offline`, Tasmota `Offline`, Shelly `false`, Homie `lost` and
# `disconnected`, Frigate `stopped`; a last will of `0` is common in scripts.
_ONLINE_WORDS = dict.fromkeys(("online", "true", "ready", "connected", "alive", "up", "1"), True)
_OFFLINE_WORDS = dict.fromkeys(
    ("offline", "false", "lost", "disconnected", "stopped", "dead", "down", "0"), False
)
_PRESENCE_WORDS = _ONLINE_WORDS | _OFFLINE_WORDS

# No word above is longer with white space around it; a picture in base64 need not be lowered.
_WORD_MAX_CHARS = 32


def read(value: Any) -> Any:
    """Return a value of a payload as conditions see it: `UNKNOWN` where it says nothing."""
    if value is None:
        return UNKNOWN
    kind = type(value)
    if kind is str:
        return UNKNOWN if value in _UNKNOWN_WORDS else value
    if kind is float and value - value != 0:  # true for nan and both infinities only
        return UNKNOWN
    return value


def truth(value: Any) -> bool | Unknown:
    """Return whether a value counts as true or false.

    Booleans, numbers (0 is false) and the words on/off, true/false, yes/no do, in any case.
    """
    if value is True:
        return True
    if value is False:
        return False
    kind = type(value)
    if kind is int or kind is float:
        return bool(value != 0)
    if kind is str:
        return _TRUTH_WORDS.get(_word(value), UNKNOWN)
    return UNKNOWN


def online(value: Any) -> bool | Unknown:
    """Return whether a device says that it is there: a word, a boolean or `{"state": ...}`."""
    if type(value) is dict:
        value = value.get("state")
    if type(value) is str:
        return _PRESENCE_WORDS.get(_word(value), UNKNOWN)
    if isinstance(value, (bool, int, float)) and value in (0, 1):
        return bool(value)
    return UNKNOWN


def offline(value: Any) -> bool | Unknown:
    """Return whether a device says that it is gone, in any spelling that devices use."""
    is_there = online(value)
    return UNKNOWN if is_there is UNKNOWN else not is_there


def text_of(value: Any) -> str:
    """Return a value as a message shows it: numbers without noise, all but text as JSON."""
    kind = type(value)
    if kind is str:
        return str(value)
    if kind is float:
        return format(value, ".15g")  # 0.1 + 0.2 is 0.3 to a reader; a time in ms keeps its digits
    try:
        return orjson.dumps(value).decode()
    except orjson.JSONEncodeError:
        return "…"  # nested deeper than orjson writes, though it reads it: nothing for a message


def _word(text: str) -> str:
    return text.strip().lower() if len(text) <= _WORD_MAX_CHARS else ""
