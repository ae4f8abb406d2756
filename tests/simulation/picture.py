"""`python -m simulation.picture PAGE.svg`: a day with a storm, drawn from the real scheduler."""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
from collections import Counter
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from simulation.bridge import BridgeWeek
from simulation.house import DAY_S, HOUR_S, MINUTE_S, Said, Week

from kilopush_bridge.core.budget import Limits
from kilopush_bridge.model import Priority
from kilopush_bridge.scheduler.overview import overview

SLOT_S = 20 * MINUTE_S
WIDTH, LEFT, BOTTOM = 960, 56, 44
PANELS = (
    ("alerts of the house, per 20 min", 110),
    ("POSTs, per 20 min", 150),
    ("left of the 300: for criticals, for other alerts, for digests", 110),
)
COLORS = {"critical": "#d6453d", "other": "#3f7fbf", "digest": "#e0a526"}
STORM_S, FIRE_S = 14 * HOUR_S, 14 * HOUR_S + 20 * MINUTE_S


class WatchedDay(BridgeWeek):
    """A day that notes what is left of the budget whenever something happens."""

    def __init__(self, week: Week, path: Path) -> None:
        super().__init__(week, path)
        self.left: list[tuple[float, dict[str, Any]]] = []

    async def _settle(self) -> None:
        await super()._settle()
        report = overview(self._store.connection, self._policy, self._scheduler.moment())
        self.left.append((self.now_s, report["channels"]["home"]))


def make_day() -> Week:
    """Return an ordinary day, a storm of 1000 alerts in a minute at 14:00, and then a fire."""
    rng = random.Random(300)
    begin_s = datetime(2026, 6, 15, tzinfo=UTC).timestamp()
    said = []
    for number in range(90):
        at_s = rng.triangular(0, DAY_S, 17 * HOUR_S)
        said.append(
            _ordinary(begin_s + at_s, number, rng.choice(("motion", "window", "door bell")))
        )
    said += [
        _ordinary(begin_s + STORM_S + rng.random() * 60, 1000 + number, "offline")
        for number in range(1000)
    ]
    for number in range(60):
        at_s = begin_s + FIRE_S + rng.random() * 15 * MINUTE_S
        key = f"sensor {number}"
        said.append(Said(at_s, f"c{number}", "smoke", key, Priority.CRITICAL, f"Smoke at {key}"))
    return Week(
        seed=300,
        people=("me",),
        limits=Limits(),
        zone="UTC",
        server_day="calendar",
        server_zone="UTC",
        quiet=None,
        digest_at=(time(7), time(19)),
        begin_s=begin_s,
        said=tuple(sorted(said, key=lambda one: one.at_s)),
        foreign_at_s=(),
        end_s=begin_s + DAY_S,
    )


def _ordinary(at_s: float, number: int, rule: str) -> Said:
    priority = {"door bell": Priority.HIGH, "motion": Priority.LOW}.get(rule, Priority.NORMAL)
    return Said(at_s, f"n{number}", rule, f"device {number % 9}", priority, f"{rule} {number}")


def draw(day: WatchedDay) -> str:
    """Return the picture as SVG."""
    week = day.week
    said: list[Counter[str]] = [Counter() for _ in range(DAY_S // SLOT_S)]
    posts: list[Counter[str]] = [Counter() for _ in range(DAY_S // SLOT_S)]
    for one in week.said:
        kind = "critical" if one.priority is Priority.CRITICAL else "other"
        said[_slot(one.at_s - week.begin_s)][kind] += 1
    for at_s, kind in day.outcome.posted:
        posts[_slot(at_s - week.begin_s)][kind] += 1
    parts, top = [], 30
    for (title, height), draw_panel in zip(
        PANELS,
        (
            lambda top, height: _bars(said, top, height),
            lambda top, height: _bars(posts, top, height),
            lambda top, height: _lines(day, top, height),
        ),
        strict=True,
    ):
        parts += [_text(LEFT, top - 8, title, "start"), *draw_panel(top, height)]
        top += height + 34
    parts += [
        _text(_x(hour * HOUR_S), top - 16, f"{hour:02}:00", "middle") for hour in range(0, 25, 3)
    ]
    legend = (("critical", "critical"), ("other", "by itself"), ("digest", "digest"))
    for at, (kind, label) in enumerate(legend):
        x = WIDTH - 300 + at * 100
        parts += [_rect(x, 12, 10, 10, COLORS[kind]), _text(x + 14, 21, label, "start")]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" '
        'font-family="sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{top}" fill="#ffffff"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


def _slot(at_s: float) -> int:
    return min(DAY_S // SLOT_S - 1, int(at_s // SLOT_S))


def _x(at_s: float) -> float:
    return LEFT + at_s / DAY_S * (WIDTH - LEFT - 16)


def _bars(slots: list[Counter[str]], top: int, height: int) -> list[str]:
    most = max(counts.total() for counts in slots)
    width = _x(SLOT_S) - _x(0) - 2
    parts = _axis(top, height, most)
    for slot, counts in enumerate(slots):
        base = float(top + height)
        for kind in ("critical", "digest", "other"):
            size = counts[kind] / most * height
            if counts[kind]:
                base -= max(size, 1.5)
                parts.append(
                    _rect(_x(slot * SLOT_S) + 1, base, width, max(size, 1.5), COLORS[kind])
                )
    return parts


def _lines(day: WatchedDay, top: int, height: int) -> list[str]:
    parts = _axis(top, height, 300)
    for word, kind in (
        ("left", "other"),
        ("critical_left", "critical"),
        ("digests_left", "digest"),
    ):
        points = " ".join(
            f"{_x(at_s - day.week.begin_s):.1f},{top + height - left[word] / 300 * height:.1f}"
            for at_s, left in day.left
            if at_s <= day.week.end_s
        )
        parts.append(
            f'<polyline points="{points}" fill="none" stroke="{COLORS[kind]}" stroke-width="2"/>'
        )
    return parts


def _axis(top: int, height: int, most: int) -> list[str]:
    return [
        (
            f'<line x1="{LEFT}" x2="{WIDTH - 16}" y1="{top + height}" y2="{top + height}" '
            'stroke="#999999"/>'
        ),
        _text(LEFT - 6, top + 10, str(most), "end"),
        _text(LEFT - 6, top + height, "0", "end"),
    ]


def _rect(x: float, y: float, width: float, height: float, color: str) -> str:
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{color}"/>'
    )


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" text-anchor="{anchor}" fill="#333333">{text}</text>'


def live(folder: Path) -> WatchedDay:
    """Return the day of the picture, lived through."""
    day = WatchedDay(make_day(), folder / "state.db")
    asyncio.run(day.run())
    return day


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        Path(sys.argv[1]).write_text(draw(live(Path(folder))))
