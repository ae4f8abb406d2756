"""Promises of the protocol that a vector cannot say."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilopush_bridge.core import protocol
from kilopush_bridge.core.protocol import ProtocolError, Verdict, classify, encode

TO = "u_282c0a20f0520a152c89d8c0489426c0668ca495"
TOKEN = "c_5baa8b3d74852e1d6709f6068fbdd07fe1b73c2b"
SECRET = "4fc82b26aecb47d2868c4efbe3581732a3e7cbcc6c2efb32062c08170a05eeb8"

OUTCOMES = {
    protocol.SENT,
    protocol.QUOTA,
    protocol.OPTED_OUT,
    protocol.BLOCKED,
    protocol.FORBIDDEN,
    protocol.REJECTED,
    protocol.UNCLEAR,
}


@pytest.mark.parametrize(
    "values",
    [
        (TO[:-1], TOKEN, SECRET, "Water"),
        (TO, TOKEN + "0", SECRET, "Water"),
        (TO, TOKEN, SECRET[:-1], "Water"),
        (TO, TOKEN, SECRET, "Water " * 200),
        (TO, TOKEN, SECRET, "Water", "ftp://camera.lan/"),
    ],
)
def test_an_error_tells_nothing_of_what_was_sent(values):
    with pytest.raises(ProtocolError) as caught:
        encode(*values)
    told = str(caught.value)
    parts = [TO[:8], TOKEN[:8], SECRET[:8], "Water", "camera"]
    assert [part for part in parts if part in told] == []


@given(status=st.integers(), body=st.binary())
def test_whatever_comes_back_has_a_verdict(status, body):
    verdict = classify(status, body)
    assert verdict.outcome in OUTCOMES
    assert 0 < len(verdict.detail) <= 200


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(st.sampled_from(["response", "status", "message", "x"]), inner)
    ),
    max_leaves=8,
)


@given(status=st.sampled_from([200, 400, 500]), reply=JSON)
def test_no_shape_of_json_breaks_classify(status, reply):
    body = json.dumps(reply).encode()
    assert classify(status, body).outcome in OUTCOMES


@given(prefix=st.text(max_size=2500), secret=st.sampled_from([TO, TOKEN, SECRET]))
def test_no_reply_brings_a_secret_into_the_logs(prefix, secret):
    verdict = classify(400, f"{prefix} {secret}".encode("utf-8", "replace"))
    assert secret not in repr(verdict)


@pytest.mark.parametrize("buffer", [bytearray, memoryview])
def test_a_receive_buffer_is_read_like_bytes(buffer):
    body = b'{"response": {"status": 200}}'
    assert classify(200, buffer(body)) == classify(200, body)


def test_verdicts_are_values():
    verdict = Verdict(protocol.QUOTA, 4029, "exceeded")
    assert verdict == Verdict(protocol.QUOTA, 4029, "exceeded")
    assert len({verdict, Verdict(protocol.QUOTA, 4029, "exceeded")}) == 1
    assert verdict != Verdict(protocol.QUOTA, 429, "exceeded")
    assert verdict != protocol.QUOTA


def test_a_verdict_shows_all_it_holds():
    assert repr(Verdict(protocol.QUOTA, 4029, "it's")) == "Verdict('quota', 4029, \"it's\")"


def test_a_protocol_error_is_a_value_error():
    assert issubclass(ProtocolError, ValueError)
