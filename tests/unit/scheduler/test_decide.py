"""What leaves now: a table of what waits, what is held and what is on the way."""

from __future__ import annotations

from typing import Any

import pytest

from kilopush_bridge.core.budget import Limits, Usage
from kilopush_bridge.core.retry import retry_delay_s
from kilopush_bridge.model import Delivery, Hold, HoldKind, Kind, Priority
from kilopush_bridge.outbox.digests import Planned, Slot
from kilopush_bridge.outbox.ledger import Ledger
from kilopush_bridge.outbox.outbox import LANES, LONGEST_WAIT_S
from kilopush_bridge.scheduler.budget import Budget
from kilopush_bridge.scheduler.decide import (
    CRITICALS_AT_ONCE,
    Flight,
    Plan,
    Situation,
    decide,
    stops,
)
from kilopush_bridge.scheduler.pauses import is_waiting, pause_s
from kilopush_bridge.scheduler.policy import ChannelPolicy, Policy

NOW_S = 1_000_000.0
UNLIMITED = Limits(per_day=None)


def delivery(number: int, priority: Priority = Priority.NORMAL, **changes: Any) -> Delivery:
    values: dict[str, Any] = {
        "id": number,
        "alert_id": number,
        "person": "me",
        "channel": "home",
        "kind": Kind.EVENT,
        "priority": priority,
        "name": "rule",
        "text": f"text {number}",
        "url": None,
        "silent": False,
        "created_at_s": NOW_S,
    }
    return Delivery(**{**values, **changes})


def digest(number: int, **changes: Any) -> Delivery:
    return delivery(number, **{"kind": Kind.DIGEST, "group": Slot.SOON, **changes})


def critical(number: int, **changes: Any) -> Delivery:
    return delivery(number, Priority.CRITICAL, **changes)


def hold(kind: HoldKind, in_s: float = 30, **changes: Any) -> Hold:
    person = "me" if kind is HoldKind.BLOCKED else ""
    values: dict[str, Any] = {
        "channel": "home",
        "person": person,
        "kind": kind,
        "since_s": NOW_S - 60,
        "tries": 4,
        "next_at_s": NOW_S + in_s,
    }
    return Hold(**{**values, **changes})


def plan(
    *waiting: Delivery,
    holds: Any = (),
    flights: Any = (),
    digests: Any = (),
    limits: Limits = UNLIMITED,
    usage: Usage | None = None,
    **changes: Any,
) -> Plan:
    channels = {one: ChannelPolicy(limits) for one in ("home", "garden")}
    budgets = {
        name: Budget(own, Ledger(usage=usage or Usage()), NOW_S, is_certain=True)
        for name, own in channels.items()
    }
    policy = Policy(channels, **changes)
    return decide(Situation([waiting], digests, holds, flights, budgets, policy), NOW_S)


def launched(*waiting: Delivery, **changes: Any) -> list[list[int]]:
    return [[one.id for one in launch.deliveries] for launch in plan(*waiting, **changes).launches]


def deferred(*waiting: Delivery, **changes: Any) -> list[tuple[int, str]]:
    return [(one.id, group) for one, group in plan(*waiting, **changes).deferred]


def test_criticals_leave_together_and_one_of_the_rest():
    assert launched(delivery(1), critical(2), delivery(3), critical(4)) == [[2], [4], [1]]


def test_nothing_else_leaves_while_one_of_the_rest_is_on_the_way_but_criticals_do():
    on_the_way = [Flight("home", "other")]
    assert launched(delivery(1), critical(2), flights=on_the_way) == [[2]]


def test_each_channel_has_a_lane_of_its_own():
    elsewhere = delivery(2, channel="garden")
    assert launched(delivery(1), elsewhere, delivery(3)) == [[1], [2]]


def test_no_more_criticals_at_once_than_any_house_needs():
    assert len(launched(*map(critical, range(CRITICALS_AT_ONCE + 5)))) == CRITICALS_AT_ONCE


def test_a_group_leaves_as_one_and_only_with_its_own_person():
    waiting = [delivery(n, group="g") for n in range(3)]
    waiting.append(delivery(9, group="g", person="anna"))
    assert launched(*waiting) == [[0, 1, 2]]


# Which holds stop what: fresh critical, critical that may be a repeat, anything else.
STOPPED = {
    HoldKind.FORBIDDEN: (True, True, True),
    HoldKind.BLOCKED: (True, True, True),
    HoldKind.QUOTA: (False, False, True),
    HoldKind.QUOTA_CRITICAL: (True, True, False),
    HoldKind.UNCLEAR: (False, True, True),
    HoldKind.UNREACHABLE: (False, False, True),
}


@pytest.mark.parametrize("kind", list(HoldKind))
def test_each_hold_stops_whole_lanes(kind: HoldKind):
    assert len(LANES) == 4  # the last two differ in what becomes of them, not in what stops them
    lanes = (critical(1), critical(2, is_repeat=True), delivery(3))
    assert tuple(stops(hold(kind), one) for one in lanes) == STOPPED[kind]
    for same_lane in (delivery(3, is_repeat=True), delivery(3, tries=1), digest(3)):
        assert stops(hold(kind), same_lane) == STOPPED[kind][2]


@pytest.mark.parametrize("kind", list(HoldKind))
def test_a_hold_stops_only_its_own_channel_and_person(kind: HoldKind):
    assert not stops(hold(kind, channel="garden"), delivery(1))
    assert not stops(hold(HoldKind.BLOCKED, person="anna"), delivery(1))


@pytest.mark.parametrize("kind", [HoldKind.FORBIDDEN, HoldKind.UNCLEAR, HoldKind.BLOCKED])
def test_a_due_hold_lets_the_most_urgent_through_and_nothing_beside_it(kind: HoldKind):
    waiting = [delivery(1), critical(2, is_repeat=True), critical(3, is_repeat=True)]
    assert launched(*waiting, holds=[hold(kind, in_s=0)]) == [[2]]
    assert launched(*waiting, holds=[hold(kind, in_s=1)]) == []


def test_a_probe_on_the_way_is_not_doubled():
    due = hold(HoldKind.FORBIDDEN, in_s=0)
    probing = Flight("home", "critical", probes=frozenset({due.id}))
    assert launched(critical(1), holds=[due], flights=[probing]) == []


def test_later_criticals_are_merged_into_the_probe_of_a_used_up_quota():
    due = hold(HoldKind.QUOTA_CRITICAL, in_s=0)
    assert launched(critical(1), critical(2), delivery(3), holds=[due]) == [[1, 2]]


@pytest.mark.parametrize("kind", list(HoldKind))
def test_a_hold_from_the_future_of_a_clock_that_was_set_back_does_not_keep_an_alarm(
    kind: HoldKind,
):
    longest_s = pause_s(kind, 4)
    assert is_waiting(hold(kind, in_s=longest_s), NOW_S)
    assert not is_waiting(hold(kind, in_s=longest_s + 1), NOW_S)


def test_no_delivery_waits_by_itself_longer_than_the_outbox_believes():
    waits = [retry_delay_s("rejected", tries) or 0 for tries in range(1, 5)]
    assert max(*waits, retry_delay_s("unsent", 1) or 0) <= LONGEST_WAIT_S


# --- what goes into a digest ----------------------------------------------------------------------

FULL = {"limits": Limits(), "usage": Usage(other=300)}


def planned(number: int, in_s: float = 0, **changes: Any) -> Planned:
    return Planned(digest(number, **changes), NOW_S + in_s)


def test_what_the_budget_has_no_room_for_goes_into_a_digest_but_criticals_go_out():
    assert deferred(critical(1), delivery(2), **FULL) == [(2, Slot.SOON)]
    assert [one.deliveries[0].id for one in plan(critical(1), delivery(2), **FULL).launches] == [1]


def test_what_was_refused_in_a_digest_waits_for_room_and_goes_into_no_digest_again():
    once = plan(delivery(1, tries=1), **FULL)
    assert (once.launches, once.deferred) == ([], [])


def test_a_group_goes_into_the_digest_as_a_whole():
    assert deferred(delivery(1, group="g"), delivery(2, group="g"), **FULL) == [
        (1, Slot.SOON),
        (2, Slot.SOON),
    ]


@pytest.mark.parametrize("kind", list(HoldKind))
def test_only_a_used_up_quota_sends_what_waits_into_the_digest(kind: HoldKind):
    is_paused = kind is HoldKind.QUOTA
    assert deferred(delivery(1), holds=[hold(kind)]) == ([(1, Slot.SOON)] if is_paused else [])


def test_the_class_digest_waits_for_its_time_whatever_the_budget():
    assert deferred(delivery(1, Priority.DIGEST)) == [(1, Slot.SCHEDULED)]


def test_a_digest_leaves_when_its_time_has_come_and_not_before():
    assert launched(digests=[planned(1, in_s=1)]) == []
    assert launched(digests=[planned(1)]) == [[1]]


def test_a_digest_from_the_future_of_a_clock_that_was_set_back_leaves_now():
    assert launched(digests=[planned(1, in_s=30 * 86_400)]) == [[1]]


def test_the_digests_of_a_person_become_one_message():
    theirs = [planned(1), planned(2, in_s=60), planned(3, in_s=60, group=Slot.SCHEDULED)]
    assert launched(digests=theirs) == [[1, 2]]
    theirs = [planned(1, in_s=60), planned(2, group=Slot.SCHEDULED)]
    assert launched(digests=theirs) == [[1, 2]]


def test_without_a_slot_for_each_person_nobody_gets_a_digest():
    round_of_two = [planned(1), planned(2, person="anna")]
    for free, leaving in ((2, [[1], [2]]), (1, [])):
        usage = Usage(digest=12 - free)
        assert launched(digests=round_of_two, limits=Limits(), usage=usage) == leaving


def test_who_is_blocked_does_not_keep_the_others_from_their_digest():
    round_of_two = [planned(1), planned(2, person="anna")]
    assert launched(digests=round_of_two, holds=[hold(HoldKind.BLOCKED)]) == [[2]]


def test_while_a_critical_is_refused_nothing_else_leaves_its_channel():
    refused = hold(HoldKind.QUOTA_CRITICAL)
    once = plan(
        critical(1), delivery(2), delivery(3, tries=1), holds=[refused], digests=[planned(4)]
    )
    assert once.launches == []
    assert [(one.id, group) for one, group in once.deferred] == [(2, Slot.SOON)]
    elsewhere = delivery(5, channel="garden")
    assert launched(critical(1), elsewhere, holds=[refused]) == [[5]]


@pytest.mark.parametrize(
    ("priority", "changes", "is_deferred"),
    [
        (Priority.CRITICAL, {}, False),
        (Priority.HIGH, {}, False),
        (Priority.NORMAL, {}, True),
        (Priority.LOW, {}, True),
        (Priority.LOW, {"tries": 1}, False),  # it was refused in a digest already
    ],
)
def test_only_what_is_urgent_is_worth_a_second_copy_by_itself(
    priority: Priority, changes: dict[str, Any], is_deferred: bool
):
    made = plan(delivery(1, priority, is_repeat=True, **changes))
    assert [group for _, group in made.deferred] == [Slot.SOON] * is_deferred
    assert len(made.launches) == (not is_deferred)
