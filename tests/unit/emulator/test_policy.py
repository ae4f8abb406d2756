"""The emulator's reading of the KILO.Push API document, as tables."""

import json
from dataclasses import replace
from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import pytest

from kilopush_bridge.emulator.policy import (
    Status,
    count_today,
    has_valid_values,
    is_counted,
    judge,
    read_fields,
    to_reply,
)
from kilopush_bridge.emulator.world import World

USER = "u_" + "1a" * 20
CHANNEL = "c_" + "2b" * 20
SECRET = "3c" * 32
SEND = {"to": USER, "token": CHANNEL, "secret": SECRET, "message": "Water in the cellar"}
NOW_S = 1_700_000_000.0
OPEN = World()


def send(**changes: object) -> dict[str, object]:
    """A valid request with changes; None takes a key away."""
    return {key: value for key, value in (SEND | changes).items() if value is not None}


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "Application/JSON ;charset=UTF-8"],
)
def test_json_is_read_whatever_the_spelling_of_its_content_type(content_type):
    assert read_fields(content_type, json.dumps(SEND).encode()) == SEND


def test_a_form_is_read_with_its_empty_values_and_its_unicode():
    fields = send(message="é 💧 & = +", url="")
    assert read_fields("application/x-www-form-urlencoded", urlencode(fields).encode()) == fields


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("", b"{}"),
        ("text/plain", b"{}"),
        ("multipart/form-data", b"{}"),
        ("application/json", b""),
        ("application/json", b"{"),
        ("application/json", b"[]"),
        ("application/json", b'"text"'),
        ("application/json", b'{"to": "\xff"}'),
        ("application/json", b"[" * 100_000),
        ("application/json", b"1" * 10_000),
        ("application/x-www-form-urlencoded", b"no equals sign"),
        ("application/x-www-form-urlencoded", b"message=%FF"),
    ],
)
def test_what_cannot_be_read_is_4000(content_type, body):
    assert judge(OPEN, read_fields(content_type, body), [], NOW_S) == Status.INVALID_HEADERS


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"to": "u_" + "zZ9xY" * 8},
        {"url": "https://example.com/a?b=c#d"},
        {"url": "HTTP://example.com"},
        {"silent": "0"},
        {"silent": "1"},
        {"message": "x" * 1000},
        {"message": "💧" * 500},
        {"message": "line\nline"},
        {"message": "x" * 981, "url": "http://example.com/"},  # 981 + 19
        {"unknown": 5},
    ],
)
def test_good_values_are_sent(changes):
    assert judge(OPEN, send(**changes), [], NOW_S) == Status.SENT


@pytest.mark.parametrize(
    "changes",
    [
        *({key: None} for key in SEND),
        *({key: ""} for key in SEND),
        *({key: 5} for key in SEND),
        {"to": CHANNEL},
        {"to": USER + "0"},
        {"to": USER + "\n"},
        {"to": "u_" + "é" * 40},
        {"token": USER},
        {"token": CHANNEL[:-1]},
        {"secret": SECRET[:-1]},
        {"secret": SECRET[:-1] + "-"},
        {"message": ["text"]},
        {"message": "x" * 1001},
        {"message": "💧" * 500 + "x"},  # 1001 UTF-16 units
        {"message": "half an emoji: \ud83d"},
        {"message": "x" * 982, "url": "http://example.com/"},  # 982 + 19
        {"url": ""},
        {"url": "example.com"},
        {"url": "ftp://example.com"},
        {"url": "https://"},
        {"url": "https:///path"},
        {"url": "https://example.com/a b"},
        {"url": ["https://example.com"]},
        {"silent": ""},
        {"silent": "2"},
        {"silent": "true"},
        {"silent": True},
        {"silent": 1},
    ],
)
def test_bad_values_are_4005(changes):
    assert judge(OPEN, send(**changes), [], NOW_S) == Status.INVALID_VALUES


@pytest.mark.parametrize(
    ("world", "message", "url", "fits"),
    [
        (World(count_in="utf16"), "💧" * 501, "", False),
        (World(count_in="code_points"), "💧" * 1000, "", True),
        (World(count_in="code_points"), "💧" * 1001, "", False),
        (World(count_url="apart"), "x" * 1000, "http://" + "y" * 993, True),
        (World(count_url="apart"), "x" * 1000, "http://" + "y" * 994, False),
        (World(count_url="apart"), "x" * 1001, "http://y", False),
        (World(text_limit=10), "x" * 10, "", True),
        (World(text_limit=10), "x" * 11, "", False),
    ],
)
def test_how_1000_is_counted_can_be_chosen(world, message, url, fits):
    assert has_valid_values(world, send(message=message, url=url or None)) is fits


@pytest.mark.parametrize(
    ("world", "status"),
    [
        (World(channels={CHANNEL: SECRET}), Status.SENT),
        (World(channels={CHANNEL: "4d" * 32}), Status.FORBIDDEN),
        (World(channels={}), Status.FORBIDDEN),
        (World(users=frozenset({USER})), Status.SENT),
        (World(users=frozenset()), Status.BLOCKED),
        (World(blocked=frozenset({USER})), Status.BLOCKED),
        (World(blocked=frozenset({CHANNEL})), Status.BLOCKED),
        (World(blacklist=frozenset({(USER, CHANNEL)})), Status.BLACKLISTED),
        (World(blacklist=frozenset({(USER, "c_" + "0" * 40)})), Status.SENT),
        (World(per_day=0), Status.QUOTA_EXCEEDED),
        (World(per_day=None), Status.SENT),
    ],
)
def test_rights_recipient_and_quota_are_checked(world, status):
    assert judge(world, SEND, [], NOW_S) == status


def test_the_order_is_header_shape_rights_recipient_quota():
    worst = World(
        channels={},
        blocked=frozenset({USER}),
        blacklist=frozenset({(USER, CHANNEL)}),
        per_day=0,
    )
    allowed = replace(worst, channels=None)
    known = replace(allowed, blocked=frozenset())
    wanted = replace(known, blacklist=frozenset())
    cases = [
        (worst, None),
        (worst, send(message="")),
        (worst, SEND),
        (allowed, SEND),
        (known, SEND),
        (wanted, SEND),
    ]
    statuses = [judge(world, fields, [], NOW_S) for world, fields in cases]
    assert statuses == [4000, 4005, 4003, 4023, 4024, 4029]


def test_the_last_message_of_the_day_is_sent_and_the_next_is_4029():
    assert judge(World(per_day=3), SEND, [NOW_S] * 2, NOW_S) == Status.SENT
    assert judge(World(per_day=3), SEND, [NOW_S] * 3, NOW_S) == Status.QUOTA_EXCEEDED


def at_s(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> float:
    local = datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold)
    return local.timestamp()


@pytest.mark.parametrize(
    ("zone", "sent", "now", "count"),
    [
        ("Europe/Berlin", "2026-06-01T23:59:59", "2026-06-02T00:00:00", 0),
        ("Europe/Berlin", "2026-06-02T00:00:00", "2026-06-02T23:59:59", 1),
        # 23:59 in Berlin is 21:59 of the same day in UTC, and two hours later it still is.
        ("UTC", "2026-06-01T23:59:59", "2026-06-02T01:59:59", 1),
        ("UTC", "2026-06-01T23:59:59", "2026-06-02T02:00:00", 0),
        # The day on which clocks go back has 25 hours: 00:00 to 23:59 is all one day.
        ("Europe/Berlin", "2026-10-25T00:00:00", "2026-10-25T23:59:59", 1),
    ],
)
def test_a_calendar_day_starts_at_midnight_of_its_zone(zone, sent, now, count):
    assert count_today(World(zone=zone), [at_s(sent)], at_s(now)) == count


@pytest.mark.parametrize(("age_s", "count"), [(0, 1), (86_399, 1), (86_400, 0)])
def test_a_rolling_day_is_the_last_24_hours(age_s, count):
    assert count_today(World(day="rolling"), [NOW_S - age_s], NOW_S) == count


@pytest.mark.parametrize(
    ("count_refused", "counted"),
    [(False, [200]), (True, [200, 4023, 4024, 4029])],
)
def test_refused_messages_count_only_if_asked_and_never_for_a_stranger(count_refused, counted):
    world = World(count_refused=count_refused)
    assert [status for status in Status if is_counted(world, status)] == counted


def test_replies_have_the_documented_form():
    assert to_reply(Status.SENT) == (200, {"response": {"status": 200}})
    assert to_reply(Status.INVALID_HEADERS) == (
        400,
        {"response": {"status": 4000, "message": "Invalid request headers."}},
    )


@pytest.mark.parametrize("zone", ["Nowhere/Atlantis", "Europe", "../etc/passwd", ""])
def test_an_unknown_zone_is_refused_at_once(zone):
    with pytest.raises(ValueError, match="unknown time zone"):
        World(zone=zone)


def test_a_negative_limit_is_refused_at_once():
    with pytest.raises(ValueError, match="negative"):
        World(per_day=-1)


def test_the_repr_of_a_world_shows_no_token():
    world = World(
        channels={CHANNEL: SECRET},
        users=frozenset({USER}),
        blocked=frozenset({USER}),
        blacklist=frozenset({(USER, CHANNEL)}),
    )
    assert not any(token in repr(world) for token in (USER, CHANNEL, SECRET))
