"""The bridge at the broker: connect, subscribe, and do it again for as long as it takes."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from typing import TYPE_CHECKING

from kilopush_bridge.errors import ConnectError
from kilopush_bridge.mqtt.connection import Connection
from kilopush_bridge.mqtt.policy import TAKEOVER_WAIT_S, Ended, Protocol, Reconnect
from kilopush_bridge.mqtt.subscriptions import Subscriptions
from kilopush_bridge.times import duration_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from kilopush_bridge.config import Broker
    from kilopush_bridge.model import Received

log = logging.getLogger(__name__)


class Session:
    """The persistent session of one client id.

    Args:
        broker: how to reach it.
        client_id: the name that the session is kept under.
        filters: the topic filters that are wanted; covered ones are left out here.
        known_filters: those that earlier runs subscribed to; the ones that are gone are taken back.
        deliver: gets messages in order of arrival.
        on_online: called after each subscription is in place.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        filters: Iterable[str],
        known_filters: Sequence[str],
        deliver: Callable[[list[Received]], None],
        on_online: Callable[[], None],
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._filters = list(dict.fromkeys(filters))
        self._known_filters = list(known_filters)
        self._deliver = deliver
        self._on_online = on_online
        self._reconnect = Reconnect(
            Protocol.MQTT_3_1_1 if broker.scheme == "embedded" else Protocol.MQTT_5
        )
        self._connection: Connection | None = None
        self._number = 0
        self._is_paused = False
        self._last_said = ""
        self._had_session = bool(known_filters)
        self.lost_sessions = 0
        self.refused: list[str] = []
        self.is_online = False

    @property
    def filters(self) -> Sequence[str]:
        """What is subscribed to, as far as the broker allows."""
        return self._subscriptions().filters

    def _subscriptions(self) -> Subscriptions:
        return Subscriptions(self._filters, self.refused, self._known_filters)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            ended = await self._once()
            wait_s = self._reconnect.wait_s(ended, time.monotonic(), random.random())  # noqa: S311 (jitter)
            self._say(ended, wait_s)
            await asyncio.sleep(wait_s)

    async def close(self) -> None:
        """Announce `offline` and hang up; the session stays with the broker."""
        if self._connection is not None:
            self._connection.publish(f"{self._broker.topic_prefix}/status", b"offline", retain=True)
            await self._connection.close()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish below the bridge's own prefix; lost while there is no connection."""
        if self._connection is not None:
            self._connection.publish(f"{self._broker.topic_prefix}/{topic}", payload, retain=retain)

    def acknowledge(self, ticket: int) -> None:
        """Acknowledge a message; nothing happens if its connection is gone: it will come again."""
        if self._connection is not None:
            self._connection.acknowledge(ticket)

    def pause(self, is_paused: bool) -> None:
        """Stop or resume reading, on later connections as well."""
        self._is_paused = is_paused
        if self._connection is not None:
            self._connection.pause(is_paused)

    async def _once(self) -> Ended:
        """Make one connection and return how it ended."""
        self._number += 1
        protocol = self._reconnect.protocol
        connection = Connection(
            self._broker,
            self._client_id,
            protocol,
            self._number,
            self._subscriptions(),
            self._deliver,
        )
        self._connection = connection
        try:
            was_kept = await connection.open()
            self._reconnect.connected()
            await self._take_up(connection, was_kept)
            self._announce(protocol, was_kept)
            connection.pause(self._is_paused)
            return await asyncio.shield(connection.ended)
        except ConnectError:
            return connection.ended.result()
        finally:
            self.is_online = False

    async def _take_up(self, connection: Connection, was_kept: bool) -> None:
        """Subscribe after every CONNACK, so that RETAIN always means a replay.

        What was refused before is asked for again: the broker's rules may have changed. What is no
        longer wanted goes last, so that nothing is published between two subscriptions.
        """
        said, self.refused = self.refused, []
        wanted = self._subscriptions()
        while refused := await connection.subscribe(wanted):
            for one in refused:
                log.log(
                    logging.DEBUG if one in said else logging.ERROR,
                    "the broker does not allow a subscription to `%s`: rules get nothing from it",
                    one,
                )
            self.refused.extend(refused)
            wanted = self._subscriptions()
        if was_kept:
            connection.unsubscribe(sorted(set(self._known_filters) - set(wanted.filters)))
        self._known_filters = list(wanted.filters)

    def _announce(self, protocol: Protocol, was_kept: bool) -> None:
        self.is_online = True
        if self._had_session and not was_kept:
            self.lost_sessions += 1
            log.warning(
                "the broker has forgotten our session: what came while we were away is lost"
            )
        self._had_session = True
        self._last_said = ""
        log.info(
            "connected to %s with %s, %d subscriptions%s",
            self._broker.url,
            protocol.label,
            len(self.filters),
            ", session resumed" if was_kept else "",
        )
        self.publish("status", b"online", retain=True)
        self._on_online()

    def _say(self, ended: Ended, wait_s: float) -> None:
        """Log a change, once: a broker that is away for hours is one line."""
        what = ended.why
        if wait_s >= TAKEOVER_WAIT_S:
            what = (
                f"another client keeps connecting as `{self._client_id}` and throws us out; "
                f"next try in {duration_text(wait_s)}; stop it, or set another `mqtt.client_id`"
            )
        if ended.wrong_protocol and wait_s == 0:
            level = logging.DEBUG if self._last_said else logging.INFO
            log.log(level, "%s: no answer to MQTT 5, trying MQTT 3.1.1", self._broker.url)
            return
        if what == self._last_said:
            log.debug("%s: %s; next try in %.1f s", self._broker.url, what, wait_s)
            return
        self._last_said = what
        log.warning("%s: %s; trying again until it works", self._broker.url, what)
