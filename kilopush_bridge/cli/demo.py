"""`kilopush-bridge demo`."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path
from typing import Annotated

import typer


def demo(
    seconds: Annotated[
        float | None, typer.Option(help="End by itself after so long.", min=1)
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option("-c", "--config", help="Rules to use; default: config.example.yaml."),
    ] = None,
) -> None:
    """See it work: broker, example devices, bridge, KILO.Push and phone in one terminal."""
    from kilopush_bridge.demo.demo import run_demo  # noqa: PLC0415  (slow to import, and only needed here)

    async def until_signal() -> None:
        task = asyncio.ensure_future(run_demo(config, seconds))
        for sign in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(sign, task.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(until_signal())
