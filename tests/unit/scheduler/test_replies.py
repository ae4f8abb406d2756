"""Each reply of the API and what happens then, on a simulated clock (docs/delivery.md)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kilopush_bridge.core.protocol import (
    BLOCKED,
    FORBIDDEN,
    OPTED_OUT,
    QUOTA,
    REJECTED,
    SENT,
    UNCLEAR,
    UNSENT,
)
from kilopush_bridge.model import Priority

if TYPE_CHECKING:
    from unit.scheduler.world import World

MINUTE, HOUR = 60, 3600


async def test_a_message_goes_to_each_person_once(world: World):
    await world.put(world.message("hello", to=("me", "anna")))
    await world.settle()
    assert [(person, text) for _, person, text, _ in world.push.sent] == [
        ("me", "hello"),
        ("anna", "hello"),
    ]
    assert await world.states() == {"sent": 2}


async def test_the_most_urgent_goes_first_and_the_oldest_within_a_priority(world: World):
    await world.put(
        world.message("n1"), world.message("l", priority=Priority.LOW), world.message("n2")
    )
    await world.put(world.message("h", priority=Priority.HIGH), world.critical("c"))
    await world.settle()
    assert world.texts() == ["c", "h", "n1", "n2", "l"]


async def test_unwritten_messages_are_tried_every_30_s_for_free(world: World):
    world.push.answer = lambda _batch: UNSENT
    await world.put(world.message("n"), world.critical("c"))
    await world.settle()
    await world.until(100)
    assert world.times("c") == [0, 30, 60, 90]
    assert world.times("n") == [0, 30, 60, 90]
    world.push.answer = lambda _batch: SENT
    await world.until(120)
    assert world.texts() == ["c (2 min ago)", "n (2 min ago)"]


async def test_a_new_critical_does_not_wait_while_nothing_can_be_written(world: World):
    world.push.answer = lambda _batch: UNSENT
    await world.put(world.critical("c1"))
    await world.settle()
    await world.until(10)
    await world.put(world.critical("c2"))
    await world.settle()
    assert world.times("c2") == [10]


async def test_a_lost_reply_is_tried_again_at_2_10_60_s_then_every_5_min_then_hourly_and_marked(
    world: World,
):
    world.push.answer = lambda _batch: UNCLEAR
    await world.put(world.critical("c"))
    await world.settle()
    await world.until(3 * HOUR, step_s=2)
    waits = [
        later - earlier for earlier, later in zip(world.times(), world.times()[1:], strict=False)
    ]
    assert waits[:4] == [2, 10, 60, 300]
    assert waits[3:15] == [300] * 12
    assert waits[15:] == [3600] * len(waits[15:])
    assert all("may be a repeat" in text for _, _, text, _ in world.push.sent[1:])


async def test_while_replies_are_lost_only_the_oldest_is_tried_and_a_success_releases_the_rest(
    world: World,
):
    world.push.answer = lambda _batch: UNCLEAR
    await world.put(*(world.message(f"h{n}", priority=Priority.HIGH) for n in range(5)))
    await world.settle()
    await world.until(60)
    assert {text.split(" ")[0] for _, _, text, _ in world.push.sent} == {"h0"}
    world.push.answer = lambda _batch: SENT
    await world.until(80)
    assert [text.split(" ")[0] for text in world.texts()] == ["h0", "h1", "h2", "h3", "h4"]


async def test_a_new_critical_goes_at_once_while_replies_are_lost(world: World):
    world.push.answer = lambda _batch: UNCLEAR
    await world.put(world.message("h", priority=Priority.HIGH))
    await world.settle()
    await world.until(200)
    world.push.answer = lambda _batch: SENT
    await world.put(world.critical("c"))
    await world.settle()
    assert world.times("c") == [200]


async def test_4029_pauses_the_channel_for_15_min_doubling_to_2_h_and_a_digest_tells_everything(
    world: World,
):
    world.push.answer = lambda _batch: QUOTA
    await world.put(*(world.message(f"n{n}") for n in range(3)))
    await world.settle()
    await world.until(8 * HOUR, step_s=30)
    assert [round(at_s / MINUTE) for at_s in world.times()] == [0, 15, 45, 105, 225, 345, 465]
    assert await world.counts() == {"pending": 3}
    world.push.answer = lambda _batch: SENT
    await world.until(11 * HOUR, step_s=30)
    assert await world.counts() == {"digested": 3}


async def test_a_critical_goes_out_while_the_rest_is_paused(world: World):
    world.push.answer = lambda batch: SENT if batch.is_critical else QUOTA
    await world.put(world.message("n"))
    await world.settle()
    await world.put(world.critical("c"))
    await world.settle()
    assert "c" in world.texts()


async def test_a_refused_critical_is_tried_at_1_2_5_then_every_10_min_with_later_ones_merged_in(
    world: World,
):
    world.push.answer = lambda _batch: QUOTA
    await world.put(world.critical("c1"))
    await world.settle()
    await world.until(90)
    await world.put(world.critical("c2"), world.critical("c3"))
    await world.until(40 * MINUTE, step_s=5)
    assert [round(at_s / MINUTE) for at_s in world.times("c1")] == [0, 1, 3, 8, 18, 28, 38]
    assert not world.times("c2")
    lines = world.push.sent[-1][2].splitlines()
    assert [line.split(" ")[0] for line in lines] == ["c1", "c2", "c3"]
    world.push.answer = lambda _batch: SENT
    await world.until(50 * MINUTE, step_s=5)
    assert await world.states() == {"sent": 3}
    assert len(world.texts()) == 1


async def test_4023_holds_one_person_and_probes_hourly_with_the_most_important(world: World):
    world.push.answer = lambda batch: BLOCKED if batch.person == "me" else SENT
    await world.put(world.message("n", to=("me", "anna")))
    await world.settle()
    await world.put(world.message("h", priority=Priority.HIGH, to=("me", "anna")))
    await world.until(3 * HOUR, step_s=60)
    to_me = [
        (round(at_s / HOUR), text.split(" ")[0])
        for at_s, person, text, _ in world.push.sent
        if person == "me"
    ]
    assert to_me == [(0, "n"), (1, "h"), (2, "h"), (3, "h")]
    assert [person for _, person, _, outcome in world.push.sent if outcome == SENT] == [
        "anna",
        "anna",
    ]


async def test_4003_holds_the_whole_channel_and_probes_every_15_min(world: World):
    world.push.answer = lambda _batch: FORBIDDEN
    await world.put(world.message("n"), world.critical("c"))
    await world.settle()
    await world.until(HOUR, step_s=10)
    assert all(text.startswith("c") for at_s, _, text, _ in world.push.sent if at_s > 0)
    assert [round(at_s / MINUTE) for at_s in world.times("c")] == [0, 15, 30, 45, 60]
    assert await world.states() == {"pending": 2}


async def test_a_message_refused_three_times_is_a_dead_letter_and_blocks_nobody(world: World):
    world.push.answer = lambda batch: REJECTED if batch.text.startswith("bad") else SENT
    await world.put(world.message("bad"), world.message("good"))
    await world.settle()
    await world.until(200)
    assert world.texts() == ["good"]
    assert len(world.times("bad")) == 3
    assert await world.states() == {"dead": 1, "sent": 1}


async def test_a_refused_summary_is_sent_item_by_item(world: World):
    world.push.answer = lambda batch: REJECTED if len(batch.deliveries) > 1 else SENT
    await world.put(*(world.message(f"n{n}", group="g") for n in range(3)))
    await world.settle()
    assert world.texts() == ["n0", "n1", "n2"]


async def test_4024_withdraws_for_this_person_and_tells_the_others_once(world: World):
    world.push.answer = lambda batch: OPTED_OUT if batch.person == "me" else SENT
    for number in range(3):
        await world.put(world.message(f"n{number}", to=("me", "anna")))
        await world.settle()
    to_anna = [text for _, person, text, _ in world.push.sent if person == "anna"]
    assert len([text for text in to_anna if "no longer gets alerts" in text]) == 1
    assert await world.states() == {"withdrawn": 3, "sent": 4}


async def test_criticals_go_side_by_side_and_the_rest_one_at_a_time(world: World):
    import asyncio

    together: list[int] = []
    now = 0

    async def slow(batch: object) -> object:
        nonlocal now
        now += 1
        together.append(now)
        await asyncio.sleep(0.02)
        now -= 1
        return await original(batch)

    original = world.push.send
    world.push.send = slow  # type: ignore[method-assign, assignment]
    await world.put(*(world.critical(f"c{n}") for n in range(10)))
    await world.settle()
    assert max(together) >= 8
    together.clear()
    await world.put(*(world.message(f"n{n}") for n in range(5)))
    await world.settle()
    assert max(together) == 1
