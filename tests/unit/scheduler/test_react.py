"""What one verdict changes, as a table."""

from __future__ import annotations

from typing import Any

import pytest

from kilopush_bridge.core import protocol
from kilopush_bridge.core.protocol import Verdict
from kilopush_bridge.model import Batch, Delivery, Hold, HoldKind, Kind, Priority, State
from kilopush_bridge.scheduler.react import Ways, react

NOW_S = 1_000_000.0


def batch(*numbers: int, **changes: Any) -> Batch:
    values: dict[str, Any] = {
        "person": "me",
        "channel": "home",
        "kind": Kind.EVENT,
        "priority": Priority.NORMAL,
        "name": "rule",
        "text": "text",
        "url": None,
        "silent": False,
        "created_at_s": NOW_S,
    }
    deliveries = tuple(
        Delivery(id=number, alert_id=number, **(values | changes)) for number in numbers
    )
    return Batch(deliveries, "text", None, silent=False)


def hold(kind: HoldKind, next_at_s: float, person: str = "", tries: int = 1) -> Hold:
    return Hold("home", person, kind, NOW_S - 100, tries, next_at_s)


def verdict(outcome: str) -> Verdict:
    return Verdict(outcome, None, "why")


# outcome, of a critical -> state, wait, marked as a repeat, holds that it sets with their wait
TABLE = [
    (protocol.SENT, False, State.SENT, 0, False, {}),
    (protocol.OPTED_OUT, False, State.WITHDRAWN, 0, False, {}),
    (protocol.REJECTED, False, State.PENDING, 10, False, {}),
    (protocol.UNSENT, False, State.PENDING, 0, False, {HoldKind.UNREACHABLE: 30}),
    (protocol.UNSENT, True, State.PENDING, 30, False, {HoldKind.UNREACHABLE: 30}),
    (protocol.UNCLEAR, False, State.PENDING, 0, True, {HoldKind.UNCLEAR: 2}),
    (protocol.UNCLEAR, True, State.PENDING, 0, True, {HoldKind.UNCLEAR: 2}),
    (protocol.QUOTA, False, State.PENDING, 0, False, {HoldKind.QUOTA: 900}),
    (
        protocol.QUOTA,
        True,
        State.PENDING,
        0,
        False,
        {HoldKind.QUOTA_CRITICAL: 60, HoldKind.QUOTA: 900},
    ),
    (protocol.BLOCKED, False, State.PENDING, 0, False, {HoldKind.BLOCKED: 3600}),
    (protocol.FORBIDDEN, True, State.PENDING, 0, False, {HoldKind.FORBIDDEN: 900}),
]


@pytest.mark.parametrize(("outcome", "critical", "state", "wait_s", "is_repeat", "holds"), TABLE)
def test_what_a_verdict_does(
    outcome: str,
    critical: bool,
    state: State,
    wait_s: float,
    is_repeat: bool,
    holds: dict[HoldKind, float],
):
    sent = batch(1, priority=Priority.CRITICAL if critical else Priority.NORMAL)
    reaction = react(sent, verdict(outcome), (), NOW_S)
    (settled,) = reaction.settlements
    assert (settled.state, settled.due_at_s - NOW_S) == (state, wait_s)
    assert settled.is_repeat is is_repeat
    assert {one.kind: one.next_at_s - NOW_S for one in reaction.set_holds} == holds
    assert {one.person for one in reaction.set_holds} <= {
        "me" if outcome == protocol.BLOCKED else ""
    }


def test_a_success_releases_its_channel_and_its_person_and_nobody_else():
    mine = [hold(kind, NOW_S + 9) for kind in HoldKind if kind is not HoldKind.BLOCKED]
    mine.append(hold(HoldKind.BLOCKED, NOW_S + 9, "me"))
    others = hold(HoldKind.BLOCKED, NOW_S + 9, "anna")
    reaction = react(batch(1), verdict(protocol.SENT), [*mine, others], NOW_S)
    assert set(reaction.cleared_holds) == set(mine)


def test_criticals_that_fail_side_by_side_take_one_step_and_not_ten():
    holds: dict[Any, Hold] = {}
    for number in range(10):
        sent = batch(number, priority=Priority.CRITICAL)
        reaction = react(sent, verdict(protocol.UNCLEAR), list(holds.values()), NOW_S)
        holds.update({one.id: one for one in reaction.set_holds})
    assert [(one.tries, one.next_at_s - NOW_S) for one in holds.values()] == [(1, 2)]


def test_a_hold_from_the_future_of_a_clock_that_was_set_back_is_set_anew():
    far = hold(HoldKind.FORBIDDEN, NOW_S + 1e7)
    (new,) = react(batch(1), verdict(protocol.FORBIDDEN), [far], NOW_S).set_holds
    assert new.next_at_s == NOW_S + 900


def test_the_third_refusal_is_the_last_and_keeps_the_reason():
    (settled,) = react(batch(1, tries=2), verdict(protocol.REJECTED), (), NOW_S).settlements
    assert (settled.state, settled.reason, settled.tries) == (State.DEAD, "refused: why", 3)


def test_a_refused_group_is_taken_apart():
    reaction = react(batch(1, 2, group="g"), verdict(protocol.REJECTED), (), NOW_S)
    assert [one.keep_group for one in reaction.settlements] == [False, False]


def test_a_doubt_once_had_is_never_forgotten():
    sent = batch(1, is_repeat=True)
    for outcome in (protocol.QUOTA, protocol.UNSENT, protocol.REJECTED, protocol.SENT):
        assert all(one.is_repeat for one in react(sent, verdict(outcome), (), NOW_S).settlements)


# --- digests and other channels -------------------------------------------------------------------


def test_a_lost_reply_is_a_doubt_that_stays_with_each_alert():
    reaction = react(batch(1, 2), verdict(protocol.UNCLEAR), (), NOW_S)
    assert [one.is_repeat for one in reaction.settlements] == [True, True]


def test_a_digest_whose_reply_was_lost_goes_when_the_next_one_would():
    ways = Ways(next_digest_s=NOW_S + 7200)
    reaction = react(batch(1, kind=Kind.DIGEST), verdict(protocol.UNCLEAR), (), NOW_S, ways)
    (settled,) = reaction.settlements
    assert (settled.state, settled.due_at_s, settled.is_repeat) == (
        State.PENDING,
        NOW_S + 7200,
        True,
    )


def test_a_refused_digest_gives_its_alerts_free():
    reaction = react(batch(1, 2, kind=Kind.DIGEST), verdict(protocol.REJECTED), (), NOW_S)
    assert [one.state for one in reaction.settlements] == [State.RELEASED] * 2


def test_another_channel_takes_over_a_critical_that_the_quota_refuses():
    sent = batch(1, priority=Priority.CRITICAL)
    ways = Ways(critical_channel="spare")
    reaction = react(sent, verdict(protocol.QUOTA), (), NOW_S, ways)
    (settled,) = reaction.settlements
    assert (settled.channel, settled.state, settled.due_at_s) == ("spare", State.PENDING, NOW_S)
    assert [one.kind for one in reaction.set_holds] == [HoldKind.QUOTA]  # for everything else
    again = react(sent, verdict(protocol.QUOTA), reaction.set_holds, NOW_S, ways)
    assert again.set_holds == ()


def test_another_channel_takes_over_nothing_but_criticals():
    (settled,) = react(
        batch(1, priority=Priority.HIGH), verdict(protocol.QUOTA), (), NOW_S, Ways("spare")
    ).settlements
    assert settled.channel is None
