"""Times of day over midnight and over both clock changes of Europe/Berlin."""

from __future__ import annotations

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilopush_bridge.hours import Quiet, moments_within, next_of
from kilopush_bridge.model import Priority

BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = 3600, 86_400
TWICE = (time(7), time(19))


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def berlin(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=BERLIN).timestamp()


# --- when the next digest is ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "following"),
    [
        ("2026-01-10 06:59:59", "2026-01-10 07:00"),
        ("2026-01-10 07:00", "2026-01-10 19:00"),
        ("2026-01-10 18:00", "2026-01-10 19:00"),
        ("2026-01-10 19:00", "2026-01-11 07:00"),
        ("2026-12-31 23:59", "2027-01-01 07:00"),
    ],
)
def test_the_next_time_is_always_later_and_may_be_tomorrow(after: str, following: str):
    assert next_of(TWICE, berlin(after), BERLIN) == berlin(following)


@pytest.mark.parametrize(
    ("day", "hours"),
    [("2026-03-28", 23), ("2026-10-24", 25), ("2026-06-01", 24)],
)
def test_a_day_with_a_clock_change_is_shorter_or_longer(day: str, hours: int):
    seven = berlin(f"{day} 07:00")
    assert next_of([time(7)], seven, BERLIN) == seven + hours * HOUR


def test_a_time_that_the_clock_leaves_out_comes_an_hour_later():
    midnight = berlin("2026-03-29 00:00")
    assert next_of([time(2, 30)], midnight, BERLIN) == berlin("2026-03-29 03:30")


def test_a_time_that_comes_twice_counts_the_first_time_only():
    first = utc("2026-10-25 00:30")  # 02:30 of summer time; at 01:30 UTC it is 02:30 again
    assert next_of([time(2, 30)], berlin("2026-10-25 00:00"), BERLIN) == first
    assert next_of([time(2, 30)], first, BERLIN) == berlin("2026-10-26 02:30")


def test_all_times_within_a_while_are_found_over_a_clock_change():
    begin = berlin("2026-10-24 07:00")
    found = moments_within(TWICE, begin, begin + 49 * HOUR, BERLIN)
    names = ("2026-10-24 19:00", "2026-10-25 07:00", "2026-10-25 19:00", "2026-10-26 07:00")
    assert found == [berlin(name) for name in names]  # 49 hours: its end counts, its begin not


def test_without_times_there_is_no_moment():
    assert moments_within((), 0, DAY, BERLIN) == []


@given(
    after_s=st.floats(0, 4e9),
    times=st.lists(st.times(timezones=st.none()), min_size=1, max_size=4),
    zone=st.sampled_from([BERLIN, UTC, ZoneInfo("America/New_York"), ZoneInfo("Asia/Tokyo"), None]),
)
def test_there_is_a_next_time_within_a_day_and_a_clock_change(after_s, times, zone):
    assert after_s < next_of(times, after_s, zone) <= after_s + 25 * HOUR + 1


# --- when it is quiet -----------------------------------------------------------------------------

NIGHT = Quiet(time(22, 30), time(7), Priority.HIGH)


@pytest.mark.parametrize(
    ("at", "is_quiet"),
    [
        ("22:29:59", False),
        ("22:30:00", True),
        ("23:59:59", True),
        ("00:00:00", True),
        ("06:59:59", True),
        ("07:00:00", False),
        ("12:00:00", False),
    ],
)
def test_a_night_spans_midnight(at: str, is_quiet: bool):
    assert NIGHT.is_now(berlin(f"2026-01-10 {at}"), BERLIN) is is_quiet


@pytest.mark.parametrize(
    ("at", "is_quiet"), [("12:59", False), ("13:00", True), ("14:59", True), ("15:00", False)]
)
def test_a_nap_is_within_one_day(at: str, is_quiet: bool):
    nap = Quiet(time(13), time(15))
    assert nap.is_now(berlin(f"2026-01-10 {at}"), BERLIN) is is_quiet


@pytest.mark.parametrize(("before", "hours"), [("2026-03-28", 7.5), ("2026-10-24", 9.5)])
def test_a_night_of_a_clock_change_ends_by_the_clock_on_the_wall(before: str, hours: float):
    begin_s = berlin(f"{before} 22:30")
    is_quiet = [NIGHT.is_now(begin_s + half * HOUR / 2, BERLIN) for half in range(24)]
    assert is_quiet == [half < 2 * hours for half in range(24)]


def test_it_is_quiet_where_the_house_is():
    late = utc("2026-01-10 22:00")
    assert NIGHT.is_now(late, BERLIN)
    assert not NIGHT.is_now(late, UTC)


@pytest.mark.parametrize(
    ("let_through", "waiting"),
    [
        (Priority.CRITICAL, ["high", "normal", "low", "digest"]),
        (Priority.HIGH, ["normal", "low", "digest"]),
        (Priority.LOW, ["digest"]),
    ],
)
def test_what_is_less_urgent_than_what_is_let_through_waits(
    let_through: Priority, waiting: list[str]
):
    quiet = Quiet(time(22), time(6), let_through)
    midnight, noon = berlin("2026-01-10 00:00"), berlin("2026-01-10 12:00")
    assert [one.word for one in Priority if quiet.holds(one, midnight, BERLIN)] == waiting
    assert not any(quiet.holds(one, noon, BERLIN) for one in Priority)
