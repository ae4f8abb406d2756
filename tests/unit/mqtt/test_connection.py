"""One connection against a scripted broker: tickets, refusals, ends at every moment."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
import pytest

from kilopush_bridge.config.config import Broker
from kilopush_bridge.errors import ConnectError
from kilopush_bridge.mqtt import connection as connection_module
from kilopush_bridge.mqtt.connection import TICKET_SHIFT, Connection
from kilopush_bridge.mqtt.policy import Protocol
from kilopush_bridge.mqtt.session import Session
from kilopush_bridge.mqtt.subscriptions import Subscriptions, identifier_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from kilopush_bridge.model import Received

CONNACK = bytes([0x20, 3, 0, 0, 0])
RESUMED = bytes([0x20, 3, 1, 0, 0])


def publish(topic: str, packet_id: int, identifier: int | None = None) -> bytes:
    properties = b""
    if identifier is not None:
        properties = b"\x0b"
        while identifier > 127:
            properties += bytes([identifier & 127 | 128])
            identifier >>= 7
        properties += bytes([identifier])
    body = len(topic).to_bytes(2, "big") + topic.encode() + packet_id.to_bytes(2, "big")
    body += bytes([len(properties)]) + properties + b"x"
    return bytes([0x32, len(body)]) + body


class ScriptedBroker:
    """Accepts connections; `answer(packet)` gives the bytes to send, None to hang up."""

    def __init__(self) -> None:
        self.answer: Callable[[bytes], bytes | None] = self.accept
        self.received: list[bytes] = []
        self.closed = 0
        self.subscribes = 0

    def accept(self, packet: bytes) -> bytes | None:
        if packet[0] == 0x10:
            return CONNACK
        if packet[0] == 0x82:
            self.subscribes += 1
            return bytes([0x90, 4]) + packet[2:4] + b"\0\x01"
        return b""

    async def start(self) -> None:
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readexactly(2):
                packet = head + await reader.readexactly(head[1])
                self.received.append(packet)
                if (reply := self.answer(packet)) is None:
                    break
                writer.write(reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.closed += 1
            writer.close()


@pytest.fixture
async def broker() -> AsyncIterator[ScriptedBroker]:
    made = ScriptedBroker()
    await made.start()
    yield made
    made.server.close()


def connect(
    broker: ScriptedBroker,
    inbox: list[Received] | None = None,
    filters: tuple[str, ...] = ("a/+", "+/b"),
    number: int = 1,
) -> Connection:
    address = Broker("mqtt", "127.0.0.1", broker.port)
    deliver = (inbox if inbox is not None else []).extend
    return Connection(address, "test", Protocol.MQTT_5, number, Subscriptions(filters), deliver)


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(3):
        while not look():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


def test_pahos_hook_for_transports_is_still_there():
    assert callable(paho.Client._create_socket)


async def test_a_ticket_is_acknowledged_on_its_own_connection_only(broker: ScriptedBroker):
    inbox: list[Received] = []
    broker.answer = lambda packet: CONNACK + publish("a/x", 7) if packet[0] == 0x10 else b""
    connection = connect(broker, inbox, number=3)
    await connection.open()
    await until(lambda: inbox)
    assert inbox[0].ticket == 3 << TICKET_SHIFT | 7
    connection.acknowledge(2 << TICKET_SHIFT | 7)
    await asyncio.sleep(0.02)
    assert not [one for one in broker.received if one[0] == 0x40]
    connection.acknowledge(3 << TICKET_SHIFT | 7)
    await until(lambda: bytes([0x40, 2, 0, 7]) in broker.received)
    await connection.close()
    connection.acknowledge(3 << TICKET_SHIFT | 7)  # too late is harmless
    connection.publish("x", b"")


async def test_what_a_kept_session_sends_first_counts_once_too(broker: ScriptedBroker):
    inbox: list[Received] = []
    queued = publish("a/b", 1, identifier_of("a/+")) + publish("a/b", 2, identifier_of("+/b"))
    broker.answer = lambda packet: RESUMED + queued if packet[0] == 0x10 else b""
    connection = connect(broker, inbox)
    assert await connection.open()
    await until(lambda: len(inbox) == 2)
    assert [one.topic for one in inbox] == ["a/b", ""]
    assert all(one.ticket for one in inbox)  # both are acknowledged
    await connection.close()


async def test_a_connection_that_ends_during_subscribe_is_an_error_and_no_wait(
    broker: ScriptedBroker,
):
    broker.answer = lambda packet: None if packet[0] == 0x82 else broker.accept(packet)
    connection = connect(broker)
    await connection.open()
    async with asyncio.timeout(3):
        with pytest.raises(ConnectError):
            await connection.subscribe(Subscriptions(["a/+", "+/b"]))
    assert connection.ended.done()


async def test_a_connection_that_breaks_while_subscribe_is_sent_is_an_error_and_no_wait(
    broker: ScriptedBroker,
):
    connection = connect(broker)
    await connection.open()
    assert connection._socket is not None

    def broken(_data: bytes) -> int:
        raise BrokenPipeError

    connection._socket.send = broken  # type: ignore[method-assign, assignment]
    async with asyncio.timeout(3):
        with pytest.raises(ConnectError):
            await connection.subscribe(Subscriptions(["a/+", "+/b"]))


async def test_a_subscribe_without_an_answer_ends_the_connection(
    broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(connection_module, "SUBSCRIBE_TIMEOUT_S", 0.05)
    broker.answer = lambda packet: CONNACK if packet[0] == 0x10 else b""
    connection = connect(broker)
    await connection.open()
    with pytest.raises(ConnectError, match="did not answer SUBSCRIBE"):
        await connection.subscribe(Subscriptions(["a/+"]))
    assert connection.ended.result().was_connected


async def test_a_stop_while_dialling_leaves_no_connection_behind(
    broker: ScriptedBroker, monkeypatch: pytest.MonkeyPatch
):
    import threading

    go_on = threading.Event()
    original = socket.create_connection

    def slow(*args: object, **kwargs: object) -> object:
        go_on.wait(5)
        return original(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "create_connection", slow)
    connection = connect(broker)
    opening = asyncio.create_task(connection.open())
    await asyncio.sleep(0.05)
    opening.cancel()
    await asyncio.wait([opening])
    assert opening.cancelled()
    await connection.close()
    go_on.set()
    await until(lambda: broker.closed)


async def test_reading_stops_and_goes_on(broker: ScriptedBroker):
    inbox: list[Received] = []
    connection = connect(broker, inbox)
    await connection.open()
    connection.pause(True)
    broker.answer = lambda packet: publish("a/x", 1) if packet[0] == 0x30 | 2 else b""
    connection.publish("z", b"echo")
    await asyncio.sleep(0.05)
    assert inbox == []
    connection.pause(False)
    await until(lambda: inbox)
    await connection.close()


# --- the session around it -----------------------------------------------------------------------


def make_session(broker: ScriptedBroker, known: tuple[str, ...] = ()) -> Session:
    return Session(
        Broker("mqtt", "127.0.0.1", broker.port),
        "test",
        ["a/+", "+/b"],
        known,
        lambda _messages: None,
        lambda: None,
    )


async def test_a_stop_in_the_moment_in_which_the_broker_goes_is_still_a_stop(
    broker: ScriptedBroker,
):
    session = make_session(broker)
    running = asyncio.create_task(session.run())
    await until(lambda: session.is_online)
    assert session._connection is not None
    from kilopush_bridge.mqtt.policy import Ended

    session._connection._end(Ended("gone", was_connected=True))
    running.cancel()
    async with asyncio.timeout(3):
        await asyncio.wait([running])
    assert running.cancelled()


async def test_a_backlog_is_remembered_over_a_reconnect(broker: ScriptedBroker):
    session = make_session(broker)
    session.pause(True)
    running = asyncio.create_task(session.run())
    await until(lambda: session.is_online)
    assert session._connection is not None
    assert session._connection._is_paused
    session.pause(False)
    assert not session._connection._is_paused
    running.cancel()
    await asyncio.wait([running])
    await session.close()


async def test_a_filter_that_was_refused_is_asked_for_again_on_the_next_connection(
    broker: ScriptedBroker, caplog: pytest.LogCaptureFixture
):
    def refuse(packet: bytes) -> bytes | None:
        if packet[0] == 0x82:
            broker.subscribes += 1
            return bytes([0x90, 4]) + packet[2:4] + b"\0\x87"
        return broker.accept(packet)

    broker.answer = refuse
    session = make_session(broker)
    running = asyncio.create_task(session.run())
    await until(lambda: session.is_online)
    assert sorted(session.refused) == ["+/b", "a/+"]
    broker.answer = broker.accept
    assert session._connection is not None
    from kilopush_bridge.mqtt.policy import Ended

    session._connection._end(Ended("gone", was_connected=True))
    await until(lambda: session.is_online and not session.refused)
    assert len([one for one in caplog.records if "does not allow" in one.message]) == 2
    running.cancel()
    await asyncio.wait([running])
    await session.close()


async def test_what_is_no_longer_wanted_is_taken_back_after_the_new_is_in_place(
    broker: ScriptedBroker,
):
    broker.answer = lambda packet: RESUMED if packet[0] == 0x10 else broker.accept(packet)
    session = make_session(broker, known=("a/x", "+/b"))
    running = asyncio.create_task(session.run())
    await until(lambda: any(one[0] == 0xA2 for one in broker.received))
    kinds = [one[0] for one in broker.received]
    assert kinds.index(0xA2) > max(at for at, kind in enumerate(kinds) if kind == 0x82)
    (taken_back,) = (one for one in broker.received if one[0] == 0xA2)
    assert taken_back.endswith(b"\0\3a/x")
    assert list(session.filters) == ["+/b", "a/+"]
    running.cancel()
    await asyncio.wait([running])
    await session.close()
