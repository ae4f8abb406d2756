"""300 messages a day: who gets them, and what is always kept (docs/quota.md).

Of 300, 60 are kept for criticals, 20 for other senders and 12 for digests: the cap is 208.
"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from unit.scheduler.world import DAY, HOUR, MINUTE, World

from kilopush_bridge.core.budget import LESSON_S, WINDOW_S, Limits
from kilopush_bridge.core.protocol import QUOTA, SENT, UNSENT
from kilopush_bridge.model import HoldKind, Priority
from kilopush_bridge.outbox.holds import load_holds
from kilopush_bridge.scheduler.overview import overview
from kilopush_bridge.scheduler.policy import ChannelPolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from kilopush_bridge.model import Batch, Message
    from kilopush_bridge.outbox.ledger import Ledger

    MakeWorld = Callable[..., Awaitable[World]]

CAP, DIGESTS = 208, 12
HIGH, NORMAL, LOW = Priority.HIGH, Priority.NORMAL, Priority.LOW


def alerts(world: World, number: int, **changes: Any) -> list[Message]:
    """Return alerts, each of a rule of its own."""
    return [
        world.message(f"n{n} at {world.now_s}", **{"name": f"rule {n}", **changes})
        for n in range(number)
    ]


async def left_alone(world: World, *messages: Message) -> int:
    """Send messages and return how many of them became one of their own."""
    before = (await world.counts()).get("sent", 0)
    await world.send(*messages)
    return (await world.counts()).get("sent", 0) - before


# --- who may use how much -------------------------------------------------------------------------


@pytest.mark.parametrize(("priority", "ceiling"), [(HIGH, 208), (NORMAL, 167), (LOW, 104)])
async def test_each_priority_has_a_ceiling_and_the_rest_goes_into_the_digest(
    house: World, priority: Priority, ceiling: int
):
    await house.spend(ceiling - 2)
    assert await left_alone(house, *alerts(house, 5, priority=priority)) == 2
    assert await house.counts() == {"sent": 2, "pending": 3}
    assert {one["reason"] for one in await house.listed()} == {"in the next digest"}


async def test_one_rule_gets_less_than_half_and_the_others_go_on(house: World):
    await house.spend(103, rule="chatty")
    assert await left_alone(house, *alerts(house, 3, name="chatty")) == 1
    assert await left_alone(house, house.message(name="quiet")) == 1


async def test_the_half_of_a_rule_is_free_again_after_the_window(house: World):
    await house.spend(104, rule="chatty", ago_s=WINDOW_S - MINUTE)
    assert await left_alone(house, house.message("a", name="chatty")) == 0
    await house.wait(2 * MINUTE)
    assert await left_alone(house, house.message("b", name="chatty")) == 1


async def test_a_burst_leaves_room_for_what_is_more_urgent(house: World):
    assert await left_alone(house, *alerts(house, 100, priority=LOW)) == 31  # half of 30 % of 208
    assert await left_alone(house, *alerts(house, 100, priority=NORMAL)) == 49 - 31
    assert await left_alone(house, *alerts(house, 100, priority=HIGH)) == 62 - 49


async def test_after_a_burst_one_may_go_every_seven_minutes(house: World):
    await left_alone(house, *alerts(house, 100, priority=HIGH))
    one_more = [
        await left_alone(house, house.message(f"m{n}", priority=HIGH, name=f"m{n}"))
        for n in range(3)
        if not await house.wait(DAY / CAP + 1)
    ]
    assert one_more == [1, 1, 1]
    assert await left_alone(house, house.message("at once", priority=HIGH)) == 0


async def test_criticals_ask_nobody(house: World):
    await house.spend(CAP)
    await house.spend(DIGESTS, "digest")
    await house.spend(60, "critical")
    await house.send(*(house.critical(f"c{n}") for n in range(40)))
    assert await house.counts() == {"sent": 40}


async def test_more_criticals_than_were_kept_for_take_from_the_rest(house: World):
    await house.spend(100)
    await house.spend(179, "critical")
    assert await left_alone(house, *alerts(house, 3)) == 1


async def test_each_attempt_to_each_person_counts(house: World):
    await house.send(house.message("both", to=("me", "anna")), house.critical("c", to=("me",)))
    usage = (await house.ledger()).usage
    assert (usage.other, usage.critical) == (2, 1)


async def test_what_never_left_and_what_the_quota_refused_was_free(house: World):
    for outcome in (UNSENT, QUOTA):
        house.push.answer = lambda _batch, outcome=outcome: outcome
        await house.send(house.message(outcome))
    assert (await house.ledger()).usage.total() == 0


async def test_it_counts_for_a_window_and_then_no_more(house: World):
    await house.send(house.message())
    for wait_s, counted in ((WINDOW_S - 1, 1), (1, 0)):
        house.now_s += wait_s
        assert (await house.ledger()).usage.total() == counted


async def test_what_leaves_together_is_seen_together(house: World):
    """One claim may start many: each has to see the ones before it."""
    await house.spend(CAP - 3)
    assert await left_alone(house, *alerts(house, 50, priority=HIGH, to=("me", "anna"))) == 3


# --- the proof ------------------------------------------------------------------------------------


class Proof:
    """Checks before each POST, by the true time, that what is kept is kept (promise G1)."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.posted: list[tuple[float, str]] = []
        world.push.answer = self.answer

    def answer(self, batch: Batch) -> str:
        now_s = self.world.now_s
        self.posted.append((now_s, batch.ledger_kind))
        recent = [kind for at_s, kind in self.posted if at_s > now_s - WINDOW_S]
        number = {kind: recent.count(kind) for kind in ("other", "digest", "critical")}
        assert number["other"] <= CAP
        assert number["digest"] <= DIGESTS
        if not batch.is_critical:
            kept = max(60, number["critical"]) + 20
            assert number["other"] + number["digest"] + kept <= 300
        return SENT


@pytest.mark.parametrize("seed", [1, 2])
async def test_whatever_a_house_says_what_is_kept_is_kept(house: World, seed: int):
    chance, proof = random.Random(seed), Proof(house)
    for step in range(2 * 48):
        messages = alerts(
            house,
            chance.choice((0, 1, 5, 20)),
            priority=chance.choice((HIGH, NORMAL, LOW)),
            to=chance.choice((("me",), ("me", "anna"))),
        )
        if chance.random() < 0.4:
            messages += [house.critical(f"c{step} {n}") for n in range(chance.choice((1, 10)))]
        await house.send(*messages)
        await house.wait(30 * MINUTE, step_s=15 * MINUTE)
    kinds = [kind for _, kind in proof.posted]
    assert kinds.count("other") > CAP  # it was tried
    assert kinds.count("digest") >= DIGESTS
    assert max(kinds.count("critical"), 60) > 60


# --- several channels -----------------------------------------------------------------------------


async def test_without_a_limit_everything_goes_by_itself(make_world: MakeWorld):
    world = await make_world(None)
    assert await left_alone(world, *alerts(world, 400)) == 400


async def test_each_channel_has_a_budget_of_its_own(make_world: MakeWorld):
    both = {"home": ChannelPolicy(Limits()), "garden": ChannelPolicy(Limits())}
    world = await make_world(channels=both)
    await world.spend(CAP)
    there = world.message("there", channel="garden")
    assert await left_alone(world, world.message("here"), there) == 1
    assert world.texts() == ["there"]


async def critical_is_refused(make_world: MakeWorld, critical_channel: str | None) -> World:
    channels = {
        "home": ChannelPolicy(Limits(), critical_channel),
        "spare": ChannelPolicy(Limits()),
    }
    world = await make_world(channels=channels)
    world.push.answer = lambda batch: QUOTA if batch.channel == "home" else SENT
    await world.send(world.critical("leak", key="k"))
    return world


async def test_another_channel_takes_over_a_refused_critical_at_once(make_world: MakeWorld):
    world = await critical_is_refused(make_world, "spare")
    assert [one.channel for one in world.push.batches] == ["home", "spare"]
    assert await world.counts() == {"sent": 1}


async def test_the_recovery_goes_the_way_the_critical_went(make_world: MakeWorld):
    world = await critical_is_refused(make_world, "spare")
    await world.send(world.recovery("k", "dry", world.now_s))
    assert [(one.channel, one.text) for one in world.push.batches[2:]] == [("spare", "dry")]


async def test_while_a_critical_is_refused_nothing_else_leaves_its_channel(make_world: MakeWorld):
    world = await critical_is_refused(make_world, None)
    await world.send(*alerts(world, 3, priority=HIGH), world.message("there", channel="spare"))
    await world.wait(2 * HOUR)
    assert {one.text.partition(" (")[0] for one in world.push.batches} == {"leak", "there"}
    world.push.answer = lambda _batch: SENT
    await world.wait(20 * MINUTE)
    assert await world.counts() == {"sent": 2, "digested": 3}


async def test_nothing_else_leaves_while_a_refused_critical_is_tried_again(make_world: MakeWorld):
    world = await critical_is_refused(make_world, None)
    await world.send(world.message("late"))
    await world.wait(17 * MINUTE)  # the pause of the rest is over, its digest is due
    original = world.push.send

    async def send(batch: Batch) -> Any:
        if batch.is_critical:
            await world.scheduler.step()
        return await original(batch)

    world.push.send = send  # type: ignore[method-assign]
    await world.wait(2 * MINUTE)
    assert world.times("leak")[-1] == 18 * MINUTE
    assert world.digests() == []


# --- what other senders use -----------------------------------------------------------------------


async def refused_at(world: World, ours: int) -> Ledger:
    """Let the quota refuse a message after so many of ours; return the ledger after it."""
    await world.spend(ours)
    world.push.answer = lambda _batch: QUOTA
    await world.send(world.message(f"refused at {ours}", priority=HIGH))
    world.push.answer = lambda _batch: SENT
    return await world.ledger()


async def test_a_refusal_tells_what_other_senders_have_used(house: World):
    assert (await refused_at(house, 100)).others_seen == 200


async def test_the_largest_that_was_seen_holds(house: World):
    await refused_at(house, 100)
    await house.wait(20 * MINUTE)  # the pause is over
    assert (await refused_at(house, 50)).others_seen == 200


async def test_room_is_left_for_what_others_were_seen_to_use(house: World):
    await refused_at(house, 100)
    await house.wait(20 * MINUTE)
    assert await left_alone(house, house.message("too many", priority=HIGH)) == 0


async def test_a_lesson_holds_for_96_hours(house: World):
    await refused_at(house, 100)
    house.now_s += LESSON_S - 1
    assert await left_alone(house, *alerts(house, 30)) == 6  # a burst of a cap of 28
    house.now_s += 1
    assert (await house.ledger()).others_seen == 0
    assert await left_alone(house, *alerts(house, 30)) == 30


async def test_a_refused_critical_teaches_it_too(make_world: MakeWorld):
    world = await critical_is_refused(make_world, None)
    assert (await world.ledger()).others_seen == 300
    held = {hold.kind for hold in await world.store.read(load_holds)}
    assert held == {HoldKind.QUOTA_CRITICAL, HoldKind.QUOTA}


async def test_a_gateway_that_is_asked_too_often_pauses_and_teaches_nothing(house: World):
    house.push.statuses[QUOTA] = 429
    assert (await refused_at(house, 100)).others_seen == 0
    assert {hold.kind for hold in await house.store.read(load_holds)} == {HoldKind.QUOTA}
    await house.wait(15 * MINUTE)
    assert await left_alone(house, house.message("n", name="other")) == 1
    assert (await channel(house))["others_seen"] == 0


# --- what `status` says ---------------------------------------------------------------------------


async def channel(world: World) -> dict[str, Any]:
    report = await world.store.read(overview, world.policy, world.scheduler.moment())
    assert set(report) == {"channels", "alerts", "firing", "timers", "snoozed", "holds"}
    return report["channels"]["home"]


async def test_status_tells_what_is_spent_and_left(house: World):
    await house.spend(100)
    await house.spend(10, "critical")
    await house.spend(2, "digest")
    assert await channel(house) == {
        "per_day": 300,
        "spent": 112,
        "left": 108,
        "critical_left": 168,
        "digests_left": 10,
        "others_seen": 0,
        "next_digest": None,
        "paused_until": None,
        "reason": None,
    }


async def test_status_tells_what_was_learned_of_others(house: World):
    await refused_at(house, 100)
    told = await channel(house)
    assert (told["others_seen"], told["left"]) == (200, 0)


async def test_status_tells_when_the_next_digest_leaves_and_how_long_a_channel_is_paused(
    house: World,
):
    await refused_at(house, 0)
    told = await channel(house)
    assert told["paused_until"] == house.now_s + 15 * MINUTE
    assert told["next_digest"] == house.now_s + 10 * MINUTE
    assert told["reason"] == "quota"


async def test_status_of_a_channel_without_a_limit_counts_all_the_same(make_world: MakeWorld):
    world = await make_world(None)
    await world.send(world.message())
    told = await channel(world)
    assert (told["per_day"], told["spent"], told["left"]) == (None, 1, None)
