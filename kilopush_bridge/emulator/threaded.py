"""An emulator for synchronous code: tests that start real processes and look at what they sent."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from kilopush_bridge.emulator.faults import FaultKind
from kilopush_bridge.emulator.server import Emulator
from kilopush_bridge.emulator.service import Record
from kilopush_bridge.emulator.world import World

T = TypeVar("T")


class RunningEmulator:
    """An `Emulator` on an event loop in another thread.

    The same words as on `Emulator`; each is carried out on that loop, so any thread may use them.
    """

    def __init__(self, emulator: Emulator, loop: asyncio.AbstractEventLoop) -> None:
        self._emulator = emulator
        self._loop = loop

    @property
    def url(self) -> str:
        """The address to post to, complete."""
        return self._emulator.url

    @property
    def world(self) -> World:
        """Who exists and how it counts; put another one to change it."""
        return self._do(lambda: self._emulator.world)

    @world.setter
    def world(self, world: World) -> None:
        self._do(lambda: setattr(self._emulator, "world", world))

    @property
    def requests(self) -> list[Record]:
        """All requests to the send address, oldest first."""
        return self._do(lambda: self._emulator.requests)

    @property
    def delivered(self) -> list[Record]:
        """Those of `requests` whose message reached the phone."""
        return self._do(lambda: self._emulator.delivered)

    def fault(self, kind: FaultKind, *, times: int | None = 1, delay_s: float = 0.0) -> None:
        """Let the next requests go wrong; see `Emulator.fault`."""
        self._do(lambda: self._emulator.fault(kind, times=times, delay_s=delay_s))

    def clear_faults(self) -> None:
        """Let all be well again, for requests that come from now on."""
        self._do(self._emulator.clear_faults)

    def wait_for(self, count: int, timeout_s: float = 5.0) -> list[Record]:
        """Return `requests` as soon as there are so many, or raise TimeoutError."""
        return self._await(self._emulator.wait_for(count, timeout_s))

    def wait_for_delivered(self, count: int, timeout_s: float = 5.0) -> list[Record]:
        """Return `delivered` as soon as there are so many, or raise TimeoutError."""
        return self._await(self._emulator.wait_for_delivered(count, timeout_s))

    def _do(self, function: Callable[[], T]) -> T:
        async def call() -> T:
            return function()

        return self._await(call())

    def _await(self, coroutine: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()


@contextmanager
def running_emulator(
    world: World | None = None,
    *,
    clock: Callable[[], float] = time.time,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[RunningEmulator]:
    """Run an emulator in a thread of its own for the length of a `with`.

    Args: see `Emulator`. The clock is read in that thread.

    Raises:
        OSError: the address cannot be had.
    """
    with _loop_in_thread() as loop:
        emulator = Emulator(world, clock=clock, host=host, port=port)
        asyncio.run_coroutine_threadsafe(emulator.start(), loop).result()
        try:
            yield RunningEmulator(emulator, loop)
        finally:
            asyncio.run_coroutine_threadsafe(emulator.stop(), loop).result()


@contextmanager
def _loop_in_thread() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="kilopush-emulator")
    thread.start()
    try:
        yield loop
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
