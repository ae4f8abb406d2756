"""The ESP32's RTC memory as a store: no wear, and it survives deep sleep and every reset."""

import struct
from io import BytesIO
from time import ticks_diff, ticks_ms

import machine
from micropython import const

from .store import CRC_BYTES, HEAD_BYTES, Store, fill

# Source: MicroPython, ports/esp32/machine_rtc.c: RTC.memory() keeps up to 2048 bytes.
_MEMORY_BYTES = const(2048)
_SLOT_BYTES = const(1024)
_LENGTH_BYTES = const(2)  # u16 before each frame: a slot has no end of its own
# A board that sleeps between its saves never sees `every_s` go by.
_BEHIND = const(32)


class RTCStore(Store):
    """RTC memory, which is lost without power, and a ``mirror`` (a FileStore), which is not.

    The mirror is saved too when a save is urgent, every ``every_s`` seconds (at most six days),
    and when it is 32 saves behind. The store takes all of the RTC memory: nothing else may use it.
    """

    capacity_bytes = _SLOT_BYTES - _LENGTH_BYTES - HEAD_BYTES - CRC_BYTES

    def __init__(self, mirror=None, every_s=3600):
        self._memory = machine.RTC().memory
        self._image = memoryview(bytearray(_MEMORY_BYTES))
        self._mirror = mirror
        self._every_ms = 1000 * every_s
        self._mirrored_ms = ticks_ms()

    def load(self):
        """Return the newest intact payload of RTC memory and mirror, None if there is none."""
        kept = self._memory()
        self._image[: len(kept)] = kept
        payload = super().load()
        if self._mirror:
            copy = self._mirror.load()
            if payload is None or self.is_before(self._mirror.sequence):
                payload, self.sequence = copy, self._mirror.sequence
        return payload

    def save(self, parts, urgent=True):
        """Save in RTC memory, and in the mirror when it is time; OSError if one of them fails."""
        super().save(parts)
        if self._mirror and (urgent or self._is_due()):
            # Both count alike, so that load can tell which is newer.
            self._mirror.put(self.sequence, (self._slot(self._newest)[HEAD_BYTES:-CRC_BYTES],))
            self._mirrored_ms = ticks_ms()

    def _is_due(self):
        behind = (self.sequence - self._mirror.sequence) & 0xFFFFFFFF
        waited_ms = ticks_diff(ticks_ms(), self._mirrored_ms)
        return behind >= _BEHIND or waited_ms >= self._every_ms

    def _slot(self, slot):
        """Return the frame in the slot as far as its length says."""
        start = slot * _SLOT_BYTES
        (size_bytes,) = struct.unpack_from("<H", self._image, start)
        start += _LENGTH_BYTES
        return self._image[start : start + size_bytes]

    def _open(self, slot):
        return BytesIO(self._slot(slot))

    def _write(self, slot, pieces):
        # A reset half-way through leaves the other slot as it is: it is written with itself.
        start = slot * _SLOT_BYTES
        end = start + _SLOT_BYTES
        size_bytes = fill(self._image[start + _LENGTH_BYTES : end], pieces)
        struct.pack_into("<H", self._image, start, size_bytes)
        self._memory(self._image)
