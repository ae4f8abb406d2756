"""A socket that is read in large pieces: nothing lost, nothing waited for, the reason kept."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import pytest

from kilopush_bridge.mqtt.buffered import READ_BYTES, BufferedSocket

if TYPE_CHECKING:
    from collections.abc import Iterable


class FakeSocket:
    """Gives what is scripted: bytes, b"" for the end, or an error to raise."""

    def __init__(self, script: Iterable[bytes | Exception], pending: int | None = None) -> None:
        self.script = list(script)
        self.sent: list[bytes | Exception] = []
        if pending is not None:
            self.pending = lambda: pending

    def recv(self, size: int) -> bytes:
        if not self.script:
            raise BlockingIOError
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        if len(step) > size:
            self.script.insert(0, step[size:])
        return step[:size]

    def send(self, data: bytes) -> int:
        raise self.sent.pop(0) if self.sent else AssertionError(data)  # type: ignore[misc]

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(name)


def drain(buffered: BufferedSocket, size: int = 7) -> bytes:
    received = b""
    while True:
        try:
            piece = buffered.recv(size)
        except BlockingIOError:
            return received
        if not piece:
            return received
        received += piece


def test_pieces_come_out_in_order_in_whatever_sizes_they_are_asked_for():
    buffered = BufferedSocket(FakeSocket([b"abc", b"defgh"]))
    assert not buffered.fill()
    assert (buffered.recv(1), buffered.recv(4), drain(buffered)) == (b"a", b"bcde", b"fgh")
    assert not buffered.has_news


def test_what_is_left_of_a_packet_stays_before_what_comes_next():
    socket = FakeSocket([b"abc"])
    buffered = BufferedSocket(socket)
    buffered.fill()
    buffered.recv(1)
    socket.script = [b"def"]
    buffered.fill()
    assert drain(buffered) == b"bcdef"


def test_a_flood_is_taken_in_bounded_pieces_and_says_that_there_is_more():
    buffered = BufferedSocket(FakeSocket([b"x" * (READ_BYTES * 2)]))
    assert buffered.fill()
    assert len(drain(buffered, READ_BYTES)) == READ_BYTES
    buffered.fill()
    assert len(drain(buffered, READ_BYTES)) == READ_BYTES


def test_what_tls_has_decrypted_and_no_selector_sees_counts_as_more():
    assert BufferedSocket(FakeSocket([b"a"], pending=5)).fill()
    assert not BufferedSocket(FakeSocket([b"a"], pending=0)).fill()


@pytest.mark.parametrize(
    "wait", [BlockingIOError(), ssl.SSLWantReadError(), ssl.SSLWantWriteError()]
)
def test_nothing_there_yet_is_no_error(wait: Exception):
    buffered = BufferedSocket(FakeSocket([wait]))
    assert not buffered.fill()
    assert not buffered.has_news
    with pytest.raises(BlockingIOError):
        buffered.recv(1)


def test_bytes_before_the_end_are_read_before_the_end():
    buffered = BufferedSocket(FakeSocket([b"ab", b""]))
    buffered.fill()
    assert (drain(buffered), buffered.has_news, buffered.recv(1)) == (b"ab", True, b"")


def test_bytes_before_an_error_are_read_before_the_error_and_the_reason_is_kept():
    error = ConnectionResetError("reset")
    buffered = BufferedSocket(FakeSocket([b"ab", error]))
    buffered.fill()
    assert (buffered.recv(9), buffered.error) == (b"ab", error)
    with pytest.raises(ConnectionResetError):
        buffered.recv(1)


@pytest.mark.parametrize("wait", [BlockingIOError(), ssl.SSLWantWriteError()])
def test_a_full_network_is_no_error(wait: Exception):
    socket = FakeSocket([])
    socket.sent = [wait]
    with pytest.raises(BlockingIOError):
        BufferedSocket(socket).send(b"x")


def test_the_reason_why_sending_failed_is_what_the_other_side_said():
    alert = ssl.SSLError(1, "certificate required")
    socket = FakeSocket([alert])
    socket.sent = [BrokenPipeError()]
    buffered = BufferedSocket(socket)
    with pytest.raises(BrokenPipeError):
        buffered.send(b"x")
    assert buffered.error is alert
