"""What a piece of board code takes of the heap. On "wasm" these are the bytes of a real board."""

import asyncio
import gc

import micropython


def taken_bytes(function, *arguments):
    """Return what one call takes, garbage included."""
    gc.disable()
    before_bytes = gc.mem_alloc()
    function(*arguments)
    result = gc.mem_alloc() - before_bytes
    gc.enable()
    return result


async def live_bytes():
    """Return what is in use: on "wasm" garbage goes only while the event loop waits."""
    for _ in range(3):
        gc.collect()
        await asyncio.sleep_ms(1)
    return gc.mem_alloc()


def call_locked(function, times=1):
    """Call it so often while nothing can be had of the heap: it raises MemoryError if it asks."""
    micropython.heap_lock()
    try:
        for _ in range(times):
            function()
    finally:
        micropython.heap_unlock()
