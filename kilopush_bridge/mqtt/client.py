"""paho's client with two of its inner methods replaced, for speed.

Decoding an MQTT 5 PUBLISH takes paho longer than everything else that a message costs together:
it makes a table of all properties for each, mostly for none. `_handle_publish` decodes the plain
ones (QoS 0 or 1, no properties) and leaves all others, malformed ones included, to paho. Both
methods are paho's own, without a promise: its minor version is pinned, and tests compare what
arrives through either decoder.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from kilopush_bridge.mqtt.buffered import BufferedSocket
from kilopush_bridge.mqtt.dial import CONNECT_TIMEOUT_S, tls_context
from kilopush_bridge.mqtt.policy import Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from kilopush_bridge.config import Broker

    # topic, payload, retain, packet id (0 at QoS 0)
    OnPublish = Callable[[str, bytes, bool, int], None]

KEEPALIVE_S = 30
SESSION_EXPIRY_S = 7 * 24 * 3600
RECEIVE_MAXIMUM = 200  # unacknowledged messages that the broker may have on the way to us


class Client(paho.Client):
    """A client over a socket that is read in large pieces, which hands plain messages on directly.

    `on_plain_publish(topic, payload, retain, packet_id)` gets most messages; `on_message`, as in
    paho, those that only paho can decode.
    """

    def __init__(self, on_plain_publish: OnPublish, **options: Any) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, **options)
        self._on_plain_publish = on_plain_publish

    def _create_socket(self) -> Any:
        return BufferedSocket(super()._create_socket())

    def _handle_publish(self) -> MQTTErrorCode:
        command, packet = self._in_packet["command"], self._in_packet["packet"]
        qos, size = command >> 1 & 3, len(packet)
        # MQTT 5, 3.3.2: topic with its length, packet id at QoS 1, length of the properties
        topic_end = 2 + (packet[0] << 8 | packet[1]) if size > 2 else 2
        at = topic_end + 2 * (qos == 1)
        is_v5 = self._protocol == paho.MQTTv5
        if topic_end == 2 or qos > 1 or at + is_v5 > size or (is_v5 and packet[at]):
            return super()._handle_publish()
        try:
            topic = packet[2:topic_end].decode()
        except UnicodeDecodeError:
            return super()._handle_publish()
        packet_id = packet[topic_end] << 8 | packet[topic_end + 1] if qos else 0
        self._on_plain_publish(topic, bytes(packet[at + is_v5 :]), bool(command & 1), packet_id)
        return MQTTErrorCode.MQTT_ERR_SUCCESS


def make_client(
    broker: Broker, client_id: str, protocol: Protocol, on_plain_publish: OnPublish
) -> Client:
    """Return a client that is ready to dial; its callbacks are the caller's."""
    is_old = protocol is Protocol.MQTT_3_1_1
    client = Client(
        on_plain_publish,
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
    return client


def connect_blocking(client: Client, broker: Broker) -> None:
    """Resolve, connect, shake hands and send CONNECT, asking for a session that lasts."""
    if broker.is_tls:
        client.tls_set_context(tls_context(broker))
    if client.protocol != paho.MQTTv5:
        client.connect(broker.host, broker.port, KEEPALIVE_S)
        return
    properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
    properties.SessionExpiryInterval = SESSION_EXPIRY_S
    properties.ReceiveMaximum = RECEIVE_MAXIMUM
    client.connect(broker.host, broker.port, KEEPALIVE_S, clean_start=False, properties=properties)
