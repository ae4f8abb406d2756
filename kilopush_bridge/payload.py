"""From the bytes of a payload to a value that conditions can read."""

from __future__ import annotations

import json
import math
from codecs import BOM_UTF8
from typing import Any, Final

import orjson

from kilopush_bridge.expressions import UNKNOWN

# Beyond this a payload is a picture or a mistake; no device states an alarm in a quarter megabyte.
PAYLOAD_MAX_BYTES = 262_144

# The first bytes that JSON can start with; everything else is plain text, told apart for nothing.
_JSON_STARTS: Final = frozenset(b'{["-0123456789tfn \t\r\n')
_CONTAINER_STARTS: Final = (b"{", b"[")


def read_payload(payload: bytes) -> Any:
    """Return what a payload says: JSON if it is JSON, else its text; `UNKNOWN` if it is neither.

    Unknown are payloads that are not UTF-8 or longer than `PAYLOAD_MAX_BYTES`. An empty payload is
    the empty text. JSON nested deeper than the parser goes counts as text. Never raises.
    """
    if len(payload) > PAYLOAD_MAX_BYTES:
        return UNKNOWN
    payload = payload.removeprefix(BOM_UTF8)
    if payload and payload[0] in _JSON_STARTS:
        try:
            return orjson.loads(payload)
        except orjson.JSONDecodeError:
            pass  # `tamper detected` starts like `true`
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return UNKNOWN
    return _loose_json(text) if payload.startswith(_CONTAINER_STARTS) else text


def _loose_json(text: str) -> Any:
    """Return the object that `text` holds if Python would read it as JSON, else `text`.

    Scripts write `{"temperature": NaN, "smoke": true}`, and a name cut inside an emoji leaves half
    a surrogate pair. Neither may hide the smoke: both are repaired, and read again as real JSON.
    """
    try:
        value = json.loads(text, parse_constant=lambda _name: None, parse_float=_finite)
        return orjson.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return text


def _finite(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def payload_text(payload: bytes, max_chars: int) -> str:
    """Return the start of a payload for a log or a fallback message, whatever bytes it holds."""
    longest = 4 * (max_chars + 1)  # a character has at most four bytes; one more tells of the rest
    text = payload[:longest].decode("utf-8", "replace")
    shown = "".join(char if char.isprintable() else " " for char in text).strip()
    return shown if len(shown) <= max_chars else shown[: max_chars - 1] + "…"
