"""What leaves now: a table of what waits, what is held and what is on the way."""

from __future__ import annotations

from typing import Any

import pytest

from kilopush_bridge.core.retry import retry_delay_s
from kilopush_bridge.model import Delivery, Hold, HoldKind, Kind, Priority
from kilopush_bridge.outbox.outbox import LANES, LONGEST_WAIT_S
from kilopush_bridge.scheduler.decide import CRITICALS_AT_ONCE, Flight, decide, stops
from kilopush_bridge.scheduler.pauses import is_waiting, pause_s

NOW_S = 1_000_000.0


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


def launched(*waiting: Delivery, holds: Any = (), flights: Any = ()) -> list[list[int]]:
    launches = decide([waiting], holds, flights, NOW_S)
    return [[one.id for one in launch.deliveries] for launch in launches]


def test_criticals_leave_together_and_one_of_the_rest():
    assert launched(delivery(1), critical(2), delivery(3), critical(4)) == [[2], [4], [1]]


def test_nothing_else_leaves_while_one_of_the_rest_is_on_the_way_but_criticals_do():
    on_the_way = [Flight("home", is_critical=False)]
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
    assert len(LANES) == 3
    lanes = (critical(1), critical(2, is_repeat=True), delivery(3))
    assert tuple(stops(hold(kind), one) for one in lanes) == STOPPED[kind]
    repeated = delivery(3, is_repeat=True)
    assert stops(hold(kind), repeated) == STOPPED[kind][2]


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
    probing = Flight("home", is_critical=True, probes=frozenset({due.id}))
    assert launched(critical(1), holds=[due], flights=[probing]) == []


def test_later_criticals_are_merged_into_the_probe_of_a_used_up_quota():
    due = hold(HoldKind.QUOTA_CRITICAL, in_s=0)
    assert launched(critical(1), critical(2), delivery(3), holds=[due]) == [[1, 2], [3]]


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
