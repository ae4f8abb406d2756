"""A critical that its channel refuses: another channel takes over, once, or it comes back.

`home` has used up its day in these tests, for everybody; `spare` helps.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from unit.scheduler.world import HOUR, MINUTE, World

from kilopush_bridge.core.budget import Limits
from kilopush_bridge.core.protocol import BLOCKED, FORBIDDEN, OPTED_OUT, QUOTA, REJECTED, SENT
from kilopush_bridge.model import HoldKind, Priority
from kilopush_bridge.outbox.holds import load_holds
from kilopush_bridge.scheduler.decide import CRITICALS_AT_ONCE
from kilopush_bridge.scheduler.policy import ChannelPolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kilopush_bridge.core.protocol import Verdict
    from kilopush_bridge.model import Batch

    MakeWorld = Callable[..., Awaitable[World]]

NO_HELP = [QUOTA, FORBIDDEN, BLOCKED, OPTED_OUT, REJECTED]
QUOTA_CRITICAL = ("home", "", HoldKind.QUOTA_CRITICAL)


@pytest.fixture
async def pair(make_world: MakeWorld) -> World:
    channels = {"home": ChannelPolicy(Limits(), "spare"), "spare": ChannelPolicy(Limits())}
    world = await make_world(channels=channels)
    refuse(world, SENT)
    return world


@pytest.fixture
async def alone(make_world: MakeWorld) -> World:
    """A channel that nobody helps. Without a limit, so that a refusal is no lesson."""
    return await make_world(None)


def refuse(world: World, elsewhere: str, person: str | None = None) -> None:
    """Refuse all of `home` for the quota; answer `elsewhere` on other channels, to one or all."""

    def answer(batch: Batch) -> str:
        if batch.channel == "home":
            return QUOTA
        return elsewhere if person in (None, batch.person) else SENT

    world.push.answer = answer


def posts(world: World, text: str = "") -> list[tuple[str, str]]:
    """Return on which channel and to whom the POSTs left that hold `text`."""
    return [(one.channel, one.person) for one in world.push.batches if text in one.text]


def channels(world: World, text: str = "") -> list[str]:
    return [channel for channel, _ in posts(world, text)]


async def held(world: World) -> set[tuple[str, str, HoldKind]]:
    return {one.id for one in await world.store.read(load_holds)}


# --- it takes over --------------------------------------------------------------------------------


async def test_it_goes_to_the_other_channel_at_once_and_once(pair: World):
    await pair.send(pair.critical("leak"))
    assert channels(pair) == ["home", "spare"]
    assert QUOTA_CRITICAL not in await held(pair)  # the next critical tries home at once
    await pair.wait(3 * HOUR)
    assert channels(pair) == ["home", "spare"]


async def test_each_critical_asks_home_first_and_each_person_is_helped(pair: World):
    await pair.send(pair.critical("one", to=("me", "anna")))
    await pair.send(pair.critical("two"))
    assert channels(pair, "one") == ["home", "home", "spare", "spare"]
    assert channels(pair, "two") == ["home", "spare"]


async def test_both_channels_have_it_in_their_ledgers(pair: World):
    await pair.send(pair.critical("leak"))
    assert (await pair.ledger("home")).usage.critical == 0  # refused: it was free
    assert (await pair.ledger("spare")).usage.critical == 1


async def test_nothing_but_criticals_moves(pair: World):
    await pair.send(pair.message("h", priority=Priority.HIGH), pair.critical("leak"))
    await pair.wait(HOUR)
    assert set(channels(pair, "h")) == {"home"}


# --- it cannot help -------------------------------------------------------------------------------


@pytest.mark.parametrize("says", NO_HELP)
async def test_what_the_other_channel_refuses_comes_back_and_waits_at_home(pair: World, says: str):
    refuse(pair, says)
    await pair.send(pair.critical("leak"))
    assert channels(pair) == ["home", "spare"]
    assert await pair.counts() == {"pending": 1}
    assert QUOTA_CRITICAL in await held(pair)


@pytest.mark.parametrize("says", NO_HELP)
async def test_it_arrives_as_soon_as_home_has_room_and_never_moves_again(pair: World, says: str):
    refuse(pair, says)
    await pair.send(pair.critical("leak"))
    await pair.wait(2 * HOUR, step_s=MINUTE)
    assert channels(pair).count("spare") == 1
    assert channels(pair).count("home") > 12  # every 10 minutes
    pair.push.answer = lambda _batch: SENT
    await pair.wait(10 * MINUTE, step_s=MINUTE)
    assert channels(pair).count("spare") == 1
    assert await pair.counts() == {"sent": 1}


@pytest.mark.parametrize("says", NO_HELP)
async def test_its_end_is_told_after_it_came_back(pair: World, says: str):
    refuse(pair, says)
    began_s = pair.now_s
    await pair.send(pair.critical("leak", key="k"))
    await pair.wait(5 * MINUTE)
    await pair.send(pair.recovery("k", "dry", began_s))
    pair.push.answer = lambda _batch: SENT
    await pair.wait(10 * MINUTE)
    assert "over after 5 min" in pair.texts()[-1]
    assert await pair.counts() == {"sent": 1}


HELD_S = {QUOTA: MINUTE, FORBIDDEN: 15 * MINUTE, BLOCKED: HOUR}


@pytest.mark.parametrize("says", HELD_S)
async def test_while_the_other_channel_is_held_nothing_moves_there(pair: World, says: str):
    refuse(pair, says)
    await pair.send(pair.critical("one"))
    await pair.send(pair.critical("two"))
    await pair.wait(HELD_S[says] - 1, step_s=10)
    assert channels(pair).count("spare") == 1
    pair.push.answer = lambda batch: SENT if batch.channel == "home" else says
    await pair.wait(10 * MINUTE, step_s=10)
    assert await pair.counts() == {"sent": 2}


@pytest.mark.parametrize("says", HELD_S)
async def test_a_later_critical_moves_when_the_hold_of_the_other_channel_is_due(
    pair: World, says: str
):
    refuse(pair, says)
    await pair.send(pair.critical("one"))
    await pair.wait(HELD_S[says])
    refuse(pair, SENT)
    await pair.send(pair.critical("two"))
    assert "spare" in channels(pair, "two")
    assert [text.partition(" (")[0] for text in pair.texts()] == ["two"]


@pytest.mark.parametrize("says", [FORBIDDEN, BLOCKED])
async def test_of_many_that_moved_none_stays_where_it_is_refused(pair: World, says: str):
    number = CRITICALS_AT_ONCE + 8
    refuse(pair, says)
    original = pair.push.send

    async def send(batch: Batch) -> Verdict:
        while batch.channel == "spare" and channels(pair).count("home") < number:  # noqa: ASYNC110
            await asyncio.sleep(0.001)  # it is slow: until then, eight wait for their turn
        return await original(batch)

    pair.push.send = send  # type: ignore[method-assign]
    await pair.put(*(pair.critical(f"c{n}") for n in range(number)))
    while pair.scheduler.in_flight or not channels(pair).count("spare"):
        await pair.scheduler.step()
        await asyncio.sleep(0.005)
    pair.push.answer = lambda batch: SENT if batch.channel == "home" else says
    await pair.wait(11 * MINUTE)
    assert await pair.counts() == {"sent": number}


async def test_who_is_blocked_there_does_not_keep_the_others_from_it(pair: World):
    refuse(pair, BLOCKED, "me")
    await pair.send(pair.critical("leak", to=("me", "anna")))
    assert await pair.counts() == {"pending": 1, "sent": 1}
    assert posts(pair)[2:] == [("spare", "me"), ("spare", "anna")]


async def test_a_critical_of_others_moves_though_one_came_back(pair: World):
    refuse(pair, BLOCKED, "me")
    await pair.send(pair.critical("one"))
    await pair.send(pair.critical("two", to=("anna",)))
    await pair.wait(15 * MINUTE)
    assert ("spare", "anna") in posts(pair, "two")


async def test_a_later_critical_moves_when_the_other_channel_has_room_again(pair: World):
    refuse(pair, QUOTA)
    await pair.send(pair.critical("one"))
    await pair.wait(5 * MINUTE)
    refuse(pair, SENT)
    await pair.send(pair.critical("two"))
    await pair.wait(15 * MINUTE)
    assert "spare" in channels(pair, "two")


async def test_two_channels_that_help_each_other_do_not_play_for_ever(make_world: MakeWorld):
    both = {"home": ChannelPolicy(Limits(), "spare"), "spare": ChannelPolicy(Limits(), "home")}
    world = await make_world(channels=both)
    world.push.answer = lambda _batch: QUOTA
    await world.send(world.critical("one"), world.critical("two", channel="spare"))
    assert len(world.push.batches) == 4
    world.push.answer = lambda _batch: SENT
    await world.wait(10 * MINUTE)
    assert await world.counts() == {"sent": 2}


async def test_a_restart_forgets_nothing_of_it(pair: World):
    refuse(pair, QUOTA)
    await pair.send(pair.critical("leak"))
    await pair.restart()
    await pair.start()
    await pair.wait(HOUR)
    assert channels(pair).count("spare") == 1


# --- one person does not stop a channel -----------------------------------------------------------


async def test_a_refused_critical_of_a_blocked_person_does_not_stop_everybody_else(alone: World):
    alone.push.answer = lambda _batch: QUOTA
    await alone.send(alone.critical("leak"))
    alone.push.answer = lambda batch: BLOCKED if batch.person == "me" else SENT
    await alone.wait(2 * MINUTE)  # its probe: blocked
    assert {kind for *_, kind in await held(alone)} >= {HoldKind.BLOCKED, HoldKind.QUOTA_CRITICAL}
    await alone.send(alone.critical("c", to=("anna",)))
    await alone.send(alone.message("h", priority=Priority.HIGH, to=("anna",)))
    assert [text.partition(" (")[0] for text in alone.texts()] == ["c", "h"]


async def test_without_another_critical_it_does_not_stop_them_either(alone: World):
    alone.push.answer = lambda _batch: QUOTA
    await alone.send(alone.critical("leak"))
    alone.push.answer = lambda batch: BLOCKED if batch.person == "me" else SENT
    await alone.wait(16 * MINUTE)
    await alone.send(alone.message("h", priority=Priority.HIGH, to=("anna",)))
    await alone.wait(MINUTE)
    assert alone.texts() == ["h"]
