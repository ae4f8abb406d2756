"""Where a channel's state is kept: a file of Home Assistant's own kind, written whole.

``Store`` reads it. It is written here, because ``Store`` only logs that a disk is full; a message
is not accepted before it is on the disk.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from homeassistant.helpers.json import save_json
from homeassistant.helpers.storage import Store
from homeassistant.util.file import WriteError

from .const import DOMAIN

if TYPE_CHECKING:
    from collections.abc import Callable

    from homeassistant.core import HomeAssistant

_LOGGER = logging.getLogger(__name__)

_VERSION = 1


class Storage:
    """The file of one channel. ``snapshot`` returns what is to be stored, free of references."""

    def __init__(
        self, hass: HomeAssistant, entry_id: str, snapshot: Callable[[], dict[str, Any]]
    ) -> None:
        """Set where it is. Nothing is read or written yet."""
        self._hass = hass
        # In a folder of its own, because for those `Store` keeps no list of what was there at the
        # start of Home Assistant: it would not find a file that it has not written itself.
        self._store = Store[dict[str, Any]](hass, _VERSION, f"{DOMAIN}/{entry_id}", private=True)
        self._snapshot = snapshot
        self._lock = asyncio.Lock()
        self._next: asyncio.Task[None] | None = None  # a write that has not begun
        self._is_closed = False
        self.is_bad = False  # the last write has failed

    async def async_load(self) -> dict[str, Any] | None:
        """Return what was stored last, None if there is nothing."""
        return await self._store.async_load()

    async def async_commit(self) -> None:
        """Return once everything that was changed before this call is on the disk.

        Many that wait share one write.

        Raises:
            WriteError: it cannot be written, or no longer.
        """
        if self._is_closed:
            raise WriteError("the channel has stopped")
        if self._next is None:
            # Not started at once: the caller may go on changing things until it waits.
            self._next = self._hass.async_create_background_task(
                self._async_write(), "kilopush: store the outbox", eager_start=False
            )
        await asyncio.shield(self._next)

    async def async_try(self, wait_s: float | None) -> bool:
        """Return whether ``async_commit`` has worked, within a time if one is given."""
        try:
            async with asyncio.timeout(wait_s):
                await self.async_commit()
        except Exception as error:  # noqa: BLE001  (whatever it is, alarms have to go)
            if not self.is_bad:
                _LOGGER.error("The outbox cannot be stored: %s", type(error).__name__)
            self.is_bad = True
            return False
        if self.is_bad:
            _LOGGER.info("The outbox can be stored again")
        self.is_bad = False
        return True

    async def async_close(self) -> None:
        """Write for the last time; whoever comes later hears that it is too late."""
        try:
            await self.async_commit()
        finally:
            self._is_closed = True

    async def async_set_aside(self) -> None:
        """Keep a file that cannot be understood under another name."""
        await self._hass.async_add_executor_job(_set_aside, self._store.path)

    async def _async_write(self) -> None:
        async with self._lock:
            self._next = None  # what changes from here on needs another write
            data = {
                "version": _VERSION,
                "minor_version": 1,
                "key": self._store.key,
                "data": self._snapshot(),
            }
            await self._hass.async_add_executor_job(_write, self._store.path, data)

    async def async_remove(self) -> None:
        """Delete the file."""
        await self._store.async_remove()


def _write(path: str, data: dict[str, Any]) -> None:
    try:
        Path(path).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise WriteError(error) from error
    save_json(path, data, private=True, atomic_writes=True)


def _set_aside(path: str) -> None:
    with suppress(OSError):  # there may be none, or a disk that cannot do it
        Path(path).replace(f"{path}.unreadable")
