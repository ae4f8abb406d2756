"""One bridge per state file."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from kilopush_bridge.errors import StorageError

if TYPE_CHECKING:
    from pathlib import Path


class Lock:
    """The right to be the only bridge on a state file; it dies with its process."""

    def __init__(self, state: Path) -> None:
        self._path = state.with_name(state.name + ".lock")
        self._file: int | None = None

    def acquire(self) -> bool:
        """Return whether the right was free.

        Raises:
            StorageError: the lock file cannot be made.
        """
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StorageError(
                f"state folder {self._path.parent} cannot be written: {error.strerror}; "
                "set `state` to a file in a folder that this user may write to"
            ) from error
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return False
        self._file = handle
        return True

    def release(self) -> None:
        """Give the right back; harmless without it."""
        if self._file is not None:
            os.close(self._file)
            self._file = None
