"""The API's time, and clocks that are wrong: what counts in the budget does not depend on them."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING

import pytest
from unit.scheduler.world import DAY, HOUR, MINUTE, START_S, World

from kilopush_bridge.core.budget import WINDOW_S
from kilopush_bridge.core.protocol import SENT, UNCLEAR, UNSENT, parse_date
from kilopush_bridge.model import Priority
from kilopush_bridge.scheduler.clock import ApiClock

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    MakeWorld = Callable[..., Awaitable[World]]

CAP = 208
API_S = 2_000_000.0


class Machine:
    """A machine whose clock can be set, and whose uptime cannot."""

    def __init__(self) -> None:
        self.wall_s = 1_000_000.0
        self.uptime_s = 100.0
        self.clock = ApiClock(lambda: self.wall_s, lambda: self.uptime_s)

    def wait(self, seconds: float) -> None:
        self.wall_s += seconds
        self.uptime_s += seconds


@pytest.fixture
def machine() -> Machine:
    return Machine()


# --- the clock ------------------------------------------------------------------------------------


def test_until_the_api_names_its_time_our_own_clock_has_to_do(machine: Machine):
    machine.wait(5)
    assert machine.clock() == 1_000_005
    assert machine.clock.known_s is None


def test_from_the_first_reply_on_it_is_the_apis_time(machine: Machine):
    assert machine.clock.hear(API_S)
    machine.wait(5)
    assert machine.clock() == machine.clock.known_s == machine.clock.counted_s == API_S + 5
    assert machine.clock.ahead_s == 1_000_000


def test_who_sets_our_clock_then_changes_nothing(machine: Machine):
    machine.clock.hear(API_S)
    machine.wall_s -= 400 * DAY
    assert machine.clock() == API_S


@pytest.mark.parametrize(("off_s", "is_news"), [(0, False), (2, False), (-2, False), (3, True)])
def test_a_second_more_or_less_is_no_news(machine: Machine, off_s: float, is_news: bool):
    machine.clock.hear(API_S)
    assert machine.clock.hear(API_S + off_s) is is_news
    assert machine.clock() == API_S + off_s * is_news


def test_the_first_reply_is_news_even_if_our_clock_was_right(machine: Machine):
    assert machine.clock.hear(machine.wall_s)
    machine.wall_s += DAY
    assert machine.clock() == 1_000_000


def test_an_api_that_never_says_its_time_leaves_us_our_own_clock(machine: Machine):
    assert machine.clock.hear(None)
    assert not machine.clock.hear(None)
    assert machine.clock.counted_s == machine.clock() == machine.wall_s


def test_the_ledgers_time_goes_on_from_where_the_last_run_ended(machine: Machine):
    machine.clock.start_from(API_S)
    machine.wall_s += 30 * DAY
    machine.uptime_s += 60
    assert machine.clock.counted_s == API_S + 60  # what passed while we were off counts as nothing
    machine.clock.hear(API_S + 30 * DAY)
    assert machine.clock.counted_s == API_S + 30 * DAY


# --- a start without the time ---------------------------------------------------------------------


async def start_without_time(world: World, wall_ahead_s: float = 0) -> None:
    world.push.says_time = lambda: None
    world.wall_ahead_s = wall_ahead_s
    await world.restart()


async def test_the_ledger_is_kept_over_a_restart(house: World):
    await house.spend(CAP - 1)
    await house.restart()
    await house.start()
    await house.send(*(house.message(f"h{n}", priority=Priority.HIGH) for n in range(3)))
    assert await house.counts() == {"sent": 1, "pending": 2}


@pytest.mark.parametrize("ahead_s", [-400 * DAY, -DAY, 0, DAY, 400 * DAY])
async def test_an_unknown_time_frees_no_budget_whatever_our_clock_says(
    house: World, ahead_s: float
):
    await house.spend(CAP, ago_s=0)
    await start_without_time(house, ahead_s)
    assert (await house.ledger()).usage.other == CAP
    await house.send(house.message("n"), house.critical("c"))
    assert house.texts() == ["c"]


async def test_what_waits_for_the_time_goes_as_soon_as_it_is_known(house: World):
    await house.spend(CAP, ago_s=0)
    house.now_s += 2 * DAY
    await start_without_time(house)
    await house.send(house.message("n"))
    assert house.texts() == []  # nobody knows that two days have passed
    await house.start()
    await house.settle()
    assert house.texts() == ["n"]


async def test_a_first_start_without_the_time_sends_all_the_same(house: World):
    await start_without_time(house)
    await house.send(house.message("n"), house.critical("c"))
    assert house.texts() == ["c", "n"]


async def test_without_the_time_what_has_no_room_waits_and_is_in_no_digest(house: World):
    await house.spend(CAP, ago_s=0)
    await start_without_time(house)
    await house.send(house.message("n"))
    assert (await house.states()) == {"pending": 1}


async def test_what_ended_while_the_time_was_unknown_counts_from_when_it_is_known(house: World):
    await start_without_time(house)
    house.push.answer = lambda _batch: UNCLEAR
    await house.send(house.critical("c"))
    house.push.answer = lambda _batch: UNSENT
    house.now_s += WINDOW_S + HOUR
    assert (await house.ledger()).usage.critical == 1
    await house.start()
    for wait_s, counted in ((WINDOW_S - 1, 1), (1, 0)):
        house.now_s += wait_s
        assert (await house.ledger()).usage.critical == counted


async def test_any_reply_tells_the_time_even_a_refusal(house: World):
    await start_without_time(house)
    house.push.says_time = lambda: house.now_s
    house.push.answer = lambda _batch: "quota"
    await house.send(house.message())
    assert house.clock.known_s == house.now_s


# --- a wrong clock, and an API that knows better --------------------------------------------------


@pytest.mark.parametrize("ahead_s", [-DAY, DAY])
async def test_a_clock_that_is_a_day_wrong_changes_nothing(make_world: MakeWorld, ahead_s: float):
    world = await make_world(digest_at=(time(19),))
    await start_without_time(world, ahead_s)
    await world.start()
    await world.spend(CAP - 1)
    await world.send(*(world.message(f"h{n}", priority=Priority.HIGH) for n in range(2)))
    await world.send(world.message("d", priority=Priority.DIGEST))
    await world.wait(5 * HOUR, step_s=MINUTE)
    assert world.times("h0") == [0]
    assert world.times("h1 (10 min ago)") == [600]
    assert world.times("d (") == [pytest.approx(14_000, abs=MINUTE)]


@pytest.mark.parametrize("jump_s", [-DAY, DAY])
async def test_a_clock_that_is_set_while_we_run_changes_nothing(house: World, jump_s: float):
    await house.spend(CAP)
    await house.send(house.message("a"))
    house.wall_ahead_s = jump_s
    await house.wait(11 * MINUTE)
    assert house.times() == [600]
    assert (await house.ledger()).usage.other == CAP


@pytest.mark.parametrize("ahead_s", [-DAY, DAY])
async def test_an_alarm_of_a_wrong_clock_is_no_news_of_yesterday(house: World, ahead_s: float):
    await start_without_time(house, ahead_s)
    await house.put(house.critical("c"))
    await house.settle()
    assert house.texts() == ["c"]


async def test_a_digest_that_a_wrong_clock_planned_leaves_at_the_right_time(
    make_world: MakeWorld,
):
    world = await make_world(digest_at=(time(16),))
    await start_without_time(world, DAY)
    await world.send(world.message("d", priority=Priority.DIGEST))
    await world.start()
    await world.wait(HOUR)
    assert len(world.digests()) == 1


async def test_a_reply_that_names_a_time_far_ahead_frees_nothing_for_good(house: World):
    await house.spend(CAP, ago_s=0)
    for named_s in (START_S + 2 * DAY, START_S):
        await house.scheduler._learn_time(named_s)
    assert (await house.ledger()).usage.other == CAP


async def test_a_reply_that_names_a_time_long_ago_frees_nothing(house: World):
    await house.spend(CAP, ago_s=0)
    for named_s in (START_S - 2 * DAY, START_S):
        await house.scheduler._learn_time(named_s)
    assert (await house.ledger()).usage.other == CAP


@pytest.mark.parametrize("date", ["Fri, 31 Dec 9999 23:59:59 GMT", "Sat, 01 Jan 0000 00:00:00 GMT"])
async def test_a_reply_that_names_a_time_of_no_calendar_stops_nothing(
    make_world: MakeWorld, date: str
):
    world = await make_world(digest_at=(time(19),))
    await world.scheduler._learn_time(parse_date(date))
    await world.send(world.message("d", priority=Priority.DIGEST), world.critical("c"))
    assert world.texts() == ["c"]


# --- what left while the disk was full ------------------------------------------------------------


async def test_what_left_while_the_disk_was_full_counts_for_a_window(house: World):
    await house.start()
    await house.scheduler.put([house.critical("c", already_sent=frozenset({"me"}))])
    assert (await house.ledger()).usage.critical == 1
    house.now_s += WINDOW_S + HOUR
    await house.send(house.message("n"))
    assert house.push.answer(house.push.batches[0]) == SENT
    assert (await house.ledger()).usage.critical == 0
