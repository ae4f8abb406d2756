"""The words of one POST and its bytes, in small pieces.

One alarm is told as it is. Of several, the urgent ones are told in full as long as there is room,
and the others share the rest, see ``core.digest``. Ages instead of times of day: they are right in
every time zone, and on a board whose clock was never set.
"""

import json

from . import record as records
from .core.digest import lines as digest_lines
from .core.protocol import MESSAGE_MAX_UNITS
from .core.text import cut, units
from .record import HIGH

_KEPT_UNITS = 100  # of a message with urgent alarms, for what is told beside them
_PIECE_CHARS = 40  # no piece takes a large block, not even if every character is escaped
_MINUTE_S = 60
_HOUR_S = 3600
_DAY_S = 86400


class Moment:
    """When a message is written: in the time of the ledger, and whether that is the true time."""

    def __init__(self, now_s: int, is_sure: bool) -> None:
        self.now_s = now_s
        self.is_sure = is_sure


def compose(
    batch: "list[bytearray]", bit: int, name: str, moment: Moment, untold: int
) -> "list[str]":
    """Return the lines of one message.

    Args:
        batch: records of ``record``, the urgent first; at least one.
        bit: of the person: says which of them may be a repeat.
        name: of the board, "" for none.
        moment: when it is written.
        untold: how many alarms were dropped since this person's last message.
    """
    prefix = name + ": " if name else ""
    if len(batch) == 1 and not untold:
        room = MESSAGE_MAX_UNITS - units(records.url(batch[0]) or "")
        return [whole(batch[0], bit, prefix, moment, room)]
    room = MESSAGE_MAX_UNITS - units(records.url(batch[0]) or "")
    full, rest = _split(batch, bit, prefix, moment, room)
    total = sum([records.count(record) for record in rest])
    lost = "{} dropped".format(untold) if untold else ""
    if full:
        heading = "+" + lost if lost else ""
    else:
        noun = "alarm" if total == 1 else "alarms"
        heading = prefix + "{} {}".format(total, noun) + (", " + lost if lost else "")
    room -= sum([units(line) + 1 for line in full])
    groups = [_group(record, bit, moment) for record in rest]
    return full + [line for line, _ in digest_lines(heading, groups, (0, 0), room, "alarm")]


def whole(record: bytearray, bit: int, prefix: str, moment: Moment, room: int) -> str:
    """Return one alarm in at most ``room`` units, with what has to be said beside its text."""
    number = records.count(record)
    marks = " ×{}".format(number) if number > 1 else ""
    span = _span(record, moment)
    marks += " ({})".format(span) if span else ""
    marks += _repeat(record, bit)
    return cut(prefix + records.text(record), room - units(marks)) + marks


def body(
    to: str, token: str, secret: str, lines: "list[str]", url: "str | None", is_silent: bool
) -> "object":
    """Yield the JSON of one request in pieces of at most a few hundred bytes.

    The same request as that of ``core.protocol.encode``.
    """
    yield '{{"to":"{}","token":"{}","secret":"{}","silent":"{}","message":"'.format(
        to, token, secret, int(is_silent)
    ).encode()
    for number, line in enumerate(lines):
        if number:
            yield b"\\n"
        for start in range(0, len(line), _PIECE_CHARS):
            yield json.dumps(line[start : start + _PIECE_CHARS])[1:-1].encode()
    yield b'"'
    if url:
        yield b',"url":' + json.dumps(url).encode()
    yield b"}"


def _split(
    batch: "list[bytearray]", bit: int, prefix: str, moment: Moment, room: int
) -> "tuple[list[str], list[bytearray]]":
    """Return the lines of the urgent alarms that are told in full, and the records that are not."""
    full = []
    for number, record in enumerate(batch):
        if records.priority(record) > HIGH:
            return full, batch[number:]
        line = whole(record, bit, "" if full else prefix, moment, MESSAGE_MAX_UNITS)
        left = room - _KEPT_UNITS - units(line) - 1
        if left < 0:
            if full:
                return full, batch[number:]
            line, left = whole(record, bit, prefix, moment, room - _KEPT_UNITS - 1), 0
        full.append(line)
        room = left + _KEPT_UNITS
    return full, []


def _group(
    record: bytearray, bit: int, moment: Moment
) -> "tuple[str, int, str, list[tuple[str, int, str]]]":
    text = records.text(record) + _repeat(record, bit)
    number, span = records.count(record), _span(record, moment)
    return text, number, span, [(text, number, span)]


def _repeat(record: bytearray, bit: int) -> str:
    return " (may be a repeat)" if records.asked(record) & bit else ""


def _span(record: bytearray, moment: Moment) -> str:
    """Return how long ago, "" for just now: "5 min ago", "20 to 5 min ago", "2 h ago to now"."""
    if not records.has_age(record, moment.is_sure):
        return "before a restart"  # how long that took is not known yet
    first = _duration(moment.now_s - records.first_s(record))
    last = _duration(moment.now_s - records.last_s(record))
    if first == last:
        return first + " ago" if first else ""
    return "{} to {} ago".format(first, last) if last else first + " ago to now"


def _duration(seconds: int) -> str:
    if seconds < _MINUTE_S:
        return ""
    if seconds < 2 * _HOUR_S:
        return "{} min".format(seconds // _MINUTE_S)
    if seconds < 2 * _DAY_S:
        return "{} h".format(seconds // _HOUR_S)
    return "{} days".format(seconds // _DAY_S)
