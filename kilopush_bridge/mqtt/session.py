"""The bridge at the broker: connect, subscribe, and do it again for as long as it takes."""

from __future__ import annotations

import asyncio
import logging
import random
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from kilopush_bridge.errors import ConnectError
from kilopush_bridge.mqtt.connection import Connection
from kilopush_bridge.mqtt.policy import TAKEOVER_WAIT_S, Ended, Protocol, Reconnect
from kilopush_bridge.mqtt.subscriptions import Subscriptions
from kilopush_bridge.times import duration_text
from kilopush_bridge.topics import covers

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

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
        on_offline: called when the connection is gone.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        filters: Iterable[str],
        known_filters: Sequence[str],
        deliver: Callable[[list[Received]], None],
        on_online: Callable[[], None],
        on_offline: Callable[[], None] = lambda: None,
    ) -> None:
        self._broker = broker
        self._client_id = client_id
        self._filters = list(dict.fromkeys(filters))
        self._known_filters = list(known_filters)
        self._deliver = deliver
        self._on_online = on_online
        self._on_offline = on_offline
        self._reconnect = Reconnect(
            Protocol.MQTT_3_1_1 if broker.scheme == "embedded" else Protocol.MQTT_5
        )
        self._connection: Connection | None = None
        self._number = 0
        self._is_paused = False
        self._last_said = ""
        self._had_session = bool(known_filters)
        self._has_overlaps = False
        self.lost_sessions = 0
        self._subscribing = asyncio.Lock()
        self.refused: list[str] = []
        self.is_online = False

    @property
    def filters(self) -> Sequence[str]:
        """What the session at the broker is subscribed to."""
        return tuple(self._known_filters)

    def _subscriptions(self, kept: Collection[str] = ()) -> Subscriptions:
        return Subscriptions(self._filters, self.refused, self._known_filters, kept)

    async def run(self) -> None:
        """Stay connected until cancelled."""
        while True:
            ended = await self._once()
            wait_s = self._reconnect.wait_s(ended, time.monotonic(), random.random())  # noqa: S311 (jitter)
            self._say(ended, wait_s)
            await asyncio.sleep(wait_s)

    async def change(self, filters: Iterable[str], replay: Collection[str] = ()) -> None:
        """Want other filters from now on, on the connection that there is.

        What was retained for the filters in `replay` is asked for again, too.
        """
        self._filters = list(dict.fromkeys(filters))
        async with self._subscribing:
            if self._connection is None or not self.is_online:
                return  # the next connection subscribes to all of them
            with suppress(ConnectError):
                await self._subscribe_anew(self._connection, replay)

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
            async with self._subscribing:
                await self._take_up(connection, was_kept)
            self._announce(protocol, was_kept)
            connection.pause(self._is_paused)
            return await asyncio.shield(connection.ended)
        except ConnectError:
            return connection.ended.result()
        finally:
            if self.is_online:
                self._on_offline()
            self.is_online = False

    async def _take_up(self, connection: Connection, was_kept: bool) -> None:
        """Subscribe after every CONNACK, so that RETAIN always means a replay.

        What was refused before is asked for again: the broker's rules may have changed. What is no
        longer wanted goes last, so that nothing is published between two subscriptions.
        """
        said, self.refused = self.refused, []
        wanted = self._subscriptions()
        while refused := await connection.subscribe(wanted):
            self._note_refused(refused, said)
            wanted = self._subscriptions()
        if was_kept:
            connection.unsubscribe(sorted(set(self._known_filters) - set(wanted.filters)))
        self._known_filters = list(wanted.filters)
        self._has_overlaps = wanted.has_overlaps

    async def _subscribe_anew(self, connection: Connection, replay: Collection[str]) -> None:
        """Subscribe to what is new, and take back what is gone right behind it.

        What a new filter covers stays until the next connection: only so is no message missed or
        heard twice. Where filters begin to overlap, all are subscribed again: each copy must say
        which it is.
        """
        known, said = list(self._known_filters), list(self.refused)
        self.refused = [one for one in said if one in self._filters]
        while True:
            wanted = self._subscriptions(self._covered(connection))
            is_all = wanted.has_overlaps and not self._has_overlaps
            fresh = [
                one
                for one in wanted.filters
                if is_all or one not in known or any(covers(one, other) for other in replay)
            ]
            subscribing = asyncio.ensure_future(connection.subscribe(wanted, fresh))
            await asyncio.sleep(0)  # it is on its way
            connection.unsubscribe(sorted(set(self._known_filters) - set(wanted.filters)))
            refused = await subscribing
            self._known_filters = [one for one in wanted.filters if one not in refused]
            self._has_overlaps = wanted.has_overlaps
            if not refused:
                return
            self._note_refused(refused, said)

    def _covered(self, connection: Connection) -> list[str]:
        """Return what is subscribed and will be covered by what is wanted."""
        if not connection.has_identifiers:
            return []
        wanted = self._subscriptions().filters
        return [
            one
            for one in self._known_filters
            if one not in wanted and any(covers(other, one) for other in wanted)
        ]

    def _note_refused(self, refused: Sequence[str], said: Collection[str]) -> None:
        for one in refused:
            log.log(
                logging.DEBUG if one in said else logging.ERROR,
                "the broker does not allow a subscription to `%s`: rules get nothing from it",
                one,
            )
        self.refused.extend(refused)

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
