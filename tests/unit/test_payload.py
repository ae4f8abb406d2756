"""From bytes to values: whatever a device or a stranger publishes."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilopush_bridge.expressions import UNKNOWN
from kilopush_bridge.payload import PAYLOAD_MAX_BYTES, payload_text, read_payload


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b'{"contact": false}', {"contact": False}),
        (b"[1, 2]", [1, 2]),
        (b"21.4", 21.4),
        (b"-3", -3),
        (b"true", True),
        (b"null", None),
        (b'"quoted"', "quoted"),
        (b' \r\n{"a": 1}\n', {"a": 1}),
        (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
        (b"\xef\xbb\xbfonline", "online"),
        (b'{"a": 1, "a": 2}', {"a": 2}),
        (b"", ""),
        (b"online", "online"),
        (b"offline", "offline"),
        (b"tamper detected", "tamper detected"),
        (b"nan", "nan"),
        (b"-Infinity", "-Infinity"),
        (b"1e999", "1e999"),
        (b"12:30", "12:30"),
        (b"+5", "+5"),
        (b"{not json", "{not json"),
        ("größer".encode(), "größer"),
        (b"18446744073709551616", 18446744073709551616.0),
    ],
)
def test_a_payload_is_json_or_text(payload: bytes, value: Any):
    assert read_payload(payload) == value
    assert type(read_payload(payload)) is type(value)


@pytest.mark.parametrize(
    ("payload", "value"),
    [
        (b'{"temperature": NaN, "smoke": true}', {"temperature": None, "smoke": True}),
        (b'{"t": -Infinity, "smoke": true}', {"t": None, "smoke": True}),
        (b'{"t": 1e999, "smoke": true}', {"t": None, "smoke": True}),
        (rb'{"name": "Bad \ud83d", "smoke": true}', {"name": "Bad ?", "smoke": True}),
        (b"[NaN, 36893488147419103232]", [None, 2.0**65]),
    ],
)
def test_json_as_python_writes_it_does_not_hide_the_alarm(payload: bytes, value: Any):
    assert read_payload(payload) == value


@pytest.mark.parametrize(
    "payload",
    [
        b"\xff\xfe",
        b"\x89PNG\r\n",
        b'{"a": "\xff"}',
        b"\xed\xa0\x80",
        b"{" * (PAYLOAD_MAX_BYTES + 1),
    ],
)
def test_what_is_no_text_or_too_long_is_unknown(payload: bytes):
    assert read_payload(payload) is UNKNOWN


@pytest.mark.parametrize(
    "payload",
    [
        b"[" * PAYLOAD_MAX_BYTES,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
        b"[NaN" + b",[" * 50_000,
        b"[NaN," + b"[" * 3000 + b"]" * 3001,
        b"[NaN, " + b"9" * 200_000 + b"]",
        b"9" * PAYLOAD_MAX_BYTES,
        b'"' + b"\\" * 1000,
    ],
)
def test_json_that_no_parser_takes_is_text(payload: bytes):
    assert read_payload(payload) == payload.decode()


@given(st.binary(max_size=200) | st.text('{}[]",:NaInf\\ud8 019.e-', max_size=60).map(str.encode))
def test_no_bytes_raise_and_no_value_holds_half_a_character(payload: bytes):
    value = read_payload(payload)
    assert value is UNKNOWN or orjson.dumps(value) is not None


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        (b"short", "short"),
        (b"", ""),
        (b"exactly 10", "exactly 10"),
        (b"more than ten", "more than…"),
        (b"  two\n lines\0 ", "two  lines"),
        (b"\xff\xfe\x00", "\ufffd\ufffd"),
        ("💧💧💧💧💧💧💧💧💧💧💧💧".encode(), "💧💧💧💧💧💧💧💧💧…"),
        ("a\u202eb".encode(), "a b"),
    ],
)
def test_the_start_of_a_payload_is_shown_whatever_it_holds(payload: bytes, text: str):
    assert payload_text(payload, 10) == text
