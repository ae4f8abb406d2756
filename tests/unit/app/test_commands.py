"""What is asked for over `kilopush/ack` and `kilopush/snooze`."""

from __future__ import annotations

import pytest

from kilopush_bridge.app.commands import parse_command, until_of
from kilopush_bridge.app.requests import RequestError
from kilopush_bridge.model import Received
from kilopush_bridge.outbox.commands import Command

NOW_S = 1_000.0


@pytest.mark.parametrize(
    ("word", "payload", "command"),
    [
        ("ack", b"water leak", Command("ack", "water leak")),
        ("ack", b'{"rule": "water leak"}', Command("ack", "water leak")),
        ("ack", b'{"rule": "a", "key": "k"}', Command("ack", "a", "k")),
        ("ack", b'{"rule": "a", "key": 7}', Command("ack", "a", "7")),
        ("snooze", b"water leak 2h", Command("snooze", "water leak", until_s=NOW_S + 7200)),
        ("snooze", b"water leak 0", Command("snooze", "water leak")),
        ("snooze", b'{"rule": "a", "for": "30m"}', Command("snooze", "a", until_s=NOW_S + 1800)),
        ("snooze", b'{"rule": "a", "for": 0}', Command("snooze", "a")),
    ],
)
def test_what_is_asked_for(word: str, payload: bytes, command: Command):
    assert parse_command(word, Received("t", payload), NOW_S) == command


@pytest.mark.parametrize(
    ("word", "payload", "why"),
    [
        ("ack", b"\xff", "neither text nor JSON"),
        ("ack", b"{", "neither text nor JSON"),
        ("ack", b'{"for": "2h"}', "`for` is no field"),
        ("snooze", b'{"rule": "a"}', "no time to snooze"),
        ("snooze", b"water leak", "no time to snooze"),
        ("snooze", b"x" * 20_000, "the most is"),
    ],
)
def test_what_is_malformed_is_refused(word: str, payload: bytes, why: str):
    with pytest.raises(RequestError, match=why):
        parse_command(word, Received("t", payload), NOW_S)


def test_a_retained_command_is_refused():
    with pytest.raises(RequestError, match="it is retained"):
        parse_command("ack", Received("t", b"x", retain=True), NOW_S)


@pytest.mark.parametrize("text", ["", "2", "soon", "-1h", "31d", "0s", "1e9d"])
def test_what_is_no_time_to_snooze(text: str):
    with pytest.raises(RequestError, match="no time to snooze"):
        until_of(text, NOW_S)
