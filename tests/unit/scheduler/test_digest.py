"""What does not go by itself: when its digest leaves, what it says, and what its replies mean.

The world starts at 15:06:40 UTC.
"""

from __future__ import annotations

import re
from datetime import time
from typing import TYPE_CHECKING, Any

import pytest
from unit.scheduler.world import HOUR, MINUTE, START_S, World

from kilopush_bridge.core.budget import WINDOW_S
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
from kilopush_bridge.hours import Quiet
from kilopush_bridge.model import Priority
from kilopush_bridge.outbox import upkeep

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kilopush_bridge.model import Batch

    MakeWorld = Callable[..., Awaitable[World]]

CAP = 208
GAP_S = 2 * WINDOW_S / 12  # two people, twelve digests
NIGHT = Quiet(time(22, 30), time(7), Priority.HIGH)
TWICE = (time(7), time(19))
EVENING, LATE, MORNING = 14_000, 8 * HOUR, 57_200  # 19:00, 23:06:40 and 07:00, after the start


@pytest.fixture
async def full(house: World) -> World:
    """A house whose day is used up: whatever it says now goes into a digest."""
    await house.spend(CAP)
    return house


@pytest.fixture
async def night(make_world: MakeWorld) -> World:
    """A quiet house at 23:06: its next digest is at 07:00."""
    world = await make_world(quiet=NIGHT, digest_at=TWICE)
    world.now_s += LATE
    return world


def when(world: World) -> list[tuple[float, str]]:
    """Return when digests left, in seconds after the start, and to whom."""
    return [
        (at_s, batch.person)
        for (at_s, *_), batch in zip(world.push.sent, world.push.batches, strict=True)
        if batch.is_digest
    ]


def told(text: str) -> int:
    """Return how many alerts the lines of a digest stand for."""
    numbers = [re.search(r"×(\d+)|^\+(\d+) more", line) for line in text.splitlines()[1:]]
    return sum(int(found[1] or found[2]) if found else 1 for found in numbers)


# --- when it leaves -------------------------------------------------------------------------------


async def test_overflow_leaves_10_min_after_its_first_alert(full: World):
    await full.send(full.message("first"))
    await full.wait(9 * MINUTE)
    await full.send(full.message("second"))
    await full.wait(10 * MINUTE)
    assert when(full) == [(10 * MINUTE, "me")]
    assert await full.counts() == {"digested": 2}


async def test_everybody_on_a_channel_gets_it_at_the_same_time(full: World):
    await full.send(full.message("for me"))
    await full.wait(5 * MINUTE)
    await full.send(full.message("for anna", to=("anna",)))
    await full.wait(10 * MINUTE)
    assert when(full) == [(10 * MINUTE, "me"), (10 * MINUTE, "anna")]


async def test_each_person_is_told_of_their_own_alerts_only(full: World):
    await full.send(full.message("hers", to=("anna",)), full.message("ours", to=("me", "anna")))
    await full.wait(10 * MINUTE)
    texts = {batch.person: batch.text for batch in full.digests()}
    assert texts["me"].startswith("ours")
    assert texts["anna"].startswith("2 alerts")


async def test_the_next_one_leaves_no_sooner_than_all_slots_evenly_spread(full: World):
    await full.send(full.message("first"))
    await full.wait(10 * MINUTE)
    for _ in range(3):
        await full.send(full.message(f"at {full.now_s}"))
        await full.wait(HOUR)
    await full.wait(GAP_S)
    times = [at_s for at_s, _ in when(full)]
    assert times == [10 * MINUTE, pytest.approx(10 * MINUTE + GAP_S, abs=MINUTE)]


async def test_no_more_digests_than_there_are_slots(full: World):
    await full.spend(11, "digest", ago_s=WINDOW_S - 5 * HOUR)
    await full.send(full.message("for both", to=("me", "anna")))
    await full.wait(5 * HOUR - MINUTE)
    assert when(full) == []  # one slot is free, and two people want one
    await full.wait(MINUTE)
    assert len(when(full)) == 2


async def test_slots_for_the_times_of_the_day_are_kept(make_world: MakeWorld):
    world = await make_world(digests=2, people=1, digest_at=TWICE)
    await world.spend(CAP)
    await world.send(world.message("overflow"), world.message("d", priority=Priority.DIGEST))
    await world.until(EVENING - 1, step_s=MINUTE)
    assert when(world) == []
    await world.wait(1)
    assert when(world) == [(EVENING, "me")]
    assert await world.counts() == {"digested": 2}


async def test_overflow_without_a_slot_of_its_own_goes_at_a_time_of_the_day(make_world: MakeWorld):
    world = await make_world(digests=2, people=1, digest_at=TWICE)
    await world.spend(CAP)
    await world.send(world.message("overflow"))
    await world.until(EVENING + MINUTE, step_s=MINUTE)
    assert len(when(world)) == 1


async def test_what_is_due_together_becomes_one_message(make_world: MakeWorld):
    world = await make_world(digest_at=TWICE)
    await world.spend(CAP)
    await world.send(world.message("scheduled", priority=Priority.DIGEST))
    await world.until(EVENING - 5 * MINUTE, step_s=MINUTE)
    await world.send(world.message("overflow"))
    await world.until(EVENING + HOUR, step_s=MINUTE)
    assert when(world) == [(EVENING, "me")]
    assert world.texts()[-1].startswith("2 alerts")


async def test_without_a_limit_a_held_alert_still_has_its_digest(make_world: MakeWorld):
    world = await make_world(None)
    world.push.answer = lambda batch: UNCLEAR if batch.text == "lost" else SENT
    await world.send(world.message("lost"))
    await world.wait(11 * MINUTE)
    assert when(world) == [(10 * MINUTE, "me")]


async def test_a_digest_is_kept_over_a_restart(full: World):
    await full.send(full.message("first"))
    await full.restart()
    await full.start()
    await full.send(full.message("second"))
    await full.wait(10 * MINUTE)
    assert [told(batch.text) for batch in full.digests()] == [2]


# --- the class `digest` and quiet hours -----------------------------------------------------------


async def test_the_class_digest_is_never_a_message_of_its_own(make_world: MakeWorld):
    world = await make_world(digest_at=TWICE)
    await world.send(*(world.message(f"d{n}", priority=Priority.DIGEST) for n in range(3)))
    await world.until(EVENING, step_s=MINUTE)
    assert when(world) == [(EVENING, "me")]
    assert len(world.push.sent) == 1


async def test_at_night_only_what_is_let_through_goes_and_the_rest_waits_for_the_morning(
    night: World,
):
    await night.send(
        night.critical("c"),
        night.message("h", priority=Priority.HIGH),
        night.message("n"),
        night.message("l", priority=Priority.LOW),
    )
    assert night.texts() == ["c", "h"]
    await night.until(MORNING, step_s=HOUR)
    assert when(night) == [(MORNING, "me")]
    assert night.texts()[-1].startswith("2 alerts, Sun 23:06")


async def test_what_waits_for_the_morning_is_not_sent_again_by_day(night: World):
    await night.send(night.message("n"))
    await night.until(MORNING + 24 * HOUR, step_s=HOUR)
    assert len(night.push.sent) == 1


@pytest.mark.parametrize(("priority", "silent"), [(Priority.NORMAL, True), (Priority.HIGH, False)])
async def test_a_digest_at_night_is_silent_unless_it_holds_what_is_let_through(
    make_world: MakeWorld, priority: Priority, silent: bool
):
    world = await make_world(quiet=NIGHT, digest_at=TWICE)
    await world.until(LATE - HOUR, step_s=HOUR)  # 22:06:40
    await world.wait(20 * MINUTE)
    await world.spend(CAP)
    await world.send(world.message("n"), world.message("other", priority=priority))
    await world.wait(10 * MINUTE)
    assert [batch.silent for batch in world.digests()] == [silent]


@pytest.mark.parametrize("are_silent", [True, False])
async def test_by_day_a_digest_is_silent_if_all_it_holds_is(full: World, are_silent: bool):
    await full.send(full.message("a", silent=True), full.message("b", silent=are_silent))
    await full.wait(10 * MINUTE)
    assert [batch.silent for batch in full.digests()] == [are_silent]


# --- what it says ---------------------------------------------------------------------------------


async def test_a_digest_of_one_alert_reads_like_that_alert_with_its_link(full: World):
    await full.send(full.message("The door is open", url="https://cam.lan/door"))
    await full.wait(10 * MINUTE)
    (batch,) = full.digests()
    assert (batch.text, batch.url) == ("The door is open (10 min ago)", "https://cam.lan/door")


async def test_a_digest_names_rules_and_keys_and_its_total_is_exact(full: World):
    for name, number in (("window", 130), ("door", 6), ("mail", 1)):
        await full.put(
            *(full.message(f"{name} {n % 3}", name=name, key=f"{n % 3}") for n in range(number))
        )
    await full.wait(11 * MINUTE)
    (batch,) = full.digests()
    lines = batch.text.splitlines()
    assert lines[0] == "137 alerts, 15:06"
    assert lines[1] == "mail 0 (15:06)"  # what is rare says more
    assert "window 0 ×44 (15:06)" in lines
    assert told(batch.text) == 137


async def test_the_urgent_come_first_in_a_digest(full: World):
    await full.send(
        full.message("n", name="normal"),
        *(full.message(f"h{n}", name="high", priority=Priority.HIGH) for n in range(3)),
    )
    await full.wait(10 * MINUTE)
    (batch,) = full.digests()
    assert batch.text.splitlines()[1].startswith("h0")


async def test_the_total_is_exact_even_if_most_has_no_room(full: World):
    await full.put(*(full.message("x" * 150, name=f"rule {n} {'y' * 30}") for n in range(300)))
    await full.wait(11 * MINUTE)
    (batch,) = full.digests()
    assert len(batch.text) <= 1000
    assert batch.text.startswith("300 alerts, ")
    assert told(batch.text) == 300


# --- what its replies mean ------------------------------------------------------------------------


async def morning(
    night: World, *texts: str, answer: Callable[[Batch], str], **changes: Any
) -> None:
    """Let alerts of the night have their digest at seven."""
    await night.send(*(night.message(text, **changes) for text in texts))
    night.push.answer = answer
    await night.until(MORNING, step_s=HOUR)


async def test_a_refused_digest_goes_item_by_item(night: World):
    await morning(night, "a", "b", answer=lambda batch: REJECTED if batch.is_digest else SENT)
    assert [text.partition(" (")[0] for text in night.texts()] == ["a", "b"]
    assert await night.counts() == {"sent": 2}


async def test_what_is_refused_alone_too_is_a_dead_letter_and_the_rest_arrives(night: World):
    await morning(
        night, "bad", "good", answer=lambda batch: SENT if batch.text[:4] == "good" else REJECTED
    )
    await night.wait(2 * MINUTE)
    assert await night.counts() == {"sent": 1, "dead": 1}


def only_alone(batch: Batch) -> str:
    return REJECTED if batch.is_digest else SENT


async def test_up_to_20_in_a_refused_digest_go_as_fast_as_the_budget_allows(night: World):
    await night.spend(160, ago_s=0)  # of the 167 that `normal` alerts may use
    await morning(night, *(f"n{n}" for n in range(20)), answer=only_alone)
    assert await night.counts() == {"sent": 7, "pending": 13}
    await night.wait(10 * HOUR)
    assert await night.counts() == {"sent": 7, "pending": 13}
    await night.until(MORNING + 24 * HOUR, step_s=HOUR)  # it is quiet until then
    assert await night.counts() == {"sent": 20}
    assert len(night.digests()) == 1  # they are in no digest again


async def test_a_refused_digest_of_more_is_tried_again_without_its_details(night: World):
    def answer(batch: Batch) -> str:
        return REJECTED if "n20" in batch.text else SENT

    await morning(night, *(f"n{n}" for n in range(21)), answer=answer)
    assert night.texts() == []
    await night.wait(10, step_s=10)
    (text,) = night.texts()
    heading, words = text.splitlines()
    assert heading == "21 alerts, Sun 23:06"
    assert words.startswith("KILO.Push refuses the details of 1 rule: see `kilopush-bridge queue")
    assert await night.counts() == {"digested": 21}


async def test_what_joins_a_digest_after_its_refusal_is_in_its_number(night: World):
    await morning(night, *(f"n{n}" for n in range(21)), answer=only_alone)
    night.push.answer = lambda _batch: SENT
    await night.spend(CAP)
    await night.send(night.message("late", name="other", priority=Priority.DIGEST))
    await night.wait(10, step_s=10)
    assert night.texts()[0].startswith("22 alerts, ")
    assert "the details of 2 rules" in night.texts()[0]
    assert await night.counts() == {"digested": 22}


async def test_the_third_refusal_of_a_large_digest_makes_dead_letters_that_can_be_retried(
    night: World,
):
    await morning(night, *(f"n{n}" for n in range(21)), answer=only_alone)
    await night.wait(2 * MINUTE, step_s=10)
    assert [at_s - MORNING for at_s, _ in when(night)] == [0, 10, 70]
    assert await night.counts() == {"dead": 21}
    night.push.answer = lambda _batch: SENT
    dead = await night.store.read(upkeep.dead_letters)
    await night.store.call(upkeep.revive, dead[:1], night.now_s)
    await night.settle()
    assert await night.counts() == {"digested": 21}
    assert night.texts()[-1].splitlines()[1].startswith("n")  # with its details


async def test_the_class_digest_of_a_refused_digest_goes_item_by_item_too(night: World):
    await morning(
        night,
        "a",
        answer=lambda batch: REJECTED if batch.is_digest else SENT,
        priority=Priority.DIGEST,
    )
    assert await night.counts() == {"sent": 1}


async def test_a_digest_whose_reply_was_lost_goes_again_later_and_says_so(night: World):
    await morning(night, "a", "b", answer=lambda _batch: UNCLEAR)
    night.push.answer = lambda _batch: SENT
    await night.until(MORNING + 2 * HOUR, step_s=MINUTE)
    await night.until(EVENING + 24 * HOUR - 1, step_s=HOUR)
    assert len(when(night)) == 1  # at its times of the day only
    await night.wait(1)
    assert when(night)[1:] == [(EVENING + 24 * HOUR, "me")]
    assert night.texts() == ["2 alerts, Sun 23:06, may be a repeat\na (Sun 23:06)\nb (Sun 23:06)"]


async def test_a_digest_of_one_whose_reply_was_lost_says_that_it_may_be_a_repeat(night: World):
    await morning(night, "a", answer=lambda _batch: UNCLEAR)
    night.push.answer = lambda _batch: SENT
    await night.wait(12 * HOUR, step_s=HOUR)
    assert ["may be a repeat" in text for text in night.texts()] == [True]


async def test_a_digest_whose_reply_was_lost_and_that_is_refused_then_leaves_its_doubt(
    night: World,
):
    await morning(night, "a", "b", answer=lambda _batch: UNCLEAR)
    night.push.answer = only_alone
    await night.wait(12 * HOUR, step_s=HOUR)
    assert ["may be a repeat" in text for text in night.texts()] == [True, True]


@pytest.mark.parametrize(
    ("outcome", "wait_s", "is_spent"),
    [
        (QUOTA, 15 * MINUTE, False),
        (UNSENT, 30, False),
        (FORBIDDEN, 15 * MINUTE, True),
        (BLOCKED, HOUR, True),
    ],
)
async def test_a_digest_that_cannot_leave_waits_as_everything_does(
    night: World, outcome: str, wait_s: float, is_spent: bool
):
    await morning(night, "a", "b", answer=lambda _batch: outcome)
    assert await night.counts() == {"pending": 2}
    assert (await night.ledger()).usage.digest == is_spent
    night.push.answer = lambda _batch: SENT
    await night.wait(wait_s - 1, step_s=wait_s)
    assert len(when(night)) == 1
    await night.wait(1)
    assert await night.counts() == {"digested": 2}


async def test_who_has_left_the_channel_gets_no_digest_and_what_it_held_is_withdrawn(night: World):
    answer = lambda batch: OPTED_OUT if batch.person == "me" else SENT  # noqa: E731
    await morning(night, "a", "b", answer=answer, to=("me", "anna"))
    assert await night.counts() == {"withdrawn": 2, "digested": 2}
    reasons = {one["reason"] for one in await night.listed("withdrawn")}
    assert reasons == {"me has put the channel on the blacklist"}


async def test_a_crash_on_the_way_sends_the_digest_again_and_says_so(night: World):
    await night.send(night.message("a"), night.message("b"))
    night.now_s = START_S + MORNING
    await night.scheduler.step()  # it is on its way
    await night.scheduler.drain(0)
    await night.restart()
    await night.start()
    await night.settle()
    assert "may be a repeat" in night.texts()[-1].splitlines()[0]
    assert (await night.ledger()).usage.digest == 2


async def test_overflow_whose_reply_was_lost_goes_with_the_next_digest(full: World):
    full.push.answer = lambda _batch: UNCLEAR
    await full.send(full.message("a"), full.message("b"))
    await full.wait(10 * MINUTE)
    full.push.answer = lambda _batch: SENT
    await full.wait(GAP_S, step_s=10 * MINUTE)
    assert when(full) == [(10 * MINUTE, "me"), (pytest.approx(10 * MINUTE + GAP_S, abs=600), "me")]
    assert await full.counts() == {"digested": 2}


async def test_who_is_no_longer_configured_gets_no_digest(full: World):
    await full.send(full.message("hers", to=("anna",)), full.message("mine"))
    full.people = ("me",)
    await full.restart()
    await full.start()
    await full.wait(HOUR)
    assert [person for _, person in when(full)] == ["me"]


# --- what else goes into it -----------------------------------------------------------------------


async def test_after_a_lost_reply_a_normal_alert_goes_into_the_digest_marked(house: World):
    house.push.answer = lambda _batch: UNCLEAR
    await house.send(house.message("n"))
    house.push.answer = lambda _batch: SENT
    await house.wait(10 * MINUTE)
    assert house.texts() == ["n (10 min ago) (may be a repeat)"]
    assert len(house.push.sent) == 2


async def test_a_crowd_that_waits_for_a_used_up_quota_becomes_one_message(house: World):
    house.push.answer = lambda _batch: QUOTA
    await house.send(*(house.message(f"n{n}") for n in range(20)))
    assert len(house.push.sent) == 1
    house.push.answer = lambda _batch: SENT
    await house.wait(15 * MINUTE)
    assert await house.counts() == {"digested": 20}
    assert len(house.texts()) == 1


# --- an alarm that ends ---------------------------------------------------------------------------


async def test_an_alarm_that_ends_while_it_waits_in_a_digest_says_so_and_has_no_recovery(
    full: World,
):
    await full.send(full.critical("leak", key="k", priority=Priority.HIGH))
    await full.wait(5 * MINUTE)
    await full.send(full.recovery("k", "dry", START_S))
    await full.wait(GAP_S + HOUR)
    assert full.texts() == ["leak (10 min ago) (over after 5 min)"]
    assert await full.counts() == {"digested": 1}


async def test_the_recovery_of_an_alarm_that_was_in_a_digest_goes_into_the_next_one(full: World):
    await full.send(full.critical("leak", key="k", priority=Priority.HIGH))
    await full.wait(10 * MINUTE)
    await full.send(full.recovery("k", "dry", START_S))
    await full.wait(GAP_S)
    assert [text.partition(" (")[0] for text in full.texts()] == ["leak", "dry"]
    assert await full.counts() == {"digested": 2}


async def end_on_the_way(world: World, outcome: str) -> None:
    """Let an alarm end while the digest that holds it is on its way."""
    await world.send(world.critical("leak", key="k", priority=Priority.HIGH))
    await world.wait(9 * MINUTE)
    original = world.push.send

    async def send(batch: Batch) -> Any:
        await world.put(world.recovery("k", "dry", START_S))
        world.push.send = original  # type: ignore[method-assign]
        return await original(batch)

    world.push.send = send  # type: ignore[method-assign]
    world.push.answer = lambda _batch: outcome
    await world.wait(MINUTE)
    world.push.answer = lambda _batch: SENT


async def test_the_end_of_an_alarm_whose_digest_is_on_the_way_goes_into_the_next_one(full: World):
    await end_on_the_way(full, SENT)
    await full.wait(GAP_S)
    assert [text.partition(" (")[0] for text in full.texts()] == ["leak", "dry"]


@pytest.mark.parametrize("outcome", [UNSENT, QUOTA, FORBIDDEN])
async def test_an_alarm_whose_digest_has_to_go_again_says_itself_that_it_is_over(
    full: World, outcome: str
):
    await end_on_the_way(full, outcome)
    await full.wait(2 * GAP_S)
    (text,) = full.texts()
    assert re.fullmatch(r"leak \(.* ago\) \(over after 10 min\)", text)
    assert await full.counts() == {"digested": 1, "withdrawn": 1}


async def test_an_alarm_that_ends_while_its_digest_is_taken_apart_is_not_left_open(night: World):
    await night.send(night.critical("leak", key="k", priority=Priority.NORMAL), night.message("b"))
    night.push.answer = lambda batch: REJECTED if batch.is_digest else SENT
    night.now_s = START_S + MORNING
    await night.scheduler.step()
    await night.scheduler.drain(5)  # refused
    await night.scheduler.put([night.recovery("k", "dry", START_S)])
    await night.settle()
    assert [text for text in night.texts() if "over" in text or text == "dry"]


async def test_the_end_of_one_alarm_and_the_next_alarm_of_its_key_are_told_apart(full: World):
    leak = full.critical("leak", key="k", priority=Priority.HIGH)
    await full.send(leak)
    await full.wait(10 * MINUTE)
    await full.send(full.recovery("k", "dry", START_S), leak)
    await full.wait(GAP_S)
    assert full.texts()[-1].startswith("2 alerts, ")
    assert "dry" in full.texts()[-1]


# --- by hand --------------------------------------------------------------------------------------


async def test_what_was_dropped_by_hand_is_in_no_digest_and_an_empty_one_does_not_leave(
    full: World,
):
    await full.send(full.message("a"), full.message("b"))
    first, second = [one["id"] for one in await full.listed()]
    await full.store.call(upkeep.drop, first, full.now_s)
    await full.store.call(upkeep.drop, second, full.now_s)
    await full.wait(HOUR)
    assert full.push.sent == []
    assert await full.counts() == {"withdrawn": 2}
