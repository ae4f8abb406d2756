"""`kilopush-bridge run`: the daemon."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal

from kilopush_bridge.app import App
from kilopush_bridge.cli.common import ConfigOption, find_config
from kilopush_bridge.config import Config, load_config
from kilopush_bridge.logs import set_up_logging
from kilopush_bridge.mqtt.embedded import EmbeddedBroker


def run(config: ConfigOption = None) -> None:
    """Forward alerts until Ctrl-C or SIGTERM."""
    loaded = load_config(find_config(config))
    set_up_logging(loaded.log_level, loaded.log_format)
    for warning in loaded.warnings:
        logging.getLogger(__name__).warning("%s", warning)
    asyncio.run(serve(loaded))


async def serve(config: Config) -> None:
    """Run the bridge, and the broker inside it if the configuration asks for one, until a signal.

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
    try:
        with contextlib.suppress(asyncio.CancelledError):
            await running
    finally:
        if embedded is not None:
            await embedded.stop()
