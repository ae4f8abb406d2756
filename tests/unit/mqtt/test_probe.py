"""A look at a broker: every way to be welcome, refused or ignored, in bounded time."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from typing import TYPE_CHECKING

import pytest

from kilopush_bridge.config import Broker
from kilopush_bridge.mqtt.probe import Answer, look_at, look_at_all

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONNECT, SUBSCRIBE = 0x10, 0x82
WELCOME_5 = bytes([0x20, 3, 0, 0, 0])
WELCOME_3 = bytes([0x20, 2, 0, 0])
PUBLISHED = b"\x30\x09\x00\x03a/b\x00new"


@pytest.fixture
def serve() -> Iterator[Callable[[Callable[[bytes], bytes | None]], Broker]]:
    """Run a broker that answers packets as told: bytes to send, None to hang up."""
    servers = []

    def start(answer: Callable[[bytes], bytes | None]) -> Broker:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)
        threading.Thread(target=accept, args=(server, answer), daemon=True).start()
        return Broker("mqtt", "127.0.0.1", server.getsockname()[1])

    def accept(server: socket.socket, answer: Callable[[bytes], bytes | None]) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                with connection:
                    talk(connection, answer)

    def talk(connection: socket.socket, answer: Callable[[bytes], bytes | None]) -> None:
        with contextlib.suppress(OSError):
            while (packet := connection.recv(4096)) and (reply := answer(packet)) is not None:
                connection.sendall(reply)

    yield start
    for server in servers:
        server.close()


def speaks_5(packet: bytes) -> bool:
    return packet[8] == 5


def test_a_broker_that_lets_us_in_is_listened_to(serve):
    seen = []

    def answer(packet: bytes) -> bytes:
        seen.append(packet)
        suback = bytes([0x90, 4]) + packet[2:4] + b"\0\0"
        return {CONNECT: WELCOME_5, SUBSCRIBE: suback + PUBLISHED}.get(packet[0], b"")

    look = look_at(serve(answer), 5, ["a/+"], 0.3)
    assert (look.answer, look.heard) == (Answer.WELCOME, (("a/b", b"new"),))
    assert seen[0][9] & 0b110 == 0b010  # a clean start, and no will


def test_a_broker_that_only_speaks_the_old_protocol_is_welcome_too(serve):
    broker = serve(lambda packet: None if packet[0] == CONNECT and speaks_5(packet) else WELCOME_3)
    assert look_at(broker, 5).answer is Answer.WELCOME


@pytest.mark.parametrize("reason", [134, 135])
def test_a_broker_that_wants_a_login_says_so(serve, reason):
    assert look_at(serve(lambda _: bytes([0x20, 3, 0, reason, 0])), 5).answer is Answer.LOGIN


def test_a_broker_may_refuse_for_another_reason(serve):
    look = look_at(serve(lambda _: bytes([0x20, 3, 0, 138, 0])), 5)
    assert look.answer is Answer.REFUSED
    assert "Banned" in look.why


def test_who_hangs_up_or_says_nothing_is_no_broker(serve):
    started_s = time.monotonic()
    looks = look_at_all([serve(lambda _: None), serve(lambda _: b"")], 0.5)
    assert [look.answer for look in looks] == [Answer.NONE, Answer.NONE]
    assert looks[0].why == "it does not answer as an MQTT broker does"
    assert time.monotonic() - started_s < 2


def test_a_closed_port_and_an_unknown_name_are_told_at_once():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    closed = Broker("mqtt", "127.0.0.1", port)
    unknown = Broker("mqtt", "no..name", 1883)
    looks = look_at_all([closed, unknown], 5)
    assert looks[0].why == "Connection refused"
    assert [look.answer for look in looks] == [Answer.NONE, Answer.NONE]
    assert [look.broker for look in looks] == [closed, unknown]
