"""Which reply a request gets: the KILO.Push send API in pure functions.

Source of keys, shapes and codes: the KILO.Push API document, "Request" and "Replies". The order of
the checks is not documented; here it is header, shape, rights, recipient, quota.

Nothing is imported from the bridge's own protocol module: this is a second, independent reading.
"""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, time
from enum import IntEnum
from urllib.parse import parse_qsl

from kilopush_bridge.emulator.world import World, find_zone

DAY_S = 24 * 60 * 60

Fields = Mapping[str, object]


class Status(IntEnum):
    """What the API says of a message, in `response.status`."""

    SENT = 200
    INVALID_HEADERS = 4000
    FORBIDDEN = 4003
    INVALID_VALUES = 4005
    BLOCKED = 4023
    BLACKLISTED = 4024
    QUOTA_EXCEEDED = 4029


# Only the first text is documented word by word; the others say what the table of codes says.
REASONS = {
    Status.INVALID_HEADERS: "Invalid request headers.",
    Status.FORBIDDEN: "Restricted access rights or actions with the object.",
    Status.INVALID_VALUES: "Invalid or forbidden values passed.",
    Status.BLOCKED: "Target user or channel is blocked.",
    Status.BLACKLISTED: "The user added the channel to the blacklist.",
    Status.QUOTA_EXCEEDED: "Exceeded the daily limit for sending messages.",
}

# Refusals that can be booked on a channel, because it has proved who it is.
_BOOKABLE = {Status.BLOCKED, Status.BLACKLISTED, Status.QUOTA_EXCEEDED}

_REQUIRED = {"to", "token", "secret", "message"}
# Half of a surrogate pair is no text: whoever cuts a message inside an emoji is told so.
_SHAPES = {
    "to": re.compile(r"u_[0-9A-Za-z]{40}"),
    "token": re.compile(r"c_[0-9A-Za-z]{40}"),
    "secret": re.compile(r"[0-9A-Za-z]{64}"),
    "message": re.compile(r"[^\ud800-\udfff]+"),
    "url": re.compile(r"(?i:https?)://[^\s/?#\ud800-\udfff][^\s\ud800-\udfff]*"),
    "silent": re.compile(r"[01]"),
}


def read_fields(content_type: str, body: bytes) -> Fields | None:
    """Return the keys and values of a body, or None if it cannot be read as its content type."""
    reader = _READERS.get(content_type.partition(";")[0].strip().lower())
    if reader is None:
        return None
    try:
        return reader(body.decode())
    except (ValueError, RecursionError):  # not UTF-8, not JSON, not a form, or nested without end
        return None


def _read_json(text: str) -> Fields:
    value = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004 -- read_fields catches one kind
    return value


def _read_form(text: str) -> Fields:
    return dict(parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict"))


_READERS = {
    "application/json": _read_json,
    "application/x-www-form-urlencoded": _read_form,
}


def judge(world: World, fields: Fields | None, sent_at_s: Sequence[float], now_s: float) -> Status:
    """Return what the API says to a request.

    Args:
        world: who exists, who is blocked, how it counts.
        fields: what `read_fields` made of the body.
        sent_at_s: when the same channel sent what counts, Unix time.
        now_s: when this request came, Unix time.
    """
    if fields is None:
        return Status.INVALID_HEADERS
    if not has_valid_values(world, fields):
        return Status.INVALID_VALUES
    refusal = _refuse(world, str(fields["to"]), str(fields["token"]), str(fields["secret"]))
    if refusal is not None:
        return refusal
    if world.per_day is not None and count_today(world, sent_at_s, now_s) >= world.per_day:
        return Status.QUOTA_EXCEEDED
    return Status.SENT


def has_valid_values(world: World, fields: Fields) -> bool:
    """Return whether all required keys are there and every known one has an allowed value."""
    values = {key: fields[key] for key in _SHAPES if key in fields}
    return (
        values.keys() >= _REQUIRED
        and all(isinstance(v, str) and _SHAPES[key].fullmatch(v) for key, v in values.items())
        and _fits(world, str(values["message"]), str(values.get("url", "")))
    )


def _fits(world: World, message: str, url: str) -> bool:
    sizes = (_size(world, message), _size(world, url))
    return (sum(sizes) if world.count_url == "together" else max(sizes)) <= world.text_limit


def _size(world: World, text: str) -> int:
    return len(text) if world.count_in == "code_points" else len(text.encode("utf-16-le")) // 2


def _refuse(world: World, to: str, token: str, secret: str) -> Status | None:
    if world.channels is not None and world.channels.get(token) != secret:
        return Status.FORBIDDEN
    if (world.users is not None and to not in world.users) or world.blocked & {to, token}:
        return Status.BLOCKED
    if (to, token) in world.blacklist:
        return Status.BLACKLISTED
    return None


def count_today(world: World, sent_at_s: Sequence[float], now_s: float) -> int:
    """Return how many of those times lie in the quota's day that `now_s` belongs to."""
    if world.day == "rolling":
        return sum(at_s > now_s - DAY_S for at_s in sent_at_s)
    zone = find_zone(world.zone)
    today = datetime.fromtimestamp(now_s, zone).date()
    midnight_s = datetime.combine(today, time(), zone).timestamp()
    return sum(at_s >= midnight_s for at_s in sent_at_s)


def is_counted(world: World, status: Status) -> bool:
    """Return whether a request with that outcome uses up one message of the channel's day."""
    return status is Status.SENT or (world.count_refused and status in _BOOKABLE)


def to_reply(status: Status) -> tuple[int, dict[str, object]]:
    """Return the HTTP status and the JSON body that tell the sender: (200, {"response": ...})."""
    if status is Status.SENT:
        return 200, {"response": {"status": 200}}
    return 400, {"response": {"status": int(status), "message": REASONS[status]}}
