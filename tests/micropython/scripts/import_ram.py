"""What importing takes from the heap of a 32-bit board: a line "BYTES NAME" for each module named.

    interpreters.run("wasm", "import_ram.py", NAME..., built=True)

What an earlier one has imported is not counted again, and neither is what a board has built in.
Needs wasm.mjs: its garbage is collected only while nothing but the event loop runs.
"""

import asyncio
import gc
import sys

import shims

BUILT_IN = (
    "array binascii errno esp32 io json machine network os random requests select socket struct"
    " time tls"
)


class Anything(shims.Module):
    def __getattr__(self, name):
        return None


async def heap_bytes():
    gc.collect()
    await asyncio.sleep_ms(1)
    return gc.mem_alloc()


async def main(*names):
    for name in BUILT_IN.split():
        try:
            __import__(name)
        except ImportError:
            shims.put(name, Anything())
    for name in names:
        before_bytes = await heap_bytes()
        __import__(name)
        print(await heap_bytes() - before_bytes, name)


asyncio.run(main(*sys.argv[1:]))
