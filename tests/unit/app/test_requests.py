"""What other programs may ask for, field by field, and how often."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kilopush_bridge.app.requests import (
    SENDERS_MAX,
    Request,
    RequestError,
    Senders,
    parse_request,
    request_message,
)
from kilopush_bridge.config import Grant
from kilopush_bridge.model import Priority, Received

if TYPE_CHECKING:
    from collections.abc import Callable

    from kilopush_bridge.config import Config
    from kilopush_bridge.model import Message

NOW_S = 1_000_000.0
PER_HOUR = 60  # without a grant


def asked(**fields: Any) -> bytes:
    return json.dumps({"message": "hi", **fields}).encode()


@pytest.mark.parametrize(
    ("payload", "request_"),
    [
        (b"hello", Request("hello")),
        (b"  hello {{ x }} \n", Request("hello {{ x }}")),
        (b"[1, 2]", Request("[1, 2]")),  # only an object is a request in JSON
        (asked(), Request("hi")),
        (asked(to="me"), Request("hi", to=("me",))),
        (asked(to=["me", "anna"]), Request("hi", to=("me", "anna"))),
        (asked(priority="HIGH"), Request("hi", priority=Priority.HIGH)),
        (asked(priority="digest"), Request("hi", priority=Priority.DIGEST)),
        (asked(url="https://e.org"), Request("hi", url="https://e.org")),
        (asked(url=""), Request("hi")),
        (asked(silent=True), Request("hi", silent=True)),
        (asked(silent="1"), Request("hi", silent=True)),
        (asked(silent="0"), Request("hi")),
        (asked(key="k" * 999), Request("hi", key="k" * 200)),
        (asked(channel="home", id="a-1._B"), Request("hi", channel="home", id="a-1._B")),
        (asked(message="x" * 9999), Request("x" * 4000)),
    ],
)
def test_what_is_understood(payload: bytes, request_: Request):
    assert parse_request(payload) == request_


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        (b"", "not empty"),
        (b"   ", "not empty"),
        (b"\xff", "not UTF-8"),
        (b"{", "starts like JSON"),
        (b"{}", "`message`"),
        (b"x" * 20_000, "the most is"),
        (asked(message=5), "`message`"),
        (asked(text="x"), "`text` is no field"),
        (asked(to=5), "`to` must be"),
        (asked(to=[5]), "`to` must be"),
        (asked(priority="urgent"), "must be one of critical, high, normal, low, digest"),
        (asked(priority=1), "must be one of"),
        (asked(url="javascript:1"), "http:// or https://"),
        (asked(url=["https://e.org"]), "http:// or https://"),
        (asked(silent="yes"), "`silent`"),
        (asked(silent=[]), "`silent`"),
        (asked(key=1), "`key`"),
        (asked(channel=1), "`channel`"),
        (asked(id=""), "`id`"),
        (asked(id="x" * 65), "`id`"),
        (asked(id="a/b"), "`id`"),
        (asked(id="+"), "`id`"),
        (asked(id=1), "`id`"),
    ],
)
def test_what_is_refused_and_why(payload: bytes, why: str):
    with pytest.raises(RequestError, match=why):
        parse_request(payload)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)
FIELDS = st.sampled_from(
    ["message", "to", "priority", "url", "silent", "key", "channel", "id", "other"]
)


@given(
    st.binary(max_size=40) | st.dictionaries(FIELDS, JSON).map(lambda one: json.dumps(one).encode())
)
# slow in a fresh checkout only, where Hypothesis first makes its table of all characters
@settings(suppress_health_check=[HealthCheck.too_slow])
def test_no_payload_does_more_than_be_refused(payload: bytes):
    try:
        request = parse_request(payload)
    except RequestError:
        return
    assert request.text.strip()


@pytest.mark.parametrize(
    ("request_", "to", "priority"),
    [
        (Request("hi"), ("me",), Priority.NORMAL),
        (Request("hi", to=("family", "me")), ("me", "anna"), Priority.NORMAL),
        (Request("hi", priority=Priority.CRITICAL), ("me",), Priority.HIGH),
        (Request("hi", priority=Priority.LOW), ("me",), Priority.LOW),
        (Request("hi", priority=Priority.DIGEST), ("me",), Priority.DIGEST),
    ],
)
def test_groups_are_resolved_once_and_a_priority_that_is_too_high_is_lowered(
    config: Config, request_: Request, to: tuple[str, ...], priority: Priority
):
    message = request_message(request_, config, "send", "door", NOW_S, Priority.HIGH)
    assert (set(message.to), len(message.to)) == (set(to), len(to))
    assert message.priority is priority
    assert message.silent is (priority is Priority.LOW)


@pytest.mark.parametrize(
    ("request_", "key"),
    [
        (Request("water"), "water"),
        (Request("smoke"), "smoke"),
        (Request("smoke", key="kitchen"), "kitchen"),
        (Request("x" * 4000), "x" * 200),
    ],
)
def test_a_request_without_a_key_has_its_text_for_one(config: Config, request_: Request, key: str):
    message = request_message(request_, config, "send", "door", NOW_S, Priority.HIGH)
    assert message.key == key


def test_nobody_can_be_reached_who_is_not_in_the_configuration(
    config: Config, make_config: Callable[..., Config]
):
    for request, why in (
        (Request("hi", to=("u_" + "1" * 40,)), "no person or group"),
        (Request("hi", channel="other"), "no channel"),
    ):
        with pytest.raises(RequestError, match=why):
            request_message(request, config, "send", "door", NOW_S, Priority.HIGH)
    with pytest.raises(RequestError, match="names nobody"):
        request_message(
            Request("hi"), make_config(default_to=()), "send", "door", NOW_S, Priority.HIGH
        )


# --- how often -----------------------------------------------------------------------------------


def ask(
    senders: Senders,
    sender: str = "door",
    now_s: float = NOW_S,
    payload: bytes = b"hi",
    **changes: Any,
) -> Message:
    return senders.message(sender, Received("kilopush/send/" + sender, payload, **changes), now_s)


def test_sixty_an_hour_each_and_refused_ones_do_not_count(config: Config):
    senders = Senders(config)
    with pytest.raises(RequestError, match="retained"):
        ask(senders, retain=True)
    for _ in range(PER_HOUR):
        ask(senders)
    with pytest.raises(RequestError, match="more than 60"):
        ask(senders)
    ask(senders, "other")
    ask(senders, now_s=NOW_S + 3600)


def test_a_clock_that_is_set_back_locks_nobody_out(config: Config):
    senders = Senders(config)
    for _ in range(PER_HOUR):
        ask(senders)
    ask(senders, now_s=NOW_S - 30 * 86_400)


def test_made_up_names_do_not_fill_the_memory(config: Config):
    senders = Senders(config)
    for number in range(SENDERS_MAX):
        ask(senders, f"n{number}")
    with pytest.raises(RequestError, match="senders in an hour"):
        ask(senders, "one more")
    ask(senders, "n1")  # who is known goes on
    ask(senders, "one more", now_s=NOW_S + 3700)
    assert len(senders._times) <= 2


# --- grants --------------------------------------------------------------------------------------

CRITICAL = asked(priority="critical")


@pytest.mark.parametrize(
    ("sender", "priority"),
    [
        ("panel", Priority.CRITICAL),
        ("bell", Priority.LOW),
        ("door", Priority.HIGH),  # nobody's grant
        ("Panel", Priority.HIGH),
    ],
)
def test_the_highest_priority_is_that_of_the_grant(
    make_config: Callable[..., Config], sender: str, priority: Priority
):
    senders = Senders(
        make_config(grants={"panel": Grant(Priority.CRITICAL), "bell": Grant(Priority.LOW)})
    )
    assert ask(senders, sender, payload=CRITICAL).priority is priority


def test_a_grant_says_how_often(make_config: Callable[..., Config]):
    senders = Senders(make_config(grants={"bell": Grant(per_hour=2)}))
    ask(senders, "bell")
    ask(senders, "bell")
    with pytest.raises(RequestError, match="more than 2 in an hour"):
        ask(senders, "bell")
    ask(senders, "bell", now_s=NOW_S + 3600)


def test_criticals_and_other_requests_have_room_of_their_own(make_config: Callable[..., Config]):
    senders = Senders(make_config(grants={"panel": Grant(Priority.CRITICAL, per_hour=2)}))
    ask(senders, "panel")
    ask(senders, "panel")
    with pytest.raises(RequestError, match="more than 2 in an hour"):
        ask(senders, "panel")
    ask(senders, "panel", payload=CRITICAL)
    ask(senders, "panel", payload=CRITICAL)
    with pytest.raises(RequestError, match="more than 2 critical ones in an hour"):
        ask(senders, "panel", payload=CRITICAL)


def test_critical_requests_without_a_grant_have_no_room_of_their_own(config: Config):
    senders = Senders(config)
    for _ in range(PER_HOUR):
        ask(senders)
    with pytest.raises(RequestError, match="more than 60 in an hour"):
        ask(senders, payload=CRITICAL)


def test_made_up_names_do_not_shut_out_who_has_a_grant(make_config: Callable[..., Config]):
    senders = Senders(make_config(grants={"panel": Grant(Priority.CRITICAL)}))
    for number in range(SENDERS_MAX):
        ask(senders, f"n{number}")
    assert ask(senders, "panel", payload=CRITICAL).is_critical
    ask(senders, "panel")
    with pytest.raises(RequestError, match="senders in an hour"):
        ask(senders, "one more")
