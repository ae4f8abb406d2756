"""One connection to the broker: paho on one side, the event loop on the other.

A connection is used once: a new one is made after it has ended, so that nothing of an old one (an
acknowledgment, a half-read packet) can reach the next. paho keeps its state and its packets; its
own loop is not used, see `buffered`.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from kilopush_bridge.errors import ConnectError
from kilopush_bridge.model import Received
from kilopush_bridge.mqtt.buffered import BufferedSocket
from kilopush_bridge.mqtt.client import Client, connect_blocking, make_client
from kilopush_bridge.mqtt.dial import CONNECT_TIMEOUT_S, dial_problem
from kilopush_bridge.mqtt.policy import Ended, Protocol
from kilopush_bridge.mqtt.subscriptions import identifier_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from paho.mqtt.client import MQTTMessage

    from kilopush_bridge.config import Broker
    from kilopush_bridge.mqtt.subscriptions import Subscriptions

SUBSCRIBE_TIMEOUT_S = 30.0
HOUSEKEEPING_S = 5.0

# Reason codes of MQTT 5, 2.4; paho translates the return codes of MQTT 3.1.1 to them.
UNSUPPORTED_PROTOCOL = 132
CLIENT_ID_NOT_VALID = 133
BAD_USER_NAME_OR_PASSWORD = 134
NOT_AUTHORIZED = 135
KEEP_ALIVE_TIMEOUT = 141
SESSION_TAKEN_OVER = 142
FIRST_FAILURE = 128
REFUSALS = {
    CLIENT_ID_NOT_VALID: "the broker refused the client id",
    BAD_USER_NAME_OR_PASSWORD: "the broker refused the user name or password",
    NOT_AUTHORIZED: "the broker refused us: user name, password or its access rules",
}

TICKET_SHIFT = 16  # packet ids are 16 bits; what is above names the connection


class Connection:
    """One connection, from CONNECT to its end.

    `deliver(messages)` gets what arrived, in order; `ended` is set once, with the reason.
    """

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        protocol: Protocol,
        number: int,
        subscriptions: Subscriptions,
        deliver: Callable[[list[Received]], None],
    ) -> None:
        self._broker = broker
        self._protocol = protocol
        self._number = number
        self._subscriptions = subscriptions  # what a kept session sends before we ask for anything
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._client = self._make_client(client_id)
        self._socket: BufferedSocket | None = None
        self._inbox: list[Received] = []
        self._connack: asyncio.Future[bool] = self._loop.create_future()
        self._subacks: dict[int, tuple[list[str], asyncio.Future[list[str]]]] = {}
        self._has_identifiers = protocol is Protocol.MQTT_5
        self._is_paused = False
        self.ended: asyncio.Future[Ended] = self._loop.create_future()

    @property
    def has_identifiers(self) -> bool:
        """Whether each copy of a message can say which subscription it is for."""
        return self._has_identifiers

    # --- life ----------------------------------------------------------------------------------

    async def open(self) -> bool:
        """Connect; return whether the broker had kept our session.

        Raises:
            ConnectError: with what to tell the owner; `ended` is set as well.
        """
        try:
            await self._dial()
        except (OSError, ValueError, TimeoutError) as error:  # ssl's errors are OSErrors
            refusal = isinstance(error, ssl.SSLError)
            self._end(Ended(dial_problem(error), is_refusal=refusal))
            raise ConnectError(self.ended.result().why, is_refusal=refusal) from error
        self._attach()
        answers: set[asyncio.Future[Any]] = {self._connack, self.ended}
        done, _ = await asyncio.wait(
            answers,
            timeout=CONNECT_TIMEOUT_S,
            return_when=asyncio.FIRST_COMPLETED,
        )
        if not done:
            self._end(
                Ended(
                    f"the broker did not answer CONNECT within {CONNECT_TIMEOUT_S:.0f} s",
                    wrong_protocol=True,
                )
            )
        if self.ended.done():
            ended = self.ended.result()
            raise ConnectError(ended.why, is_refusal=ended.is_refusal)
        return self._connack.result()

    async def close(self) -> None:
        """Say goodbye and hang up; the broker keeps the session and does not publish the will."""
        if self.ended.done():
            return
        if self._socket is None:  # still dialling, in another thread: `_dial` hangs up
            self._end(Ended("closed"))
            return
        self._client.disconnect()
        for _ in range(20):
            if not self._client.want_write():
                break
            self._write()
            await asyncio.sleep(0.01)
        self._end(Ended("closed"))

    def _make_client(self, client_id: str) -> Client:
        client = make_client(self._broker, client_id, self._protocol, self._on_plain_publish)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        return client

    async def _dial(self) -> None:
        """Dial in a thread; a connection that comes too late for us is closed at once.

        Left open, it would take our session away from the next one.
        """
        dialling = self._loop.run_in_executor(None, connect_blocking, self._client, self._broker)
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S + 5):
                await asyncio.shield(dialling)
        finally:
            if not dialling.done():
                dialling.add_done_callback(self._hang_up)

    def _hang_up(self, dialling: asyncio.Future[None]) -> None:
        socket = self._client.socket()
        if not dialling.cancelled() and dialling.exception() is None and socket is not None:
            socket.close()

    def _attach(self) -> None:
        socket = self._client.socket()
        if not isinstance(socket, BufferedSocket):  # ended between dialling and here
            self._end(Ended("the connection broke", is_silent=True))
            return
        self._socket = socket
        self._loop.add_reader(socket.fileno(), self._read)
        self._write()
        self._loop.call_later(HOUSEKEEPING_S, self._keep_house)

    def _keep_house(self) -> None:
        if not self.ended.done():
            self._client.loop_misc()  # pings, and gives up a broker that does not answer them
            self._loop.call_later(HOUSEKEEPING_S, self._keep_house)

    def _end(self, ended: Ended) -> None:
        if self.ended.done():
            return
        self._detach()
        if self._socket is not None:
            self._socket.close()
        self.ended.set_result(ended)
        for _, waiter in self._subacks.values():
            self._fail(waiter)

    def _fail(self, waiter: asyncio.Future[list[str]]) -> None:
        # an error and no cancellation: that is for whoever stops the bridge
        if not waiter.done():
            waiter.set_exception(ConnectError(self.ended.result().why))

    def _detach(self) -> None:
        """Leave the selector before the socket is closed: the next one may get the same number."""
        if self._socket is not None and self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._loop.remove_writer(self._socket.fileno())

    # --- reading and writing -------------------------------------------------------------------

    def pause(self, is_paused: bool) -> None:
        """Stop or resume reading, so that a flood waits in the broker and not in memory."""
        if self._socket is None or self.ended.done() or is_paused == self._is_paused:
            return
        self._is_paused = is_paused
        if is_paused:
            self._loop.remove_reader(self._socket.fileno())
        else:
            self._loop.add_reader(self._socket.fileno(), self._read)
            self._loop.call_soon(self._read)  # TLS may hold bytes that no selector reports

    def _read(self) -> None:
        socket = self._socket
        if socket is None or self.ended.done() or self._is_paused:
            return
        has_more = socket.fill()
        while socket.has_news and not self.ended.done():
            self._client.loop_read()
        if self._inbox:
            messages, self._inbox = self._inbox, []
            self._deliver(messages)
        if has_more and not self.ended.done():
            self._loop.call_soon(self._read)

    def _write(self) -> None:
        if not self.ended.done():
            self._client.loop_write()

    def _on_socket_close(self, _client: Any, _userdata: Any, _socket: Any) -> None:
        self._detach()

    def _on_register_write(self, _client: Any, _userdata: Any, socket: Any) -> None:
        if self._socket is not None:  # else still dialling, in another thread
            self._loop.add_writer(socket.fileno(), self._write)

    def _on_unregister_write(self, _client: Any, _userdata: Any, socket: Any) -> None:
        if self._socket is not None and socket.fileno() >= 0:
            self._loop.remove_writer(socket.fileno())

    # --- talking -------------------------------------------------------------------------------

    async def subscribe(
        self, subscriptions: Subscriptions, only: Collection[str] | None = None
    ) -> list[str]:
        """Subscribe at QoS 1, always with a replay; return the filters that the broker refused.

        `only` names those that are not subscribed yet, or whose replay is wanted; None: all.

        QoS 1 and never 2: paho answers PUBREC on arrival, so a kill there would lose the message
        for good; brokers deliver QoS 2 publications as QoS 1 to such a subscription.

        Raises:
            ConnectError: the connection ended meanwhile, or nothing was answered.
        """
        self._subscriptions = subscriptions
        filters = [one for one in subscriptions.filters if only is None or one in only]
        if self._has_identifiers and subscriptions.has_overlaps:
            waiters = [self._subscribe([one], identifier_of(one)) for one in filters]
        else:
            waiters = [self._subscribe(filters, None)] if filters else []
        try:
            async with asyncio.timeout(SUBSCRIBE_TIMEOUT_S):
                refused = await asyncio.gather(*waiters)
        except TimeoutError as error:
            why = f"the broker did not answer SUBSCRIBE within {SUBSCRIBE_TIMEOUT_S:.0f} s"
            self._end(Ended(why, was_connected=True))
            raise ConnectError(why) from error
        return [one for group in refused for one in group]

    def _subscribe(self, filters: list[str], identifier: int | None) -> asyncio.Future[list[str]]:
        waiter: asyncio.Future[list[str]] = self._loop.create_future()
        if self._protocol is Protocol.MQTT_5:
            options = SubscribeOptions(qos=1, retainAsPublished=False, retainHandling=0)
            properties = Properties(PacketTypes.SUBSCRIBE)  # type: ignore[no-untyped-call]
            if identifier is not None:
                properties.SubscriptionIdentifier = identifier
            _, packet_id = self._client.subscribe(
                [(one, options) for one in filters], properties=properties
            )
        else:
            _, packet_id = self._client.subscribe([(one, 1) for one in filters])
        if packet_id is not None:
            self._subacks[packet_id] = (filters, waiter)
        if self.ended.done():  # while it was being sent
            self._fail(waiter)
        return waiter

    def unsubscribe(self, filters: Sequence[str]) -> None:
        """Take back subscriptions that the session still holds."""
        if filters and not self.ended.done():
            self._client.unsubscribe(list(filters))

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1; without a connection, nothing happens."""
        if self._socket is not None and not self.ended.done():
            self._client.publish(topic, payload, qos=1, retain=retain)

    def acknowledge(self, ticket: int) -> None:
        """Acknowledge a message that this connection delivered; another one's ticket is ignored."""
        if ticket >> TICKET_SHIFT == self._number and not self.ended.done():
            self._client.ack(ticket & 0xFFFF, 1)

    # --- paho calls these ----------------------------------------------------------------------

    def _on_connect(
        self, _client: Any, _userdata: Any, flags: Any, reason: Any, properties: Any
    ) -> None:
        if reason.value == 0:
            available = getattr(properties, "SubscriptionIdentifierAvailable", 1)
            self._has_identifiers = self._has_identifiers and available == 1
            if not self._connack.done():
                self._connack.set_result(bool(flags.session_present))
            return
        why = REFUSALS.get(reason.value, f"the broker refused the connection: {reason}")
        wrong_protocol = reason.value == UNSUPPORTED_PROTOCOL
        self._end(Ended(why, is_refusal=not wrong_protocol, wrong_protocol=wrong_protocol))

    def _on_subscribe(
        self, _client: Any, _userdata: Any, packet_id: int, reasons: Any, _properties: Any
    ) -> None:
        filters, waiter = self._subacks.pop(packet_id, ([], None))
        if waiter is not None and not waiter.done():
            refused = [
                one
                for one, reason in zip(filters, reasons, strict=False)
                if reason.value >= FIRST_FAILURE
            ]
            waiter.set_result(refused)

    def _on_plain_publish(self, topic: str, payload: bytes, retain: bool, packet_id: int) -> None:
        ticket = self._number << TICKET_SHIFT | packet_id if packet_id else None
        self._inbox.append(Received(topic, payload, retain, ticket))

    def _on_message(self, _client: Any, _userdata: Any, message: MQTTMessage) -> None:
        ticket = self._number << TICKET_SHIFT | message.mid if message.qos else None
        try:
            topic = message.topic
        except UnicodeDecodeError:  # no filter of ours can mean it
            topic = ""
        identifiers = getattr(message.properties, "SubscriptionIdentifier", ())
        if not self._subscriptions.is_ours(topic, identifiers):
            topic = ""  # another copy is the one that counts; this one is only acknowledged
        self._inbox.append(Received(topic, bytes(message.payload), message.retain, ticket))

    def _on_disconnect(
        self, _client: Any, _userdata: Any, flags: Any, reason: Any, _properties: Any
    ) -> None:
        was_connected = self._connack.done()
        if flags.is_disconnect_packet_from_server:
            takeover = reason.value == SESSION_TAKEN_OVER
            ended = Ended(
                f"the broker ended the connection: {reason}", was_connected, is_takeover=takeover
            )
        else:
            error = self._socket.error if self._socket else None
            is_mute = error is None and reason.value == KEEP_ALIVE_TIMEOUT
            silence = (
                "the broker does not answer" if is_mute else "the broker closed the connection"
            )
            why = dial_problem(error) if error else silence
            ended = Ended(
                why,
                was_connected,
                is_refusal=isinstance(error, ssl.SSLError),
                is_silent=error is None and not is_mute,
                wrong_protocol=not was_connected and not isinstance(error, ssl.SSLError),
            )
        self._end(ended)
