"""MQTT 3.1.1 as bytes: the load generator must be faster than what it measures."""

from __future__ import annotations

import socket
import struct
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

DISCONNECT = b"\xe0\0"
READ_BYTES = 1 << 16


def connect(port: int, client_id: str) -> socket.socket:
    """Return a connection that the broker has accepted."""
    connection = socket.create_connection(("127.0.0.1", port))
    connection.sendall(_connect_packet(client_id))
    reply = connection.recv(4)
    if reply[3:4] != b"\0":
        raise ConnectionError(f"the broker answered {reply!r}")
    return connection


def blast(port: int, packets: bytes) -> float:
    """Send everything as fast as the broker takes it; return when that began."""
    with connect(port, "generator") as connection:
        began_s = time.time()
        connection.sendall(packets)
        return began_s


def pace(port: int, client_id: str, packets: Sequence[bytes], per_s: float) -> list[float]:
    """Send packets at a steady rate, infinite at most; return when each was sent.

    The times are planned, not counted from the packet before: a slow reply delays nobody.
    """
    sent_s: list[float] = []
    with connect(port, client_id) as connection:
        began_s = time.time()
        for number, packet in enumerate(packets):
            time.sleep(max(0.0, began_s + number / per_s - time.time()))
            sent_s.append(time.time())
            connection.sendall(packet)
        connection.sendall(DISCONNECT)
        while connection.recv(READ_BYTES):  # with an answer unread, closing would break it off
            pass
    return sent_s


def publish_packet(topic: str, payload: bytes, packet_id: int | None = None) -> bytes:
    """Return a PUBLISH at QoS 0, or at QoS 1 with a packet id."""
    if packet_id is None:
        return _packet(0x30, _text(topic) + payload)
    return _packet(0x32, _text(topic) + struct.pack("!H", packet_id) + payload)


def subscribe_packet(topic_filter: str) -> bytes:
    """Return a SUBSCRIBE at QoS 1."""
    return _packet(0x82, struct.pack("!H", 1) + _text(topic_filter) + b"\x01")


def _connect_packet(client_id: str) -> bytes:
    return _packet(0x10, _text("MQTT") + bytes([4, 2, 0, 60]) + _text(client_id))


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("!H", len(data)) + data


def _packet(first: int, body: bytes) -> bytes:
    size, head = len(body), bytearray([first])
    while True:
        size, digit = divmod(size, 128)
        head.append(digit | (0x80 if size else 0))
        if not size:
            return bytes(head) + body
