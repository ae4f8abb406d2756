"""The quick decoder of PUBLISH says exactly what paho's says, or leaves the packet to paho."""

from __future__ import annotations

from typing import Any

import paho.mqtt.client as paho
import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from kilopush_bridge.mqtt.client import Client

PROTOCOLS = (paho.MQTTv311, paho.MQTTv5)


def decode(command: int, packet: bytes, protocol: int) -> tuple[list[Any], list[Any]]:
    """Return what the quick decoder handed on, and what paho handed to `on_message`."""
    plain: list[Any] = []
    by_paho: list[Any] = []
    client = Client(
        lambda *message: plain.append(message), client_id="x", protocol=protocol, manual_ack=True
    )
    client.on_message = lambda _c, _u, message: by_paho.append(
        (message.topic, bytes(message.payload), bool(message.retain), message.mid)
    )
    client._in_packet["command"] = command
    client._in_packet["packet"] = bytearray(packet)
    try:
        client._handle_publish()
    except Exception as error:  # noqa: BLE001  (what paho raises for malformed packets is its own)
        by_paho.append(type(error).__name__)
    return plain, by_paho


def by_paho_alone(command: int, packet: bytes, protocol: int) -> list[Any]:
    class Plain(Client):
        _handle_publish = paho.Client._handle_publish

    found: list[Any] = []
    client = Plain(lambda *_: None, client_id="x", protocol=protocol, manual_ack=True)
    client.on_message = lambda _c, _u, message: found.append(
        (message.topic, bytes(message.payload), bool(message.retain), message.mid)
    )
    client._in_packet["command"] = command
    client._in_packet["packet"] = bytearray(packet)
    try:
        client._handle_publish()
    except Exception as error:  # noqa: BLE001
        found.append(type(error).__name__)
    return found


def publish(topic: bytes, payload: bytes, packet_id: int | None, properties: bytes) -> bytes:
    number = packet_id.to_bytes(2, "big") if packet_id is not None else b""
    return len(topic).to_bytes(2, "big") + topic + number + properties + payload


@given(
    st.text(min_size=1, max_size=40).filter(lambda text: "\0" not in text),
    st.binary(max_size=200),
    st.booleans(),
    st.one_of(st.none(), st.integers(1, 65_535)),
    st.sampled_from(PROTOCOLS),
)
def test_a_plain_message_is_decoded_as_paho_decodes_it(
    topic: str, payload: bytes, retain: bool, packet_id: int | None, protocol: int
):
    command = 0x30 | (2 if packet_id is not None else 0) | retain
    properties = b"\0" if protocol == paho.MQTTv5 else b""
    packet = publish(topic.encode(), payload, packet_id, properties)
    plain, by_paho = decode(command, packet, protocol)
    assert plain == [(topic, payload, retain, packet_id or 0)]
    assert not by_paho
    assert by_paho_alone(command, packet, protocol) == plain


@given(st.integers(0, 15), st.binary(max_size=60), st.sampled_from(PROTOCOLS))
def test_any_bytes_are_decoded_as_paho_decodes_them(flags: int, packet: bytes, protocol: int):
    plain, by_paho = decode(0x30 | flags, packet, protocol)
    alone = by_paho_alone(0x30 | flags, packet, protocol)
    assert plain + by_paho == alone


@pytest.mark.parametrize("name", ["SubscriptionIdentifier", "MessageExpiryInterval"])
def test_a_message_with_properties_is_left_to_paho(name: str):
    properties = Properties(PacketTypes.PUBLISH)
    setattr(properties, name, 5)
    packet = publish(b"a/b", b"payload", 7, properties.pack())
    plain, by_paho = decode(0x32, packet, paho.MQTTv5)
    assert not plain
    assert by_paho == [("a/b", b"payload", False, 7)]


def test_qos_2_is_left_to_paho():
    plain, _ = decode(0x34, publish(b"a", b"x", 3, b"\0"), paho.MQTTv5)
    assert not plain
