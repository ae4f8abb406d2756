"""The API's time, and clocks that are wrong: what counts in the budget does not depend on them."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Any

import pytest
from unit.scheduler.world import DAY, HOUR, MINUTE, START_S, World

from kilopush_bridge.core.budget import WINDOW_S
from kilopush_bridge.core.protocol import SENT, UNCLEAR, UNSENT, parse_date
from kilopush_bridge.errors import StorageError
from kilopush_bridge.model import Priority
from kilopush_bridge.outbox.facts import fact
from kilopush_bridge.scheduler.clock import ApiClock
from kilopush_bridge.scheduler.transactions import learn_time

if TYPE_CHECKING:
    import sqlite3
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
    assert not machine.clock.is_known
    assert machine.clock.unknown_for_s == 5


def test_from_the_first_reply_on_it_is_the_apis_time(machine: Machine):
    assert machine.clock.hear(API_S)
    machine.wait(5)
    assert machine.clock() == machine.clock.counted_s == API_S + 5
    assert machine.clock.unknown_for_s == 0
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


async def test_without_the_time_at_first_what_has_no_room_waits_and_is_in_no_digest(house: World):
    await house.spend(CAP, ago_s=0)
    await start_without_time(house)
    await house.send(house.message("n"))
    assert (await house.states()) == {"pending": 1}


async def test_after_ten_minutes_without_the_time_there_are_digests_all_the_same(house: World):
    await house.spend(CAP, ago_s=0)
    await start_without_time(house)
    await house.send(house.message("n"))
    await house.wait(9 * MINUTE)
    assert await house.states() == {"pending": 1}
    await house.wait(MINUTE)
    assert await house.states() == {"deferred": 1, "pending": 1}
    await house.wait(10 * MINUTE)
    assert house.texts() == ["n (20 min ago)"]
    assert await house.counts() == {"digested": 1}


async def test_a_step_of_time_while_it_is_unknown_frees_nothing_even_then(house: World):
    await house.spend(CAP, ago_s=0)
    await start_without_time(house, 400 * DAY)
    await house.wait(11 * MINUTE)
    await house.send(house.message("n"))
    assert house.texts() == []
    assert (await house.ledger()).usage.other == CAP


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
    assert house.clock.is_known
    assert house.clock() == house.now_s


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


async def test_what_was_stored_by_a_clock_ahead_does_not_wait_for_it(house: World):
    await start_without_time(house, 30)
    house.push.answer = lambda batch: UNSENT if batch.text == "unsent" else SENT
    await house.send(house.critical("unsent"))
    await house.put(house.critical("stored"), house.message("n"))
    house.wall_ahead_s = 0
    await house.scheduler.step()
    await house.scheduler.drain(5)
    assert house.texts() == ["stored", "n"]
    assert house.times("unsent") == [0]


async def test_the_right_time_lets_go_what_waits_for_a_wrong_one(house: World):
    await start_without_time(house, 60)
    house.push.answer = lambda _batch: UNSENT
    await house.send(house.critical("c"))
    await house.start()
    house.push.answer = lambda _batch: SENT
    await house.settle()
    assert house.texts() == ["c"]


async def test_a_disk_that_says_no_to_the_time_is_asked_again(house: World):
    await start_without_time(house)
    await house.spend(1, ago_s=0)
    await unstamp(house)
    original = house.store.call

    async def call(function: Any, *args: Any, **kwargs: Any) -> Any:
        if function is learn_time:
            raise StorageError("state cannot be written: disk full")
        return await original(function, *args, **kwargs)

    house.store.call = call  # type: ignore[method-assign]
    await house.start()
    assert await api_ahead(house) is None
    await house.scheduler.step()
    assert await api_ahead(house) is None
    house.store.call = original  # type: ignore[method-assign]
    await house.scheduler.step()
    assert await api_ahead(house) == "0"
    assert house.scheduler.failing_since_s is None
    house.now_s += WINDOW_S
    assert (await house.ledger()).usage.other == 0  # it counted from then on


async def unstamp(house: World) -> None:
    """Let what is in the ledger be of an unknown time."""

    def forget(connection: sqlite3.Connection) -> None:
        connection.execute("UPDATE attempts SET counts_until_s = NULL")
        connection.execute("DELETE FROM facts WHERE name = 'api_ahead_s'")

    await house.store.call(forget)


async def api_ahead(house: World) -> str | None:
    return await house.store.read(fact, "api_ahead_s")


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
