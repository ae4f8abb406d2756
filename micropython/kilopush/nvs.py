"""The ESP32's non-volatile storage (NVS) as a store: for boards that keep no files."""

from io import BytesIO

import esp32
from micropython import const

from .store import CRC_BYTES, HEAD_BYTES, Store, fill

# Source: ESP-IDF, "Non-Volatile Storage Library": a blob may be far larger, but MicroPython's
# partition has 24 KB, which Wi-Fi shares, and the old blob stays until the new one is written.
_FRAME_BYTES = const(1024)


class NVSStore(Store):
    """Two blobs, ``0`` and ``1``, in a namespace of their own: a name of at most 15 characters."""

    capacity_bytes = _FRAME_BYTES - HEAD_BYTES - CRC_BYTES

    def __init__(self, namespace="kilopush"):
        self._nvs = esp32.NVS(namespace)
        self._frame = memoryview(bytearray(_FRAME_BYTES))

    def _open(self, slot):
        # OSError: there is no such blob, or it is larger than any of ours.
        return BytesIO(self._frame[: self._nvs.get_blob("01"[slot], self._frame)])

    def _write(self, slot, pieces):
        size_bytes = fill(self._frame, pieces)
        self._nvs.set_blob("01"[slot], self._frame[:size_bytes])
        self._nvs.commit()
