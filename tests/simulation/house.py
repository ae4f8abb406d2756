"""Hostile weeks, made from a seed: what a house says, what its network and clock do to it."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from datetime import datetime, time
from zoneinfo import ZoneInfo

from kilopush_bridge.core.budget import WINDOW_S, Limits
from kilopush_bridge.hours import Quiet
from kilopush_bridge.model import Priority

STORMS_PER_DAY = 0.15
PRESSED_EVERY = 4
HELPED_EVERY = 5
REFUSING_EVERY = 3

MINUTE_S, HOUR_S, DAY_S = 60, 3600, 86400
DAYS = 7
PEOPLE = ("me", "anna", "ben")
ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Los_Angeles",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Pacific/Auckland",
    "Pacific/Kiritimati",
)
# Mondays; two weeks hold the change of the clocks in Berlin, one day of 25 hours and one of 23.
STARTS = ("2026-03-23", "2026-06-15", "2026-10-19", "2027-01-04")

# What chatters in a house, how often among all alerts, how urgent.
RULES = (
    ("motion", 40, Priority.LOW),
    ("washing machine", 20, Priority.NORMAL),
    ("window open", 12, Priority.NORMAL),
    ("device offline", 10, Priority.NORMAL),
    ("door bell", 6, Priority.HIGH),
    ("battery low", 5, Priority.LOW),
    ("boiler too hot", 3, Priority.HIGH),
    ("person in the yard", 3, Priority.HIGH),
    ("update there", 1, Priority.DIGEST),
)


@dataclass(frozen=True, slots=True)
class Said:
    """One alert of the house."""

    at_s: float
    id: str
    rule: str
    key: str
    priority: Priority
    text: str


@dataclass(frozen=True, slots=True)
class Network:
    """Trouble from `begin_s` to `end_s`, for a `share` of the requests."""

    begin_s: float
    end_s: float
    kind: str  # "down": never sent; "lost": taken, no reply; "500": not taken
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Refusal:
    """Hours in which KILO.Push refuses one person: 4023 (blocked) or 4024 (opted out)."""

    begin_s: float
    end_s: float
    person: str
    channel: str
    status: int


@dataclass(frozen=True, slots=True)
class Week:
    """Everything that happens, apart from what the bridge does."""

    seed: int
    people: tuple[str, ...]
    limits: Limits
    zone: str  # of the house
    server_day: str
    server_zone: str
    quiet: Quiet | None
    digest_at: tuple[time, ...]
    begin_s: float
    said: tuple[Said, ...]
    foreign_at_s: tuple[float, ...]  # what other senders post to the same channel
    network: tuple[Network, ...] = ()
    restarts_at_s: tuple[float, ...] = ()
    crashes_at_s: tuple[float, ...] = ()  # at the next commit
    jumps: tuple[tuple[float, float], ...] = ()  # when the house's clock jumps, by how much
    end_s: float = field(default=0.0)
    has_spare: bool = False  # a channel `spare` takes over criticals that `home` refuses
    refusals: tuple[Refusal, ...] = ()


def make_week(seed: int, busiest: int = 600) -> Week:
    """Return the week of a seed; `busiest` bounds the alerts of a day, storms apart.

    Every fourth week presses from all sides at once: more urgent alerts than fit, every critical
    and every message of others that is allowed for, and replies that get lost. Every fifth has a
    second channel for criticals and days that others have used up, in every third people are
    refused; both may be of the same week.
    """
    rng = random.Random(seed)
    is_pressed = seed % PRESSED_EVERY == 1
    zone = rng.choice(ZONES)
    begin = datetime.fromisoformat(rng.choice(STARTS)).replace(tzinfo=ZoneInfo(zone))
    begin_s = begin.timestamp()
    end_s = begin_s + DAYS * DAY_S + HOUR_S
    people = PEOPLE[: rng.choice((1, 1, 2, 2, 3))]
    limits = Limits()
    restarts_at_s = _moments(rng, begin_s, rng.choice((0, 1, 4)))
    crashes_at_s = _moments(rng, begin_s, rng.choice((0, 2, 8)))
    jumps_at_s = _moments(rng, begin_s, rng.choice((0, 2, 5)))
    make = _said_under_pressure if is_pressed else _said
    said = make(rng, begin_s, len(people), busiest)
    # whatever a jump or a restart makes the bridge forget, the house uses at once
    for at_s in (*restarts_at_s, *jumps_at_s):
        said += [
            _ordinary(rng, at_s + rng.random() * HOUR_S, len(said) + number) for number in range(60)
        ]
    # of its own, so that no other week changes
    more = random.Random(f"{seed} more")
    has_spare = seed % HELPED_EVERY == 2 and not is_pressed
    used_up = _used_up(more, begin_s) if has_spare else []
    return Week(
        seed=seed,
        people=people,
        limits=limits,
        zone=zone,
        server_day=rng.choice(("rolling", "calendar")),
        server_zone=rng.choice(ZONES),
        quiet=rng.choice((None, Quiet(time(22, 30), time(7), Priority.HIGH))),
        digest_at=tuple(time(hour) for hour in sorted(rng.sample(range(24), rng.choice((1, 2))))),
        begin_s=begin_s,
        said=tuple(sorted((one for one in said if one.at_s < end_s), key=lambda one: one.at_s)),
        foreign_at_s=tuple(sorted([*_foreign(rng, begin_s, end_s, limits, is_pressed), *used_up])),
        network=tuple(_losses(begin_s) if is_pressed else _network(rng, begin_s)),
        restarts_at_s=restarts_at_s,
        crashes_at_s=crashes_at_s,
        jumps=tuple(
            (at_s, rng.choice((-1, 1)) * rng.choice((HOUR_S, DAY_S))) for at_s in jumps_at_s
        ),
        end_s=end_s,
        has_spare=has_spare,
        refusals=tuple(_refusals(more, begin_s, people, has_spare))
        if seed % REFUSING_EVERY == 0
        else (),
    )


def _moments(rng: random.Random, begin_s: float, number: int) -> tuple[float, ...]:
    return tuple(sorted(begin_s + rng.random() * DAYS * DAY_S for _ in range(number)))


def _said(rng: random.Random, begin_s: float, people: int, busiest: int) -> list[Said]:
    said: list[Said] = []
    for day in range(DAYS):
        day_s = begin_s + day * DAY_S
        ordinary = round(math.exp(rng.uniform(math.log(50), math.log(busiest))))
        times = [day_s + rng.random() * DAY_S for _ in range(ordinary)]
        if rng.random() < STORMS_PER_DAY:  # 400 in 200 s
            storm_s = day_s + rng.random() * DAY_S
            times += [storm_s + rng.random() * 200 for _ in range(400)]
        said += [_ordinary(rng, at_s, len(said) + at) for at, at_s in enumerate(times)]
        said += _criticals(rng, day_s, people, len(said))
    return said


def _said_under_pressure(
    rng: random.Random, begin_s: float, people: int, busiest: int
) -> list[Said]:
    del busiest
    most = Limits().keep_for_critical // people
    said: list[Said] = []
    for day in range(DAYS):
        burst_s = begin_s + 20 * HOUR_S + day * (WINDOW_S + 10 * MINUTE_S)
        said += [
            _critical(burst_s + rng.random() * MINUTE_S, f"c{day}-{at}", f"sensor {day}-{at}")
            for at in range(most)
        ]
        urgent = [rule for rule, _, priority in RULES if priority is Priority.HIGH]
        for number in range(300 // people):
            at_s, rule = begin_s + (day + rng.random()) * DAY_S, rng.choice(urgent)
            text = f"{rule} {day}-{number}"
            said.append(Said(at_s, f"h{day}-{number}", rule, text, Priority.HIGH, text))
    return said


def _critical(at_s: float, name: str, key: str) -> Said:
    return Said(at_s, name, "water leak", key, Priority.CRITICAL, f"Water at {key}")


def _ordinary(rng: random.Random, at_s: float, number: int) -> Said:
    (rule, _, priority) = rng.choices(RULES, [weight for _, weight, _ in RULES])[0]
    key = f"device {rng.randrange(12)}"
    return Said(at_s, f"n{number}", rule, key, priority, f"{rule}: {key} says {number}")


def _criticals(rng: random.Random, day_s: float, people: int, first: int) -> list[Said]:
    """Return up to as many as are kept room for: a leak in one room after the other, at once."""
    most = Limits().keep_for_critical // people
    burst_s = day_s + rng.random() * DAY_S
    length_s = rng.choice((5, 60, 3 * HOUR_S))
    return [
        _critical(
            burst_s + rng.random() * length_s,
            f"c{first + at}",
            f"sensor {rng.choice((at, at % 3))}",
        )
        for at in range(rng.choice((0, 1, 3, most // 2, most)))
    ]


def _foreign(
    rng: random.Random, begin_s: float, end_s: float, limits: Limits, is_pressed: bool
) -> list[float]:
    """Return when others post: nobody, as many as they may in each window, or far too many."""
    kind = "within" if is_pressed else rng.choice(("none", "within", "within", "beyond"))
    times: list[float] = []
    at_s = begin_s
    while kind != "none" and at_s < end_s:
        number = limits.other_senders if kind == "within" else rng.choice((0, 20, 150, 300))
        times += [at_s + rng.random() * HOUR_S for _ in range(number)]
        at_s += WINDOW_S + HOUR_S + rng.random() * HOUR_S
    return sorted(times)


def _used_up(rng: random.Random, begin_s: float) -> list[float]:
    """Return what others post on the days on which they leave nothing."""
    return [
        begin_s + (day + rng.random() / 24) * DAY_S
        for day in range(DAYS)
        if rng.random() < 0.3
        for _ in range(300)
    ]


def _refusals(
    rng: random.Random, begin_s: float, people: tuple[str, ...], has_spare: bool
) -> list[Refusal]:
    refusals = []
    for at_s in _moments(rng, begin_s, rng.choice((1, 3))):
        length_s = rng.choice((20 * MINUTE_S, 3 * HOUR_S, 12 * HOUR_S))
        channel = rng.choice(("home", "spare")) if has_spare else "home"
        status = rng.choice((4023, 4024))
        refusals.append(Refusal(at_s, at_s + length_s, rng.choice(people), channel, status))
    return refusals


def _losses(begin_s: float) -> list[Network]:
    """Return a fifth of all replies lost, but for the hours of the criticals."""
    hours = [(day * DAY_S, day * DAY_S + 6 * HOUR_S) for day in range(DAYS)]
    return [Network(begin_s + begin, begin_s + end, "lost", 0.2) for begin, end in hours]


def _network(rng: random.Random, begin_s: float) -> list[Network]:
    trouble = []
    for at_s in _moments(rng, begin_s, rng.choice((0, 1, 3))):
        kind = rng.choice(("down", "lost", "500"))
        length_s = rng.choice((MINUTE_S, 20 * MINUTE_S, 5 * HOUR_S))
        trouble.append(Network(at_s, at_s + length_s, kind, rng.choice((0.2, 1.0))))
    return trouble
