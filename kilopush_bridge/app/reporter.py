"""What the bridge publishes about itself: `kilopush/bridge` and `kilopush/undelivered`."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any, Protocol

from kilopush_bridge import __version__
from kilopush_bridge.errors import StorageError
from kilopush_bridge.outbox.report import undelivered
from kilopush_bridge.scheduler.overview import overview

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from kilopush_bridge.outbox.store import Store
    from kilopush_bridge.scheduler.policy import Policy
    from kilopush_bridge.scheduler.situation import Moment

log = logging.getLogger(__name__)

LEAST_INTERVAL_S = 5.0  # a storm of alerts is no reason for a storm of reports


class Publish(Protocol):
    """Publish below the bridge's own prefix."""

    def __call__(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish `payload` to `topic`."""


class Reporter:
    """Publish retained reports when something changed.

    `counters()` gives the numbers that are not in the state: `{"received": 12, ...}`.
    """

    def __init__(
        self,
        store: Store,
        policy: Policy,
        counters: Callable[[], Mapping[str, int]],
        publish: Publish,
        moment: Callable[[], Moment],
    ) -> None:
        self._store = store
        self._policy = policy
        self._counters = counters
        self._publish = publish
        self._moment = moment
        self._changed = asyncio.Event()
        self._published: dict[str, bytes] = {}

    def use(self, policy: Policy) -> None:
        """Go on with another policy."""
        self._policy = policy
        self.note_change()

    def note_change(self) -> None:
        """Publish soon."""
        self._changed.set()

    def start_over(self) -> None:
        """Publish everything again: the broker may be another one, or have forgotten."""
        self._published.clear()
        self._changed.set()

    async def run(self) -> None:
        """Publish until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            try:
                report, waiting = await self._store.look(self._read, self._moment())
            except StorageError as error:
                log.error("%s", error)
            else:
                self._retain("bridge", json.dumps(report).encode())
                self._retain("undelivered", json.dumps(waiting).encode() if waiting else b"")
            await asyncio.sleep(LEAST_INTERVAL_S)

    def _retain(self, topic: str, payload: bytes) -> None:
        if self._published.get(topic) != payload:
            self._published[topic] = payload
            self._publish(topic, payload, retain=True)

    def _read(self, connection: sqlite3.Connection, at: Moment) -> tuple[dict[str, Any], Any]:
        counts = overview(connection, self._policy, at)
        report = {
            "version": __version__,
            "channels": counts["channels"],
            "pending": counts["alerts"]["pending"],
            "dead": counts["alerts"]["dead"],
            **self._counters(),
        }
        return report, undelivered(connection)
