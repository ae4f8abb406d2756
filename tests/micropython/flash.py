"""Flash in RAM that counts what is done to it, and loses power where a test says. Unix port only.

    flash = Flash("rp2")           # formatted
    flash.mount("/flash")
    flash.cut_at(3)                # the third operation from now is torn
    try:
        ...                        # the program; it uses files under /flash
    except PowerCut:
        pass                       # drop all of its objects: they are what RAM held
    flash.revive()                 # power again: what was written is mounted at the same path

A torn program has written only the first part of its bytes, a torn erase has erased only the first
part of the block, the rest is as before. Nothing reaches the flash after the cut.
"""

import vfs

# What a board's MicroPython makes of its flash: file system, its options, bytes per block, blocks.
# Sources: ports/rp2/modules/_boot.py, ports/esp32/modules/inisetup.py (the defaults of VfsLfs2 are
# 32), and an SD card. Far fewer blocks than on a board: a test copies them often.
BOARDS = {
    "rp2": (vfs.VfsLfs2, {"progsize": 256}, 4096, 16),
    "esp32": (vfs.VfsLfs2, {"readsize": 32, "progsize": 32, "lookahead": 32}, 4096, 16),
    "fat": (vfs.VfsFat, {}, 512, 128),
}

# Source: MicroPython documentation, vfs.AbstractBlockDev.ioctl.
_BLOCK_COUNT = 4
_BLOCK_BYTES = 5
_ERASE = 6


class PowerCut(BaseException):
    """The power is gone. No ``except OSError`` and no ``except Exception`` goes on after it."""


class Flash:
    """The chip, which outlives the program. ``operations`` and ``erases`` count what was done."""

    def __init__(self, board, times=1):
        self._file_system, self._options, self.block_bytes, blocks = BOARDS[board]
        self.blocks = blocks * times
        self.is_nor = self._file_system is vfs.VfsLfs2
        self.cells = bytearray(b"\xff" * (self.block_bytes * self.blocks))
        self.operations = self.erases = 0
        self._cut_at = self._written_eighths = 0
        self._device = _Device(self)
        self._file_system.mkfs(self._device, **self._options)

    def mount(self, path):
        vfs.mount(self._file_system(self._device, **self._options), path)
        self._path = path

    def unmount(self):
        vfs.umount(self._path)

    def cut_at(self, operation, written_eighths=4):
        """Lose power in the n-th operation from now, when that part of it is done."""
        self._cut_at = self.operations + operation
        self._written_eighths = written_eighths

    def revive(self, image=None):
        """Power up with what the flash holds, or with an earlier ``bytes(flash.cells)``."""
        self.unmount()
        if image is not None:
            self.cells[:] = image
        self._cut_at = 0
        self._device = _Device(self)
        self.mount(self._path)

    def bytes_done(self, wanted):
        """Count an operation; return how many of its bytes happen."""
        self.operations += 1
        return wanted * self._written_eighths // 8 if self.operations == self._cut_at else wanted

    def is_cut(self):
        return self.operations == self._cut_at


class _Device:
    """The block device of one power-up.

    After a cut it goes on in a copy that nobody looks at: files that were open then are closed by
    ``with`` while the PowerCut passes, or by the garbage collector, which allows no allocation.
    """

    def __init__(self, flash):
        self._flash = flash
        self._cells = flash.cells
        self._has_power = True

    def readblocks(self, block, buffer, offset=0):
        start = block * self._flash.block_bytes + offset
        if self._has_power:
            buffer[:] = self._cells[start : start + len(buffer)]
        else:
            for index in range(len(buffer)):
                buffer[index] = self._cells[start + index]
        return 0

    def writeblocks(self, block, buffer, offset=0):
        start = block * self._flash.block_bytes + offset
        if self._has_power:
            self._program(start, buffer)
            self._check_power()
        else:
            for index in range(len(buffer)):
                self._cells[start + index] = buffer[index]
        return 0

    def ioctl(self, operation, argument):
        if operation == _BLOCK_COUNT:
            return self._flash.blocks
        if operation == _BLOCK_BYTES:
            return self._flash.block_bytes
        if operation == _ERASE and self._has_power:
            self._erase(argument * self._flash.block_bytes)
            self._check_power()
        return 0

    def _program(self, start, data):
        """Clear bits, as NOR flash does; sectors of a card are replaced."""
        count = self._flash.bytes_done(len(data))
        old = self._cells[start : start + count]
        if self._flash.is_nor and old != b"\xff" * count:
            data = bytes([a & b for a, b in zip(old, data)])
        self._cells[start : start + count] = data[:count]

    def _erase(self, start):
        self._flash.erases += 1
        count = self._flash.bytes_done(self._flash.block_bytes)
        self._cells[start : start + count] = b"\xff" * count

    def _check_power(self):
        if self._flash.is_cut():
            self._has_power = False
            self._cells = bytearray(self._cells)
            raise PowerCut
