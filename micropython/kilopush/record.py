"""One waiting alarm as one bytearray: as it lies in memory, so it lies in the store.

Nothing is converted when power may fail at any moment, and an alarm takes little more than the
bytes of its text. Only this module knows the layout: these fields, then key, url and text.
"""

import struct
from binascii import crc32

from micropython import const

from .core.protocol import MESSAGE_MAX_UNITS, is_link
from .core.text import cut, units, well_formed

CRITICAL = 0
HIGH = 1
NORMAL = 2
LOW = 3

_HEAD = "<BBBBHIIIHBHH"
_HEAD_BYTES = const(25)
_PRIORITY = const(0)
_OWED = const(1)  # a bit for each person who has yet to get it
_ASKED = const(2)  # a bit for each person to whom it was posted, with no reply known
_FLAGS = const(3)
_COUNT = const(4)  # how many alarms it stands for, u16
_FIRST = const(6)  # three times in seconds of the ledger, u32
_LAST = const(10)
_EXPIRES = const(14)  # 0: never
_NONCE = const(18)  # makes it another alarm than the same words after a reboot
_LENGTHS = const(20)  # of key (u8), url and text (u16), in bytes

_SILENT = const(1)
_PICKED = const(2)  # on its way: must not change now
_RECENT = const(4)  # from this boot
_DATED = const(8)  # the board was sure of the time
_TRIED = const(16)  # the daemon was asked to send it, and did not answer

_COUNT_MAX = const(0xFFFF)
_KEY_MAX_CHARS = const(32)
_URL_MAX_UNITS = const(500)  # leaves half of the message to the text


def pack(
    text: str,
    priority: int,
    url: "str | None",
    is_silent: bool,
    key: "str | None",
    number: int,
    now_s: int,
    max_bytes: int,
) -> bytearray:
    """Return a record that nobody is owed yet, at most ``max_bytes`` long.

    Nothing is refused: an alarm with a bad link or a text that is too long is still an alarm. What
    is no link becomes part of the text, and the text is cut.
    """
    text = well_formed(str(text)) or "alarm"
    link = well_formed(url or "")
    if link and not (is_link(link) and units(link) <= _URL_MAX_UNITS):
        text, link = text + " " + link, ""
    key_bytes = well_formed(str(key or ""))[:_KEY_MAX_CHARS].encode()
    link_bytes = link.encode()
    room = max_bytes - _HEAD_BYTES - len(key_bytes) - len(link_bytes)
    text_bytes = _fit(text, room)
    head = struct.pack(
        _HEAD,
        priority,
        0,
        0,
        _RECENT | (_SILENT if is_silent else 0),
        min(_COUNT_MAX, number),
        now_s,
        now_s,
        0,
        0,
        len(key_bytes),
        len(link_bytes),
        len(text_bytes),
    )
    return bytearray(head + key_bytes + link_bytes + text_bytes)


def unpack(blob: bytes, everybody: int, is_same_people: bool) -> "list[bytearray]":
    """Return the records that lie in the store one after the other."""
    records = []
    at = 0
    while at + _HEAD_BYTES <= len(blob):
        end = at + _HEAD_BYTES + sum(struct.unpack_from("<BHH", blob, at + _LENGTHS))
        record = bytearray(blob[at:end])
        record[_FLAGS] &= ~(_PICKED | _RECENT)
        if not is_same_people:
            record[_OWED], record[_ASKED] = everybody, 0
        records.append(record)
        at = end
    return records


def merged(old: bytearray, new: bytearray) -> bytearray:
    """Return one record for both: the words of ``new``, the count and the times of both."""
    record = bytearray(new)
    record[_PRIORITY] = min(old[_PRIORITY], new[_PRIORITY])
    record[_FLAGS] = new[_FLAGS] & (old[_FLAGS] | ~_SILENT)
    struct.pack_into("<H", record, _COUNT, min(_COUNT_MAX, count(old) + count(new)))
    struct.pack_into("<I", record, _FIRST, first_s(old))
    return record


def expire_at(record: bytearray, at_s: int) -> None:
    """Set from when on nobody wants it any more."""
    struct.pack_into("<I", record, _EXPIRES, at_s)


def name(record: bytearray, nonce: int) -> None:
    """Give it a random number below 65536 that tells it from the same words at another time."""
    struct.pack_into("<H", record, _NONCE, nonce)


def identity(record: bytearray) -> int:
    """Return a number that stays the same over a reboot, and that another alarm does not have."""
    return crc32(record[_NONCE:])


def priority(record: bytearray) -> int:
    """Return ``CRITICAL``, ``HIGH``, ``NORMAL`` or ``LOW``."""
    return record[_PRIORITY]


def is_silent(record: bytearray) -> bool:
    """Return whether the phone stays quiet."""
    return bool(record[_FLAGS] & _SILENT)


def count(record: bytearray) -> int:
    """Return how many alarms it stands for; 65535 may be more."""
    return _u16(record, _COUNT)


def first_s(record: bytearray) -> int:
    """Return when the first of them was."""
    return _u32(record, _FIRST)


def last_s(record: bytearray) -> int:
    """Return when the last of them was."""
    return _u32(record, _LAST)


def expires_at_s(record: bytearray) -> int:
    """Return from when on nobody wants it any more, 0 for never."""
    return _u32(record, _EXPIRES)


def key(record: bytearray) -> bytes:
    """Return what makes two alarms the same: the text, unless a key was given."""
    if not record[_LENGTHS]:
        return text(record)[:_KEY_MAX_CHARS].encode()
    return bytes(record[_HEAD_BYTES : _HEAD_BYTES + record[_LENGTHS]])


def url(record: bytearray) -> "str | None":
    """Return the link."""
    start = _HEAD_BYTES + record[_LENGTHS]
    link = record[start : start + _u16(record, _LENGTHS + 1)]
    return bytes(link).decode() if link else None


def text(record: bytearray) -> str:
    """Return the words."""
    start = _HEAD_BYTES + record[_LENGTHS] + _u16(record, _LENGTHS + 1)
    return bytes(record[start:]).decode()


def owed(record: bytearray) -> int:
    """Return the bits of those who have yet to get it."""
    return record[_OWED]


def owe(record: bytearray, bits: int) -> None:
    """Set who has yet to get it."""
    record[_OWED] = bits


def asked(record: bytearray) -> int:
    """Return the bits of those to whom it was posted without a known reply."""
    return record[_ASKED]


def ask(record: bytearray, bits: int) -> None:
    """Set to whom it was posted without a known reply."""
    record[_ASKED] = bits


def is_picked(record: bytearray) -> bool:
    """Return whether it is on its way."""
    return bool(record[_FLAGS] & _PICKED)


def pick(record: bytearray, is_on_its_way: bool) -> None:
    """Note whether it is on its way."""
    record[_FLAGS] = record[_FLAGS] & ~_PICKED | (_PICKED if is_on_its_way else 0)


def is_tried(record: bytearray) -> bool:
    """Return whether the daemon was asked to send it and did not answer."""
    return bool(record[_FLAGS] & _TRIED)


def set_tried(record: bytearray) -> None:
    """Note that the daemon did not answer."""
    record[_FLAGS] |= _TRIED


def is_fresh(record: bytearray, everybody: int) -> bool:
    """Return whether another alarm may be merged into it: nobody can have seen it yet."""
    return not (record[_OWED] ^ everybody or record[_ASKED] or record[_FLAGS] & (_PICKED | _TRIED))


def has_age(record: bytearray, is_time_sure: bool) -> bool:
    """Return whether its times can be compared with now, if that is as sure as it says."""
    return bool(record[_FLAGS] & _RECENT or (is_time_sure and record[_FLAGS] & _DATED))


def date(record: bytearray, late_s: int) -> None:
    """Note that the time is known now, ``late_s`` later than it was taken to be in this boot."""
    if not record[_FLAGS] & _RECENT:
        return
    record[_FLAGS] |= _DATED
    for field in (_FIRST, _LAST, _EXPIRES) if late_s else ():
        at_s = _u32(record, field)
        if at_s or field != _EXPIRES:
            struct.pack_into("<I", record, field, at_s + late_s)


def _fit(text: str, max_bytes: int) -> bytes:
    limit = MESSAGE_MAX_UNITS
    while True:
        encoded = cut(text, limit).encode()
        if len(encoded) <= max_bytes:
            return encoded
        limit = limit * max_bytes // len(encoded) - 1


def _u16(record: bytearray, at: int) -> int:
    # By hand: struct would allocate a tuple.
    return record[at] | record[at + 1] << 8


def _u32(record: bytearray, at: int) -> int:
    return _u16(record, at) | _u16(record, at + 2) << 16
