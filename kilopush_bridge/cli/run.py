"""`kilopush-bridge run`: the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
from typing import TYPE_CHECKING, Annotated

import typer

from kilopush_bridge.app import App, Reloader
from kilopush_bridge.cli.common import ConfigOption, find_config
from kilopush_bridge.config import Config, load_config
from kilopush_bridge.logs import set_up_logging
from kilopush_bridge.mqtt.embedded import EmbeddedBroker

if TYPE_CHECKING:
    from pathlib import Path


def run(
    config: ConfigOption = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Reload when the configuration's files change.")
    ] = False,
) -> None:
    """Forward alerts until Ctrl-C or SIGTERM; SIGHUP loads the configuration again."""
    path = find_config(config)
    loaded = load_config(path)
    set_up_logging(loaded.log_level, loaded.log_format)
    for warning in loaded.warnings:
        logging.getLogger(__name__).warning("%s", warning)
    asyncio.run(serve(loaded, path, is_watching=watch))


async def serve(config: Config, path: Path | None = None, *, is_watching: bool = False) -> None:
    """Run the bridge, and the broker inside it if the configuration asks for one, until a signal.

    `path` is loaded again on SIGHUP, or when it changes.

    Raises:
        StorageError: the state cannot be used.
        UsageError: the embedded broker cannot start.
    """
    app = App(config)
    embedded = EmbeddedBroker(config.broker) if config.broker.scheme == "embedded" else None
    if embedded is not None:
        await embedded.start()
    running = asyncio.ensure_future(app.run())
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(sign, running.cancel)
    beside = [] if path is None else _reload(app, path, is_watching=is_watching)
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await running
    finally:
        for task in beside:
            task.cancel()
        if embedded is not None:
            await embedded.stop()


def _reload(app: App, path: Path, *, is_watching: bool) -> list[asyncio.Task[None]]:
    """Load the configuration again on SIGHUP, and whenever it changes if that is asked for."""
    reloader = Reloader(app, path)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.ask)
    parts = [reloader.run(), *([reloader.watch()] if is_watching else [])]
    return [asyncio.create_task(part) for part in parts]
