"""For tests, inside Home Assistant: how long its event loop is held at a time.

`loop_watch.begin` starts, `loop_watch.end` answers with what was seen.

A timer that should fire each few milliseconds fires late when something else holds the loop. From
that, the time is taken off for which the thread was ready to run and other programs had the
processor: that says something of this machine, not of Home Assistant.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from homeassistant.core import ServiceCall, SupportsResponse, callback

if TYPE_CHECKING:
    import asyncio

    from homeassistant.core import HomeAssistant
    from homeassistant.helpers.typing import ConfigType
    from homeassistant.util.json import JsonObjectType

_EVERY_S = 0.004
_SCHEDULER = "/proc/thread-self/schedstat"  # ns on a processor, ns waiting for one, and a count


async def async_setup(hass: HomeAssistant, config: ConfigType) -> bool:
    watch = _Watch(hass.loop)

    @callback
    def begin(call: ServiceCall) -> None:
        watch.begin()

    @callback
    def end(call: ServiceCall) -> JsonObjectType:
        return watch.end()

    hass.services.async_register("loop_watch", "begin", begin)
    hass.services.async_register("loop_watch", "end", end, supports_response=SupportsResponse.ONLY)
    return True


class _Watch:
    """Samples of one loop, taken in its own thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._scheduler = -1
        with suppress(OSError):
            self._scheduler = os.open(_SCHEDULER, os.O_RDONLY)

    def begin(self) -> None:
        self._held_s: list[float] = []
        self._late_s = 0.0
        self._begun_s = self._loop.time()
        self._begun_busy_s = time.thread_time()
        self._next()

    def end(self) -> JsonObjectType:
        if self._timer is not None:
            self._timer.cancel()
        return {
            "held_ms": [round(1000 * one, 1) for one in sorted(self._held_s, reverse=True)[:5]],
            "late_ms": round(1000 * self._late_s, 1),
            "busy_s": round(time.thread_time() - self._begun_busy_s, 3),
            "watched_s": round(self._loop.time() - self._begun_s, 1),
            "samples": len(self._held_s),
        }

    def _next(self) -> None:
        self._queued_s = self._read_queued_s()
        self._due_s = self._loop.time() + _EVERY_S
        self._timer = self._loop.call_at(self._due_s, self._look)

    def _look(self) -> None:
        late_s = self._loop.time() - self._due_s
        self._late_s = max(self._late_s, late_s)
        self._held_s.append(max(0.0, late_s - (self._read_queued_s() - self._queued_s)))
        self._next()

    def _read_queued_s(self) -> float:
        """Return for how long this thread has waited for a processor."""
        if self._scheduler < 0:
            return 0.0
        return int(os.pread(self._scheduler, 100, 0).split()[1]) / 1e9
