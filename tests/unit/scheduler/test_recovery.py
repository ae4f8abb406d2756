"""What is told when a state ends: per person, the way the alarm went, if it was delivered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from unit.scheduler.world import START_S

from kilopush_bridge.core.protocol import REJECTED, SENT, UNCLEAR, UNSENT
from kilopush_bridge.model import Priority, Settlement, State
from kilopush_bridge.outbox import outbox, upkeep
from kilopush_bridge.scheduler.compose import compose

if TYPE_CHECKING:
    from unit.scheduler.world import World


async def test_who_got_the_alarm_gets_the_recovery(world: World):
    await world.put(world.critical("leak", key="k", to=("me", "anna")))
    await world.settle()
    await world.put(world.recovery("k", "dry", START_S))
    await world.settle()
    assert [(person, text) for _, person, text, _ in world.push.sent[2:]] == [
        ("me", "dry"),
        ("anna", "dry"),
    ]


async def test_an_alarm_that_ends_undelivered_says_so_and_nothing_follows(world: World):
    world.push.answer = lambda _batch: UNSENT
    await world.put(world.critical("leak", key="k"))
    await world.settle()
    await world.until(300)
    await world.put(world.recovery("k", "dry", START_S))
    world.push.answer = lambda _batch: SENT
    await world.until(330)
    assert world.texts() == ["leak (5 min ago) (over after 5 min)"]


async def test_a_recovery_while_the_alarm_is_on_the_way_waits_for_it(world: World):
    await world.put(world.critical("leak", key="k"))
    queue = await world.store.read(outbox.waiting, "home", "me", world.now_s, 10)
    attempt_id = await world.store.call(outbox.claim, compose(queue, world.now_s), world.now_s)
    await world.put(world.recovery("k", "dry", START_S))
    await world.settle()
    assert world.texts() == []
    sent = Settlement(queue[0].id, State.SENT, world.now_s)
    await world.store.call(outbox.settle, sent, world.now_s)
    assert attempt_id
    await world.settle()
    assert world.texts() == ["dry"]


async def test_a_recovery_goes_away_if_its_alarm_has_to_be_sent_again(world: World):
    await world.put(world.critical("leak", key="k"))
    queue = await world.store.read(outbox.waiting, "home", "me", world.now_s, 10)
    await world.store.call(outbox.claim, compose(queue, world.now_s), world.now_s)
    await world.put(world.recovery("k", "dry", START_S))
    await world.store.call(upkeep.return_unfinished, world.now_s)  # as after a crash
    await world.settle()
    assert world.texts() == ["leak (over after 0 s) (may be a repeat)"]
    assert await world.states() == {"sent": 1, "withdrawn": 1}


async def test_a_state_without_a_text_for_its_end_ends_silently_but_still_marks_the_alarm(
    world: World,
):
    world.push.answer = lambda _batch: UNSENT
    await world.put(world.critical("leak", key="k"))
    await world.settle()
    await world.put(world.recovery("k", None, START_S))
    world.push.answer = lambda _batch: SENT
    await world.until(30)
    assert world.texts() == ["leak (over after 0 s)"]


async def test_a_dead_alarm_has_no_recovery(world: World):
    world.push.answer = lambda _batch: REJECTED
    await world.put(world.critical("leak", key="k"))
    await world.settle()
    await world.until(120)
    world.push.answer = lambda _batch: SENT
    await world.put(world.recovery("k", "dry", START_S))
    await world.settle()
    assert world.texts() == []
    assert await world.states() == {"dead": 1}


async def test_a_crash_on_the_way_is_taken_up_again_as_a_repeat_and_stays_in_the_ledger(
    world: World,
):
    await world.put(world.message("h", priority=Priority.HIGH))
    queue = await world.store.read(outbox.waiting, "home", "me", world.now_s, 10)
    await world.store.call(outbox.claim, compose(queue, world.now_s), world.now_s)
    world.close()
    world.open()
    assert await world.store.call(upkeep.return_unfinished, world.now_s) == 1
    await world.settle()
    assert world.texts() == ["h (may be a repeat)"]
    assert (await world.ledger()).usage.other == 2


async def test_the_same_request_twice_is_one_alert(world: World):
    await world.put(world.message("a", request_id="1"), world.message("a", request_id="1"))
    await world.put(world.message("a", request_id="1"))
    await world.settle()
    assert world.texts() == ["a"]


async def test_a_group_waits_until_it_is_complete_and_is_one_message(world: World):
    world.collecting = ("g",)
    await world.put(*(world.message(f"n{n}", group="g", found_at_start=True) for n in range(3)))
    await world.settle()
    assert world.texts() == []
    world.collecting = ()
    await world.settle()
    assert world.texts() == ["n0 (found at start)\nn1 (found at start)\nn2 (found at start)"]


async def test_a_group_that_does_not_fit_one_message_becomes_several_and_loses_nothing(
    world: World,
):
    await world.put(*(world.message(f"{n:03} " + "x" * 90, group="g") for n in range(40)))
    await world.settle()
    lines = [line for text in world.texts() for line in text.splitlines()]
    assert [line[:3] for line in lines] == [f"{n:03}" for n in range(40)]
    assert all(len(text) <= 1000 for text in world.texts())


async def test_a_lost_reply_marks_the_repeat_of_everything_in_the_batch(world: World):
    world.push.answer = lambda _batch: UNCLEAR
    high = {"group": "g", "priority": Priority.HIGH}
    await world.put(*(world.message(f"h{n}", **high) for n in range(2)))
    await world.settle()
    world.push.answer = lambda _batch: SENT
    await world.until(5)
    assert world.texts() == ["h0 (may be a repeat)\nh1 (may be a repeat)"]
