"""One connection to the broker: paho on one side, the event loop on the other.

The only file that knows paho's client. A connection is used once: a new one is made after it has
ended, so that nothing of an old one (an acknowledgment, a half-read packet) can reach the next.
paho keeps its state and its packets; its own loop is not used, see `buffered`.
"""

from __future__ import annotations

import asyncio
import ssl
from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from kilopush_bridge.errors import ConnectError
from kilopush_bridge.model import Received
from kilopush_bridge.mqtt.buffered import BufferedSocket
from kilopush_bridge.mqtt.policy import Ended, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kilopush_bridge.config import Broker
    from kilopush_bridge.mqtt.subscriptions import Subscriptions

CONNECT_TIMEOUT_S = 10.0
KEEPALIVE_S = 30
HOUSEKEEPING_S = 5.0
SESSION_EXPIRY_S = 7 * 24 * 3600
RECEIVE_MAXIMUM = 200  # unacknowledged messages that the broker may have on the way to us

# Reason codes of MQTT 5, 2.4; paho translates the return codes of MQTT 3.1.1 to them.
UNSUPPORTED_PROTOCOL = 132
CLIENT_ID_NOT_VALID = 133
BAD_USER_NAME_OR_PASSWORD = 134
NOT_AUTHORIZED = 135
SESSION_TAKEN_OVER = 142
FIRST_FAILURE = 128
REFUSALS = {
    CLIENT_ID_NOT_VALID: "the broker refused the client id",
    BAD_USER_NAME_OR_PASSWORD: "the broker refused the user name or password",
    NOT_AUTHORIZED: "the broker refused us: user name, password or its access rules",
}

TICKET_SHIFT = 16  # packet ids are 16 bits; what is above names the connection


class _Client(paho.Client):
    """paho's client over a socket that is read in large pieces.

    `_create_socket` is paho's own hook for its transports; a test fails if it ever goes away.
    """

    def _create_socket(self) -> Any:
        return BufferedSocket(super()._create_socket())


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
        deliver: Callable[[list[Received]], None],
    ) -> None:
        self._broker = broker
        self._protocol = protocol
        self._number = number
        self._deliver = deliver
        self._loop = asyncio.get_running_loop()
        self._client = self._make_client(client_id)
        self._socket: BufferedSocket | None = None
        self._inbox: list[Received] = []
        self._connack: asyncio.Future[bool] = self._loop.create_future()
        self._subacks: dict[int, tuple[list[str], asyncio.Future[list[str]]]] = {}
        self._subscriptions: Subscriptions | None = None
        self._has_identifiers = protocol is Protocol.MQTT_5
        self._is_paused = False
        self._is_closing = False
        self.ended: asyncio.Future[Ended] = self._loop.create_future()

    # --- life ----------------------------------------------------------------------------------

    async def open(self) -> bool:
        """Connect; return whether the broker had kept our session.

        Raises:
            ConnectError: with what to tell the owner; `ended` is set as well.
        """
        try:
            await asyncio.wait_for(asyncio.to_thread(self._dial), CONNECT_TIMEOUT_S + 5)
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
        self._is_closing = True
        self._client.disconnect()
        for _ in range(20):
            if not self._client.want_write():
                break
            self._write()
            await asyncio.sleep(0.01)
        self._end(Ended("closed"))

    def _make_client(self, client_id: str) -> _Client:
        broker = self._broker
        is_old = self._protocol is Protocol.MQTT_3_1_1
        client = _Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=False if is_old else None,
            protocol=paho.MQTTv311 if is_old else paho.MQTTv5,
            transport="websockets" if broker.scheme in ("ws", "wss") else "tcp",
            reconnect_on_failure=False,
            manual_ack=True,
        )
        client.connect_timeout = CONNECT_TIMEOUT_S
        if broker.username is not None:
            client.username_pw_set(broker.username, broker.password)
        if broker.path:
            client.ws_set_options(path=broker.path)
        client.will_set(f"{broker.topic_prefix}/status", b"offline", qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        client.on_socket_close = self._on_socket_close
        client.on_socket_register_write = self._on_register_write
        client.on_socket_unregister_write = self._on_unregister_write
        return client

    def _dial(self) -> None:
        """Resolve, connect, shake hands and send CONNECT; blocking, in a thread of its own."""
        broker, client = self._broker, self._client
        if broker.is_tls:
            client.tls_set_context(tls_context(broker))
        properties = None
        if self._protocol is Protocol.MQTT_5:
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = SESSION_EXPIRY_S
            properties.ReceiveMaximum = RECEIVE_MAXIMUM
            client.connect(
                broker.host, broker.port, KEEPALIVE_S, clean_start=False, properties=properties
            )
        else:
            client.connect(broker.host, broker.port, KEEPALIVE_S)

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
            waiter.cancel()

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

    async def subscribe(self, subscriptions: Subscriptions) -> list[str]:
        """Subscribe at QoS 1, always with a replay; return the filters that the broker refused.

        QoS 1 and never 2: paho answers PUBREC on arrival, so a kill there would lose the message
        for good; brokers deliver QoS 2 publications as QoS 1 to such a subscription.
        """
        self._subscriptions = subscriptions
        if self._has_identifiers and subscriptions.has_overlaps:
            waiters = [
                self._subscribe([one], at) for at, one in enumerate(subscriptions.filters, 1)
            ]
        else:
            waiters = (
                [self._subscribe(list(subscriptions.filters), None)]
                if subscriptions.filters
                else []
            )
        refused = await asyncio.gather(*waiters)
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
        if packet_id is None:
            waiter.cancel()
        else:
            self._subacks[packet_id] = (filters, waiter)
        return waiter

    def unsubscribe(self, filters: Sequence[str]) -> None:
        """Take back subscriptions that the session still holds."""
        if filters and not self.ended.done():
            self._client.unsubscribe(list(filters))

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Publish at QoS 1; without a connection, nothing happens."""
        if not self.ended.done():
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

    def _on_message(self, _client: Any, _userdata: Any, message: paho.MQTTMessage) -> None:
        ticket = self._number << TICKET_SHIFT | message.mid if message.qos else None
        try:
            topic = message.topic
        except UnicodeDecodeError:  # no filter of ours can mean it
            topic = ""
        identifiers = getattr(message.properties, "SubscriptionIdentifier", ())
        if self._subscriptions is not None and not self._subscriptions.is_ours(topic, identifiers):
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
            why = dial_problem(error) if error else "the broker closed the connection"
            ended = Ended(
                why,
                was_connected,
                is_refusal=isinstance(error, ssl.SSLError),
                is_silent=error is None,
                wrong_protocol=not was_connected and not isinstance(error, ssl.SSLError),
            )
        self._end(ended)


def tls_context(broker: Broker) -> ssl.SSLContext:
    """Return a context that verifies the broker, and shows our certificate if there is one."""
    context = ssl.create_default_context(cafile=broker.ca_file)
    if broker.cert_file is not None:
        context.load_cert_chain(broker.cert_file, broker.key_file)
    return context


def dial_problem(error: BaseException) -> str:  # noqa: PLR0911  (one per kind of failure)
    """Return what a failed connection means to the owner."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the broker's certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        reason = (error.reason or str(error)).replace("_", " ").lower()
        if "certificate" in reason:
            return f"the broker refused the client certificate: {reason}"
        if "handshake failure" in reason:
            return f"no TLS connection: {reason} (a broker that wants a client certificate says so)"
        return f"no TLS connection: {reason}"
    if isinstance(error, TimeoutError):
        return f"no answer within {CONNECT_TIMEOUT_S:.0f} s"
    if isinstance(error, OSError):
        return error.strerror or str(error) or type(error).__name__
    return str(error)
