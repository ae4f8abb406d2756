"""What the board must not forget, kept so that a power cut at any moment leaves one whole copy.

Two slots take turns: a save goes into the slot that does not hold the newest intact state, so the
newest is never touched, whatever the file system does when the power goes. A slot holds a frame:

    "KP"  version u8  sequence u32  payload  CRC-32 of all that precedes it      (little endian)

What is torn, damaged, foreign or of another version is no frame: it is never loaded, and a later
save replaces it. So a board that goes back to an older version of this module starts anew, and
whoever raises the version here reads the old one too.
"""

import struct
from binascii import crc32

from micropython import const

_START = b"KP\x01"
HEAD_BYTES = const(7)
CRC_BYTES = const(4)
_SEQUENCE_MASK = const(0xFFFFFFFF)
# The CRC-32 of anything followed by its own CRC-32, little endian: so a frame is checked without
# knowing where its payload ends. A property of the polynomial 0x04C11DB7.
_RESIDUE = const(0x2144DF1C)
_CHUNK_BYTES = const(64)  # what is read at a time while checking
_ENOSPC = const(28)  # as from a full file system


def frame(sequence, parts):
    """Yield a frame in pieces; the parts of the payload pass through as they are."""
    head = _START + struct.pack("<I", sequence)
    crc = crc32(head)
    yield head
    for part in parts:
        crc = crc32(part, crc)
        yield part
    yield struct.pack("<I", crc)


def inspect(stream):
    """Return (sequence, bytes of payload) of the frame in the stream, None if it is not intact."""
    head = stream.read(HEAD_BYTES)
    crc = crc32(head)
    chunk = memoryview(bytearray(_CHUNK_BYTES))
    payload_bytes = -CRC_BYTES
    while True:
        count = stream.readinto(chunk)
        if not count:
            break
        crc = crc32(chunk[:count], crc)
        payload_bytes += count
    if crc != _RESIDUE or payload_bytes < 0 or head[:3] != _START:
        return None
    return struct.unpack("<I", head[3:])[0], payload_bytes


def fill(buffer, pieces):
    """Put the pieces one after the other into the buffer; return how many bytes they are.

    Raises:
        OSError: they do not fit.
    """
    end = 0
    for piece in pieces:
        start, end = end, end + len(piece)
        if end > len(buffer):
            raise OSError(_ENOSPC)
        buffer[start:end] = piece
    return end


class Store:
    """Two slots, and which of them is the newest; the medium is a subclass.

    ``_open(slot)`` returns a stream to read, ``_write(slot, pieces)`` returns when the pieces are
    safe; both raise OSError. ``capacity_bytes`` is the largest payload, None if only the space
    that is left limits it. ``sequence`` counts the saves and wraps at 2**32.
    """

    capacity_bytes = None
    sequence = 0
    _newest = None  # a slot; None until the first load

    def load(self):
        """Return the newest intact payload, None if there is none."""
        self._newest = 1  # nothing found: the first save goes to slot 0
        newest_bytes = None
        for slot in (0, 1):
            found = self._inspect(slot)
            if found and (newest_bytes is None or self.is_before(found[0])):
                self._newest = slot
                self.sequence, newest_bytes = found
        if newest_bytes is None:
            return None
        with self._open(self._newest) as stream:
            stream.seek(HEAD_BYTES)
            return stream.read(newest_bytes)

    def save(self, parts, urgent=True):  # noqa: ARG002 - here every save is safe at once
        """Save the payload that the parts make up; after an OSError the previous one is intact."""
        if self._newest is None:
            self.load()
        self.put((self.sequence + 1) & _SEQUENCE_MASK, parts)

    def put(self, sequence, parts):
        """Save under a sequence that is newer than the loaded one."""
        slot = 1 - self._newest
        self._write(slot, frame(sequence, parts))
        self._newest, self.sequence = slot, sequence

    def is_before(self, sequence):
        """Return whether that sequence is newer than what is loaded or saved here."""
        return 0 < ((sequence - self.sequence) & _SEQUENCE_MASK) < 0x80000000

    def _inspect(self, slot):
        try:
            with self._open(slot) as stream:
                return inspect(stream)
        except OSError:
            return None


class FileStore(Store):
    """Two files, ``path`` with 0 and 1 after it.

    On littlefs a small file lies in the directory itself, so few saves erase anything. FAT is as
    safe on an SD card, which writes a sector and leaves the others alone. On bare flash FAT erases
    its own tables before it writes them anew: prefer littlefs there, or NVSStore on an ESP32.
    """

    def __init__(self, path="/kp"):
        self._path = path

    def _open(self, slot, mode="rb"):
        return open(self._path + "01"[slot], mode)

    def _write(self, slot, pieces):
        with self._open(slot, "wb") as file:  # closing makes it durable
            for piece in pieces:
                file.write(piece)
