"""What the bridge says about itself: each thing once."""

from __future__ import annotations

from datetime import time
from typing import TYPE_CHECKING

import pytest
from unit.scheduler.world import HOUR, MINUTE, World

from kilopush_bridge.core.budget import WINDOW_S
from kilopush_bridge.core.protocol import OPTED_OUT, QUOTA, SENT
from kilopush_bridge.model import Priority

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    MakeWorld = Callable[..., Awaitable[World]]

EVENING = 14_000  # 19:00, in seconds after the start


async def warned(make_world: MakeWorld, per_day: int | None = 300, posts: int = 103) -> World:
    """Return a house that warns me, after so many posts of its 208."""
    world = await make_world(per_day, warned=("me",), digest_at=(time(19),))
    await world.spend(posts, rule="chatty")
    return world


async def warnings(world: World) -> list[str]:
    return [one["text"] for one in await world.listed() if one["name"] == "budget"]


async def one_more(world: World) -> list[str]:
    await world.send(world.message(f"at {world.now_s}", priority=Priority.HIGH))
    return await warnings(world)


@pytest.mark.parametrize(("posts", "level"), [(103, 50), (166, 80), (197, 95)])
async def test_each_level_of_the_budget_is_warned_of_when_it_is_reached(
    make_world: MakeWorld, posts: int, level: int
):
    world = await warned(make_world, posts=posts - 1)
    assert [text for text in await one_more(world) if f"{level} %" in text] == []
    (text,) = [text for text in await one_more(world) if f"{level} %" in text]
    assert text.startswith(
        f"Channel home: {level} % of a day's messages are used ({posts + 1} of 208"
    )
    assert text.endswith(f"Most of it: chatty ({posts - 1}).")


async def test_a_warning_waits_for_the_digest(make_world: MakeWorld):
    world = await warned(make_world)
    await one_more(world)
    assert len(world.push.sent) == 1
    await world.until(EVENING, step_s=MINUTE)
    (batch,) = world.digests()
    assert batch.text.startswith("Channel home: 50 %")
    assert batch.person == "me"


async def test_it_is_warned_once_in_a_window(make_world: MakeWorld):
    world = await warned(make_world)
    for _ in range(3):
        assert len(await one_more(world)) == 1
    await world.restart()
    await world.start()
    assert len(await one_more(world)) == 1


async def test_it_is_warned_again_in_the_next_window(make_world: MakeWorld):
    world = await warned(make_world)
    await one_more(world)
    await world.until(EVENING, step_s=HOUR)
    assert await warnings(world) == []
    world.now_s += WINDOW_S
    await world.spend(110)
    assert len(await one_more(world)) == 1


async def test_the_log_is_told_too(make_world: MakeWorld, caplog: pytest.LogCaptureFixture):
    await one_more(await warned(make_world))
    (record,) = [one for one in caplog.records if "day's messages are used" in one.message]
    assert record.levelname == "WARNING"


async def test_criticals_and_digests_are_no_reason_for_a_warning(make_world: MakeWorld):
    world = await warned(make_world, posts=0)
    await world.spend(60, "critical")
    await world.spend(12, "digest")
    assert await one_more(world) == []


async def test_nothing_used_is_no_reason_for_a_warning(make_world: MakeWorld):
    world = await warned(make_world, posts=0)
    world.push.answer = lambda _batch: QUOTA
    await world.send(world.critical("others have used it all"))
    world.push.answer = lambda _batch: SENT
    await world.wait(20 * MINUTE)
    assert await one_more(world) == []


async def test_without_a_limit_there_is_nothing_to_warn_of(make_world: MakeWorld):
    assert await one_more(await warned(make_world, None, 1000)) == []


# --- who has left ---------------------------------------------------------------------------------


async def leaving(make_world: MakeWorld) -> World:
    """Return a house in which I have left the channel, and get nothing but digests."""
    world = await make_world(None, warned=("me", "anna"), digest_at=(time(19),))
    world.push.answer = lambda batch: OPTED_OUT if batch.person == "me" else SENT
    return world


async def a_day_later(world: World) -> list[str]:
    await world.send(world.message(f"at {world.now_s}", priority=Priority.DIGEST))
    await world.wait(24 * HOUR, step_s=HOUR)
    return [text for text in world.texts() if "no longer gets alerts" in text]


async def test_those_who_are_warned_hear_once_that_somebody_refused_a_digest(
    make_world: MakeWorld,
):
    world = await leaving(make_world)
    assert len(await a_day_later(world)) == 1
    assert [batch.person for batch in world.push.batches if not batch.is_digest] == ["anna"]
    assert len(await a_day_later(world)) == 1


async def test_who_came_back_and_left_again_is_news(make_world: MakeWorld):
    world = await leaving(make_world)
    answer = world.push.answer
    await a_day_later(world)
    world.push.answer = lambda _batch: SENT
    await a_day_later(world)
    world.push.answer = answer
    assert len(await a_day_later(world)) == 2
