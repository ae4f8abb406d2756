"""Being stopped, broken disks, crowds and clocks: what must not keep an alarm back."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from unit.scheduler.world import START_S

from kilopush_bridge.core.protocol import (
    OPTED_OUT,
    QUOTA,
    REJECTED,
    SENT,
    UNCLEAR,
    UNSENT,
    Verdict,
)
from kilopush_bridge.errors import StorageError
from kilopush_bridge.model import Priority
from kilopush_bridge.outbox import outbox, upkeep
from kilopush_bridge.outbox.holds import load_holds
from kilopush_bridge.outbox.report import undelivered

if TYPE_CHECKING:
    from unit.scheduler.world import World

    from kilopush_bridge.model import Batch

HOUR = 3600


async def test_what_was_claimed_leaves_even_if_the_bridge_is_stopped_meanwhile(world: World):
    await world.put(world.critical("c"))
    release = threading.Event()
    busy = asyncio.create_task(world.store.read(lambda _: release.wait(5)))
    running = asyncio.create_task(world.scheduler.run())
    await asyncio.sleep(0)  # its claim waits behind the busy thread
    running.cancel()
    await asyncio.sleep(0)
    running.cancel()  # impatient
    release.set()
    await busy
    await asyncio.wait([running])
    assert running.cancelled()
    await world.scheduler.drain(1)
    assert world.texts() == ["c"]
    assert await world.states() == {"sent": 1}


async def test_a_reply_that_came_is_stored_even_if_the_time_to_stop_is_over(world: World):
    started = threading.Event()
    original = world.scheduler._settle

    async def slow(batch: Batch, verdict: Verdict) -> bool:
        started.set()
        await asyncio.sleep(0.05)
        return await original(batch, verdict)

    world.scheduler._settle = slow  # type: ignore[method-assign]
    await world.put(world.message("n"))
    await world.scheduler.step()
    while not started.is_set():  # noqa: ASYNC110
        await asyncio.sleep(0)
    await world.scheduler.drain(0)
    assert await world.states() == {"sent": 1}


async def test_a_post_that_outlives_the_stop_is_taken_up_as_a_repeat_at_the_next_start(
    world: World,
):
    async def never(_batch: Batch) -> Verdict:
        await asyncio.sleep(3600)
        raise AssertionError

    original, world.push.send = world.push.send, never  # type: ignore[method-assign]
    await world.put(world.critical("c"))
    await world.scheduler.step()
    await world.scheduler.drain(0.01)
    assert await world.states() == {"sending": 1}
    assert world.scheduler.in_flight == 0
    world.push.send = original  # type: ignore[method-assign]
    await world.store.call(upkeep.return_unfinished, world.now_s)
    await world.settle()
    assert world.texts() == ["c (may be a repeat)"]


async def test_a_crowd_of_criticals_without_a_reply_does_not_hide_a_new_one(world: World):
    world.push.answer = lambda _batch: UNCLEAR
    await world.put(*(world.critical(f"old {n}") for n in range(150)))
    await world.until(2 * HOUR, step_s=60)
    await world.put(world.critical("new"))
    await world.settle()
    assert len(world.times("new")) >= 1


async def test_a_crowd_of_held_criticals_does_not_hide_the_rest(world: World):
    await world.put(*(world.critical(f"c {n}") for n in range(100)), world.message("n"))
    world.push.answer = lambda batch: QUOTA if batch.is_critical else SENT
    await world.until(16 * 60, step_s=10)  # the pause of the rest ends after 15 min
    assert [text.split(" ")[0] for text in world.texts()] == ["n"]


async def test_a_large_group_that_is_collected_does_not_hide_what_is_behind_it(world: World):
    world.collecting = ("g",)
    await world.put(
        *(world.message(f"g{n}", group="g", priority=Priority.HIGH) for n in range(100))
    )
    await world.put(world.message("n"))
    await world.settle()
    assert world.texts() == ["n"]


async def test_a_clock_that_is_set_back_keeps_no_critical_waiting(world: World):
    world.push.answer = lambda _batch: UNSENT
    await world.put(world.critical("unsent"))
    await world.settle()
    world.now_s -= 30 * 24 * HOUR
    world.push.answer = lambda _batch: SENT
    await world.settle()
    assert world.texts() == ["unsent"]


async def test_a_clock_that_is_set_back_releases_holds_to_a_probe(world: World):
    world.push.answer = lambda _batch: QUOTA
    await world.put(world.critical("c"), world.message("n"))
    await world.settle()
    world.now_s -= 30 * 24 * HOUR
    world.push.answer = lambda _batch: SENT
    await world.settle()
    assert sorted(world.texts()) == ["c", "n"]


async def test_merged_criticals_that_are_refused_go_one_by_one_and_not_round_and_round(
    world: World,
):
    world.push.answer = lambda _batch: QUOTA
    await world.put(world.critical("bad"), world.critical("good"))
    await world.settle()
    posts = len(world.push.sent)
    world.push.answer = lambda batch: REJECTED if "bad" in batch.text else SENT
    await world.until(300)
    assert len(world.push.sent) - posts <= 5
    assert [text.split(" ")[0] for text in world.texts()] == ["good"]
    assert await world.states() == {"dead": 1, "sent": 1}


async def test_4024_for_a_summary_tells_the_others_of_every_alert_in_it(world: World):
    world.push.answer = lambda batch: OPTED_OUT if batch.person == "me" else SENT
    await world.put(
        world.message("mine", group="g"), world.message("ours", group="g", to=("me", "anna"))
    )
    await world.settle()
    assert any("no longer gets alerts" in text for text in world.texts())


async def test_a_dead_alarm_that_is_retried_after_its_end_says_that_it_is_over(world: World):
    world.push.answer = lambda _batch: REJECTED
    await world.put(world.critical("leak", key="k"))
    await world.until(120)
    await world.put(world.recovery("k", "dry", START_S))
    world.push.answer = lambda _batch: SENT
    dead = await world.store.read(upkeep.dead_letters)
    await world.store.call(upkeep.revive, dead, world.now_s)
    await world.settle()
    assert world.texts() == ["leak (2 min ago) (over after 2 min)"]


async def test_only_criticals_behind_a_hold_are_reported_as_undelivered(world: World):
    world.push.answer = lambda batch: "blocked" if batch.person == "me" else SENT
    await world.put(world.message("n"))
    await world.settle()
    await world.put(world.critical("for anna", to=("anna",)))
    assert await world.store.read(undelivered) is None
    await world.put(world.critical("for me"))
    report = await world.store.read(undelivered)
    assert report is not None
    assert (report["waiting"], report["reasons"]) == (1, ["blocked"])


# --- a mistake of ours ---------------------------------------------------------------------------


async def fails_once(world: World, name: str, error: Exception) -> list[float]:
    """Let a function of the world's API or store fail at its next call; return when it did."""
    owner = world.push if name == "send" else world.store
    original, failed = getattr(owner, name), []

    async def fail(*args: Any, **kwargs: Any) -> Any:
        setattr(owner, name, original)
        failed.append(world.now_s - START_S)
        raise error

    setattr(owner, name, fail)
    return failed


@pytest.mark.parametrize("error", [ZeroDivisionError("secret"), TypeError(), UnicodeError()])
async def test_an_alarm_that_we_fail_to_post_is_not_left_on_the_way(
    world: World, error: Exception, caplog: pytest.LogCaptureFixture
):
    failed = await fails_once(world, "send", error)
    await world.put(world.critical("c"), world.message("n"))
    await world.settle()
    assert failed == [0]
    assert world.scheduler.in_flight == world.scheduler.criticals_on_the_way == 0
    assert await world.states() == {"pending": 1, "sent": 1}
    await world.until(30)
    assert await world.states() == {"sent": 2}
    assert world.texts() == ["n", "c"]  # and it is no repeat
    assert [one.getMessage() for one in caplog.records] == ["a message could not be posted"]


@pytest.mark.parametrize("error", [KeyError("last"), StorageError("state cannot be read")])
async def test_a_digest_that_cannot_be_read_is_not_left_on_the_way(
    world: World, error: Exception, caplog: pytest.LogCaptureFixture
):
    world.push.answer = lambda _batch: QUOTA
    await world.send(world.message("a"), world.message("b"))
    world.push.answer = lambda _batch: SENT
    failed = await fails_once(world, "look", error)
    await world.until(16 * 60, step_s=10)
    assert failed == [900]
    assert await world.counts() == {"digested": 2}
    assert [text.partition(",")[0] for text in world.texts()] == ["2 alerts"]
    assert [one.getMessage() for one in caplog.records] == ["a message could not be posted"]


# --- the disk says no ----------------------------------------------------------------------------


def break_disk(world: World) -> None:
    """Every transaction that writes fails; what only reads works, as on a full disk."""
    original = world.store.call

    async def call(function: Any, *args: Any, **kwargs: Any) -> Any:
        def run(connection: Any) -> Any:
            before = connection.total_changes
            result = function(connection, *args, **kwargs)
            if world.is_disk_full and connection.total_changes != before:  # type: ignore[attr-defined]
                raise StorageError("state cannot be written: disk full")
            return result

        return await original(run)

    world.is_disk_full = True  # type: ignore[attr-defined]
    world.store.call = call  # type: ignore[method-assign]


async def test_stored_criticals_leave_once_while_the_disk_is_full_and_are_settled_later(
    world: World, caplog: pytest.LogCaptureFixture
):
    await world.put(world.critical("c"), world.message("n"))
    break_disk(world)
    for _ in range(5):
        await world.scheduler.step()
        await asyncio.sleep(0.02)
    assert world.texts() == ["c"]
    assert world.scheduler.failing_since_s == world.now_s
    assert world.scheduler.criticals_on_the_way == 0  # answered: nothing keeps the bridge alive
    assert len(caplog.records) == 1
    world.is_disk_full = False  # type: ignore[attr-defined]
    await asyncio.sleep(1.1)
    await world.settle()
    assert world.texts() == ["c", "n"]
    assert await world.states() == {"sent": 2}
    assert world.scheduler.failing_since_s is None


async def test_an_empty_transaction_is_no_proof_that_the_disk_works_again(world: World):
    await world.put(world.message("n"))
    break_disk(world)
    await world.scheduler.step()
    await world.store.read(lambda connection: connection.execute("DELETE FROM deliveries"))
    await world.scheduler.step()
    assert world.scheduler.failing_since_s is not None
    world.is_disk_full = False  # type: ignore[attr-defined]
    await world.scheduler.step()
    assert world.scheduler.failing_since_s is None


async def test_a_hold_of_a_person_does_not_touch_others(world: World):
    world.push.answer = lambda batch: "blocked" if batch.person == "me" else SENT
    await world.put(world.critical("c", to=("me", "anna")))
    await world.settle()
    holds = await world.store.read(load_holds)
    assert [(one.person, one.kind.value) for one in holds] == [("me", "blocked")]
    assert [person for _, person, _, outcome in world.push.sent if outcome == SENT] == ["anna"]


async def test_lanes_give_each_delivery_once_in_order(world: World):
    await world.put(*(world.message(f"{n}", priority=Priority(n % 4)) for n in range(12)))
    queue = await world.store.read(outbox.waiting, "home", "me", world.now_s, 100)
    assert [one.priority for one in queue] == sorted(one.priority for one in queue)
    assert len({one.id for one in queue}) == 12
