"""When to load the configuration again: on a signal, or when its files say something else."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from kilopush_bridge.config import fingerprint, load_config
from kilopush_bridge.errors import ConfigError, StorageError
from kilopush_bridge.logs import set_up_logging

if TYPE_CHECKING:
    from pathlib import Path

    from kilopush_bridge.app.app import App
    from kilopush_bridge.config import Config

log = logging.getLogger(__name__)

LOOK_EVERY_S = 2.0


class Reloader:
    """Load `path` again for a bridge that runs; a file that cannot be used changes nothing."""

    def __init__(self, app: App, path: Path) -> None:
        self._app = app
        self._path = path
        self._asked = asyncio.Event()
        self._known = fingerprint(path)

    def ask(self) -> None:
        """Load it soon."""
        self._asked.set()

    async def run(self) -> None:
        """Load it whenever somebody asks, until cancelled."""
        await self._app.started.wait()
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self._reload()

    async def watch(self) -> None:
        """Ask whenever the files have changed, and are no longer being written."""
        last = self._known
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            now = await asyncio.to_thread(fingerprint, self._path)
            if now == last != self._known:
                self.ask()
            last = now

    async def _reload(self) -> None:
        self._known = await asyncio.to_thread(fingerprint, self._path)
        try:
            config = await asyncio.to_thread(load_config, self._path)
        except ConfigError as error:
            for problem in error.problems:
                log.error("%s", problem)
            log.error(
                "the configuration cannot be used (problems: %d): the bridge goes on as it was",
                len(error.problems),
            )
            return
        set_up_logging(config.log_level, config.log_format)
        for warning in config.warnings:
            log.warning("%s", warning)
        await self._change_to(config)

    async def _change_to(self, config: Config) -> None:
        try:
            await self._app.change_to(config)
        except StorageError as error:
            log.error("%s; the next start brings the state in line", error)
        except Exception:
            # whatever it is, the alarms of the rules that run are worth more
            log.exception("the configuration could not be changed completely; restart the bridge")
