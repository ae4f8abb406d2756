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

_HEAD_BYTES = const(27)
_PRIORITY = const(0)
_OWED = const(1)  # a bit for each person who has yet to get it
_ASKED = const(2)  # a bit for each person to whom it was posted, with no reply known
_FLAGS = const(3)
_COUNT = const(4)  # how many alarms it stands for, u16
_FIRST = const(6)  # three times in seconds of the ledger, u32
_LAST = const(10)
_EXPIRES = const(14)  # 0: never
_NONCE = const(18)  # u32: makes it another alarm than the same words at another time
_LENGTHS = const(22)  # of key (u8), url and text (u16), in bytes

_SILENT = const(1)
_PICKED = const(2)  # on its way: must not change now
_RECENT = const(4)  # from this boot
_DATED = const(8)  # the board was sure of the time
_TRIED = const(16)  # the daemon was asked to send it, and did not answer

_COUNT_MAX = const(0xFFFF)
_KEY_MAX_CHARS = const(32)
_KEY_KEPT_CHARS = const(24)  # of a longer one; a hash stands for the rest
_URL_MAX_UNITS = const(500)  # leaves half of the message to the text
_TEXT_MIN_BYTES = const(64)  # beside a link; without that much room the link has to go


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

    Nothing is refused: an alarm with a bad link or a text that is too long is still an alarm. A
    link that cannot be one becomes part of the text, and the text is cut.
    """
    text = _words(text) or "alarm"
    link = _words(url or "")
    room_bytes = max_bytes - _HEAD_BYTES - 4 * _KEY_MAX_CHARS - _TEXT_MIN_BYTES
    is_good = is_link(link) and units(link) <= _URL_MAX_UNITS and len(link.encode()) <= room_bytes
    if link and not is_good:
        text, link = text + " " + link, ""
    key_bytes = _short_key(_words(key or "")).encode()
    link_bytes = link.encode()
    fixed_bytes = _HEAD_BYTES + len(key_bytes) + len(link_bytes)
    text_bytes = _fit(text, max_bytes - fixed_bytes)
    record = bytearray(fixed_bytes + len(text_bytes))
    record[_PRIORITY] = priority
    record[_FLAGS] = _RECENT | (_SILENT if is_silent else 0)
    _put(record, _COUNT, 2, min(_COUNT_MAX, number))
    _put(record, _FIRST, 4, now_s)
    _put(record, _LAST, 4, now_s)
    record[_LENGTHS] = len(key_bytes)
    _put(record, _LENGTHS + 1, 2, len(link_bytes))
    _put(record, _LENGTHS + 3, 2, len(text_bytes))
    record[_HEAD_BYTES:fixed_bytes] = key_bytes + link_bytes
    record[fixed_bytes:] = text_bytes
    return record


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


def merged(old: bytearray, new: bytearray, has_new_words: bool) -> bytearray:
    """Return one record for both: the words of one, the count and the times of both."""
    record = bytearray(new if has_new_words else old)
    record[_OWED] = old[_OWED]
    record[_PRIORITY] = min(old[_PRIORITY], new[_PRIORITY])
    record[_FLAGS] = old[_FLAGS] & (new[_FLAGS] | ~_SILENT)
    ends_s = (expires_at_s(old), expires_at_s(new))
    expire_at(record, max(ends_s) if min(ends_s) else 0)
    _put(record, _LAST, 4, last_s(new))
    _put(record, _COUNT, 2, min(_COUNT_MAX, count(old) + count(new)))
    _put(record, _FIRST, 4, first_s(old))
    return record


def expire_at(record: bytearray, at_s: int) -> None:
    """Set from when on nobody wants it any more."""
    _put(record, _EXPIRES, 4, at_s)


def name(record: bytearray, nonce: bytes) -> None:
    """Give it four random bytes, which tell it from the same words at another time."""
    record[_NONCE:_LENGTHS] = nonce


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


def is_same(record: bytearray, other: bytearray) -> bool:
    """Return whether both are the same alarm: by their keys, or by their texts without one."""
    size = record[_LENGTHS]
    if size != other[_LENGTHS]:
        return False
    at = other_at = _HEAD_BYTES
    if not size:
        at, other_at = _text_start(record), _text_start(other)
        size = len(record) - at
        if size != len(other) - other_at:
            return False
    for index in range(size):  # slices would take memory for each alarm that waits
        if record[at + index] != other[other_at + index]:
            return False
    return True


def given_key(record: bytearray) -> str:
    """Return the key that was given, "" without one: then the text makes two alarms the same."""
    return bytes(record[_HEAD_BYTES : _HEAD_BYTES + record[_LENGTHS]]).decode()


def url(record: bytearray) -> "str | None":
    """Return the link."""
    start = _HEAD_BYTES + record[_LENGTHS]
    link = record[start : start + _u16(record, _LENGTHS + 1)]
    return bytes(link).decode() if link else None


def text(record: bytearray) -> str:
    """Return the words."""
    return bytes(record[_text_start(record) :]).decode()


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
    """Return whether another alarm may be merged into it.

    It is of this boot, so that their times can be compared, and nobody can have seen it yet.
    """
    is_untouched = record[_FLAGS] & (_RECENT | _PICKED | _TRIED) == _RECENT
    return is_untouched and record[_OWED] == everybody and not record[_ASKED]


def has_age(record: bytearray, is_time_sure: bool) -> bool:
    """Return whether its times can be compared with now, if that is as sure as it says."""
    return bool(record[_FLAGS] & _RECENT or (is_time_sure and record[_FLAGS] & _DATED))


def date(record: bytearray, late_s: int, is_sure: bool) -> None:
    """Note that it is ``late_s`` later than was known in this boot, and whether that is sure."""
    if not record[_FLAGS] & _RECENT:
        return
    if is_sure:
        record[_FLAGS] |= _DATED
    for field in (_FIRST, _LAST, _EXPIRES) if late_s else ():
        at_s = _u32(record, field)
        if at_s or field != _EXPIRES:
            _put(record, field, 4, at_s + late_s)


def _words(value: object) -> str:
    return well_formed(value if isinstance(value, str) else str(value))


def _fit(text: str, max_bytes: int) -> bytes:
    encoded = text.encode()
    if len(encoded) <= min(max_bytes, MESSAGE_MAX_UNITS):  # a unit takes at least one byte
        return encoded
    limit = MESSAGE_MAX_UNITS
    while True:
        encoded = cut(text, limit).encode()
        if len(encoded) <= max_bytes:
            return encoded
        limit = limit * max_bytes // len(encoded) - 1


def _short_key(key: str) -> str:
    if len(key) <= _KEY_MAX_CHARS:
        return key
    return key[:_KEY_KEPT_CHARS] + "{:08x}".format(crc32(key.encode()))


def _text_start(record: bytearray) -> int:
    return _HEAD_BYTES + record[_LENGTHS] + _u16(record, _LENGTHS + 1)


def _put(record: bytearray, at: int, size: int, value: int) -> None:
    # By hand, as below: struct takes memory for its arguments.
    for index in range(at, at + size):
        record[index] = value & 0xFF
        value >>= 8


def _u16(record: bytearray, at: int) -> int:
    return record[at] | record[at + 1] << 8


def _u32(record: bytearray, at: int) -> int:
    return _u16(record, at) | _u16(record, at + 2) << 16
