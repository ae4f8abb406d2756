"""An alarm that begins again: critical to who was not told, else high until it is no repetition.

The world starts at 15:06:40 UTC.
"""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING, Any

import pytest
from unit.scheduler.world import HOUR, MINUTE, START_S, World

from kilopush_bridge.core.budget import WINDOW_S
from kilopush_bridge.core.protocol import FORBIDDEN, REJECTED, SENT, UNCLEAR, UNSENT
from kilopush_bridge.hours import Quiet
from kilopush_bridge.model import Kind, Priority
from kilopush_bridge.outbox import alarms

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    MakeWorld = Callable[..., Awaitable[World]]

CAP = 208
AFTERNOON = Quiet(time(15), time(22), Priority.CRITICAL)


@pytest.fixture
async def full(house: World) -> World:
    """A house whose day is used up: what is high goes into a digest, or waits."""
    await house.spend(CAP)
    return house


@pytest.fixture
async def quiet(make_world: MakeWorld) -> World:
    """A house that is quiet now, and lets nothing but criticals through."""
    return await make_world(quiet=AFTERNOON, digest_at=(time(23),))


async def again(world: World, minutes: float = 5, **changes: Any) -> None:
    """Tell of an alarm, let it end, and let it begin again after some minutes."""
    await world.send(world.critical("leak", key="k", **changes))
    await world.wait(MINUTE)
    await world.send(world.recovery("k", None, START_S))
    await world.wait((minutes - 1) * MINUTE)
    await world.send(world.critical("again", key="k", **changes))


async def urgency(world: World, text: str = "again") -> list[str]:
    return [
        one["priority"]
        for state in (None, "sent", "digested")
        for one in await world.listed(state)
        if one["text"] == text
    ]


def at_minutes(world: World, text: str = "again") -> list[int]:
    """Return when POSTs left whose text starts so, in minutes after the start."""
    return [round(at_s / MINUTE) for at_s in world.times(text)]


# --- critical or high -----------------------------------------------------------------------------


@pytest.mark.parametrize("outcome", [UNSENT, FORBIDDEN, REJECTED])
async def test_it_is_critical_if_the_earlier_one_is_not_delivered_yet(house: World, outcome: str):
    house.push.answer = lambda _batch: outcome
    await again(house)
    assert await urgency(house) == ["critical"]


@pytest.mark.parametrize("outcome", [SENT, UNCLEAR])
async def test_it_is_high_if_the_earlier_one_was_or_may_have_been(house: World, outcome: str):
    house.push.answer = lambda _batch: outcome
    await again(house)
    assert await urgency(house) == ["high"]


async def test_the_same_text_to_another_person_is_critical_for_them(house: World):
    await house.send(house.critical("leak", key="k"))
    await house.send(house.critical("leak", key="k", to=("anna",)))
    assert await urgency(house, "leak") == ["critical"] * 2


# --- it becomes critical --------------------------------------------------------------------------


async def test_what_still_waits_in_a_digest_goes_as_critical_when_it_is_no_repetition(full: World):
    await again(full)
    assert await urgency(full) == ["high"]
    await full.wait(4 * MINUTE)
    assert at_minutes(full) == []
    await full.wait(MINUTE)  # ten after the first; its digest would leave later
    assert at_minutes(full) == [10]
    assert await urgency(full) == ["critical"]
    assert (await full.ledger()).usage.critical == 2
    await full.wait(HOUR)
    assert at_minutes(full) == [10]  # and not in a digest too
    assert full.digests() == []


async def test_it_goes_in_quiet_hours_too(quiet: World):
    await again(quiet)
    await quiet.wait(5 * MINUTE)
    assert at_minutes(quiet) == [10]
    await quiet.wait(10 * HOUR, step_s=10 * MINUTE)
    assert len(quiet.push.sent) == 2


async def test_what_else_its_digest_holds_stays_in_it(quiet: World):
    await quiet.send(quiet.message("other"))
    await again(quiet)
    await quiet.wait(10 * HOUR, step_s=10 * MINUTE)
    assert [batch.text.partition(" (")[0] for batch in quiet.digests()] == ["other"]
    assert await quiet.counts() == {"sent": 2, "digested": 1}


async def test_what_waits_alone_becomes_critical_too(house: World):
    house.push.answer = lambda batch: SENT if batch.is_critical else UNSENT
    await again(house)
    assert set(at_minutes(house)) == {5}
    await house.wait(5 * MINUTE)
    assert at_minutes(house)[-1] == 10
    assert await house.counts() == {"sent": 2}
    assert await urgency(house) == ["critical"]


async def test_it_is_promoted_for_each_person_and_over_a_restart(full: World):
    await again(full, to=("me", "anna"))
    await full.restart()
    await full.start()
    await full.wait(5 * MINUTE)
    assert at_minutes(full) == [10, 10]


async def test_the_fifth_of_a_day_becomes_critical_when_the_first_no_longer_counts(house: World):
    house.push.answer = lambda batch: SENT if batch.is_critical else UNSENT
    for number in range(5):
        await house.send(house.critical(f"leak {number}", key="k"))
        await house.wait(20 * MINUTE)
    await house.until(WINDOW_S - 1, step_s=10 * MINUTE)
    assert await urgency(house, "leak 4") == ["high"]
    await house.wait(1)
    assert await urgency(house, "leak 4") == ["critical"]
    assert await house.counts() == {"sent": 5}


async def test_a_promoted_one_counts_as_told_for_the_next(full: World):
    await again(full)
    await full.wait(7 * MINUTE)  # promoted two minutes ago
    await full.send(full.recovery("k", None, full.now_s))
    await full.send(full.critical("third", key="k"))
    assert await urgency(full, "third") == ["high"]


# --- it does not ----------------------------------------------------------------------------------


async def test_what_is_over_is_not_promoted(full: World):
    await again(full)
    await full.wait(2 * MINUTE)
    await full.send(full.recovery("k", None, full.now_s))
    await full.wait(HOUR)
    assert await urgency(full) == ["high"]
    assert len(full.digests()) == 1


@pytest.mark.parametrize("kind", [Kind.EVENT, Kind.REQUEST])
async def test_an_event_or_a_request_is_never_promoted(quiet: World, kind: Kind):
    for text in ("first", "again"):
        await quiet.send(quiet.critical(text, key="k", kind=kind))
        await quiet.wait(MINUTE)
    await quiet.wait(HOUR, step_s=10 * MINUTE)
    assert await urgency(quiet) == ["high"]


async def test_what_was_told_as_high_is_not_told_again(house: World):
    await again(house)
    await house.wait(HOUR)
    assert at_minutes(house) == [5]
    assert await urgency(house) == ["high"]


async def test_what_is_in_a_digest_on_its_way_or_told_is_not_promoted(full: World):
    await full.send(full.message("opens the digest"))
    await full.wait(4 * MINUTE)
    await full.send(full.critical("leak", key="k"))
    await full.wait(MINUTE)
    await full.send(full.critical("again", key="k"))  # in the digest that leaves at 10 minutes
    await full.wait(HOUR)
    assert len(full.digests()) == 1
    assert at_minutes(full) == []
    assert await urgency(full) == ["high"]


async def test_nothing_is_promoted_twice(full: World):
    await again(full)
    full.now_s += 5 * MINUTE
    assert [await full.store.call(alarms.promote, full.now_s) for _ in range(2)] == [1, 0]
