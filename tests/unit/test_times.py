"""Durations and times as people read them."""

from __future__ import annotations

from datetime import timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from kilopush_bridge.times import (
    DAY_S,
    HOUR_S,
    MINUTE_S,
    duration_text,
    local_text,
    moment_text,
)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (0.4, "0 s"),
        (45, "45 s"),
        (59.6, "1 min"),
        (12 * MINUTE_S + 59, "12 min"),
        (HOUR_S - 0.4, "1 h"),
        (2 * HOUR_S + 5 * MINUTE_S, "2 h 5 min"),
        (DAY_S - 1, "23 h 59 min"),
        (DAY_S, "1 d"),
        (3 * DAY_S + 4 * HOUR_S + MINUTE_S, "3 d 4 h"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, text: str):
    assert duration_text(seconds) == text


@pytest.mark.parametrize(
    ("at_s", "text"),
    [
        (1774746000.0, "2026-03-29 03:00"),  # 01:00 UTC, the moment at which summer time begins
        (1774745999.0, "2026-03-29 01:59"),
        (0.0, "1970-01-01 01:00"),
    ],
)
def test_a_time_is_local_to_its_zone(at_s: float, text: str):
    assert local_text(at_s, ZoneInfo("Europe/Berlin")) == text


def test_another_zone_prints_another_hour():
    assert local_text(0.0, timezone(timedelta(hours=-1))) == "1969-12-31 23:00"
    assert len(local_text(0.0, None)) == len("1970-01-01 00:00")


NOW_S = 1774746000.0  # Sun 2026-03-29 03:00 in Berlin


@pytest.mark.parametrize(
    ("days_ago", "text"),
    [
        (0, "03:00"),
        (0.05, "00:48"),  # before the clock change, and still today
        (1, "Sat 02:00"),
        (6, "Mon 02:00"),
        (7, "22 Mar 02:00"),
        (-1, "Mon 03:00"),  # the clock was set back
    ],
)
def test_a_moment_is_as_brief_as_it_is_clear(days_ago: float, text: str):
    assert moment_text(NOW_S - days_ago * DAY_S, NOW_S, ZoneInfo("Europe/Berlin")) == text
