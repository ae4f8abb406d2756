# Generated from kilopush_bridge/times.py by tools/copy_core.py: do not edit.
"""Durations and times as people read them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo

MINUTE_S = 60
HOUR_S = 60 * MINUTE_S
DAY_S = 24 * HOUR_S


def duration_text(seconds: float) -> str:
    """Return a duration in at most two units: `45 s`, `12 min`, `2 h 5 min`, `3 d 4 h`."""
    whole_s = max(0, round(seconds))
    if whole_s < MINUTE_S:
        return f"{whole_s} s"
    if whole_s < HOUR_S:
        return f"{whole_s // MINUTE_S} min"
    if whole_s < DAY_S:
        return _two_units(whole_s // HOUR_S, "h", whole_s % HOUR_S // MINUTE_S, "min")
    return _two_units(whole_s // DAY_S, "d", whole_s % DAY_S // HOUR_S, "h")


def _two_units(large: int, large_unit: str, small: int, small_unit: str) -> str:
    return f"{large} {large_unit}" + (f" {small} {small_unit}" if small else "")


def local_text(at_s: float, zone: tzinfo | None) -> str:
    """Return Unix time `at_s` as local date and time, such as `2026-03-01 14:05`.

    `zone` None is the system's.
    """
    return datetime.fromtimestamp(at_s, tz=zone).strftime("%Y-%m-%d %H:%M")


def moment_text(at_s: float, now_s: float, zone: tzinfo | None) -> str:
    """Return a moment as briefly as it is clear: `14:05`, `Mon 14:05`, `28 Feb 14:05`."""
    at, now = datetime.fromtimestamp(at_s, tz=zone), datetime.fromtimestamp(now_s, tz=zone)
    if at.date() == now.date():
        return at.strftime("%H:%M")
    is_near = abs(at.date() - now.date()) < timedelta(days=7)
    return at.strftime("%a %H:%M" if is_near else "%d %b %H:%M")


_UNITS_S = {"s": 1, "m": MINUTE_S, "min": MINUTE_S, "h": HOUR_S, "d": DAY_S}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)")


def parse_duration_s(text: str) -> float | None:
    """Return the seconds of `90s`, `15m`, `2h`, `1h 30m` or `1d`; None for anything else."""
    parts = _DURATION.findall(text.strip().lower())
    if not parts or _DURATION.sub("", text.lower()).strip():
        return None
    if any(unit not in _UNITS_S for _, unit in parts):
        return None
    return sum(float(number) * _UNITS_S[unit] for number, unit in parts)
