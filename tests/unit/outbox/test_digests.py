"""Digests as rows: what is deferred to them, what is read from them, and where it is counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.outbox.factories import DAY_S, NOW_S, claim, defer, due, event, settle

from kilopush_bridge.model import Priority, State
from kilopush_bridge.outbox import digests, outbox, upkeep
from kilopush_bridge.outbox.digests import Slot, planned_digests, read_groups
from kilopush_bridge.outbox.report import listing, summary

if TYPE_CHECKING:
    import sqlite3


def counts(state: sqlite3.Connection) -> dict[str, int]:
    """Return how many alerts are where; each is in exactly one place."""
    found: dict[str, int] = summary(state)["alerts"]
    assert found.pop("accepted") == sum(found.values())
    by_hand = [one["state"] for one in listing(state, None) + arrived(state)]
    assert len(by_hand) == sum(found.values())  # and `queue list` tells of the same ones
    return {name: number for name, number in found.items() if number}


def arrived(state: sqlite3.Connection) -> list[dict[str, object]]:
    return listing(state, "sent") + listing(state, "digested")


def ids(state: sqlite3.Connection) -> list[int]:
    return [one["id"] for one in listing(state, None)]


# --- filling --------------------------------------------------------------------------------------


def test_the_first_alert_opens_a_digest_and_the_next_ones_join_it(state: sqlite3.Connection):
    first, second = defer(state, "a", due_at_s=NOW_S + 600), defer(state, "b", due_at_s=NOW_S + 900)
    (planned,) = planned_digests(state)
    assert first == second == planned.delivery.id
    assert planned.due_at_s == NOW_S + 600
    assert due(state) == []


def test_each_person_and_channel_and_time_has_a_digest_of_its_own(state: sqlite3.Connection):
    defer(state, "a", "b", to=("me", "anna"))
    defer(state, "c", group=Slot.SCHEDULED)
    defer(state, "d", channel="garden")
    assert [
        (one.delivery.channel, one.delivery.person, one.is_scheduled)
        for one in planned_digests(state)
    ] == [
        ("home", "me", False),
        ("home", "anna", False),
        ("home", "me", True),
        ("garden", "me", False),
    ]


def test_a_digest_is_as_urgent_as_the_most_urgent_it_holds(state: sqlite3.Connection):
    defer(state, "a", "b")
    assert planned_digests(state)[0].delivery.priority is Priority.NORMAL
    defer(state, "c", priority=Priority.HIGH)
    defer(state, "d", priority=Priority.LOW)
    assert planned_digests(state)[0].delivery.priority is Priority.HIGH


def test_what_comes_while_a_digest_is_on_the_way_goes_into_the_next_one(
    state: sqlite3.Connection,
):
    first = defer(state, "a")
    claim(state, planned_digests(state)[0].delivery)
    assert defer(state, "b") != first


# --- reading --------------------------------------------------------------------------------------


def test_alerts_are_read_by_rule_and_key_with_their_numbers_and_times(state: sqlite3.Connection):
    for minute, (name, key) in enumerate((("door", "front"), ("door", "back"), ("door", "front"))):
        outbox.put(state, [event("open", name=name, key=key, at_s=NOW_S + 60 * minute)])
    for one in outbox.waiting(state, "home", "me", NOW_S + 180, 9):
        digests.defer(state, one, Slot.SOON, NOW_S + 600, NOW_S)
    (group,) = read_groups(state, [planned_digests(state)[0].delivery.id], 20)
    assert (group.name, group.number, group.first_s, group.last_s) == (
        "door",
        3,
        NOW_S,
        NOW_S + 120,
    )
    assert [part.number for part in group.parts] == [2, 1]


def test_of_each_rule_the_latest_keys_are_read_and_all_are_counted(state: sqlite3.Connection):
    texts = [f"n{n:03}" for n in range(90)]
    outbox.put(state, [event(text, at_s=NOW_S + n) for n, text in enumerate(texts)])
    for one in outbox.waiting(state, "home", "me", NOW_S + 90, 99):
        digests.defer(state, one, Slot.SOON, NOW_S + 600, NOW_S)
    (group,) = read_groups(state, [planned_digests(state)[0].delivery.id], 20)
    assert group.number == 90
    latest = digests.read_deliveries(state, [part.last_id for part in group.parts])
    assert sorted(one.text for one in latest.values()) == texts[-20:]


# --- where it is counted (promise G2) -------------------------------------------------------------

COUNTED_AS = {
    State.PENDING: "pending",
    State.SENDING: "pending",
    State.SENT: "digested",
    State.RELEASED: "pending",
    State.DEAD: "dead",
    State.WITHDRAWN: "withdrawn",
}


@pytest.mark.parametrize(("digest", "counted_as"), COUNTED_AS.items())
def test_what_is_in_a_digest_is_where_its_digest_is(
    state: sqlite3.Connection, digest: State, counted_as: str
):
    settle(state, defer(state, "a", "b"), digest)
    assert counts(state) == {counted_as: 2}


def test_a_digest_itself_is_no_alert(state: sqlite3.Connection):
    defer(state, "a")
    assert summary(state)["alerts"]["accepted"] == 1
    assert [one["text"] for one in listing(state, None)] == ["a"]


def test_the_list_says_when_the_digest_leaves_or_why_it_never_will(state: sqlite3.Connection):
    digest = defer(state, "a", due_at_s=NOW_S + 600)
    (waiting,) = listing(state, "pending")
    assert (waiting["reason"], waiting["digest_at_s"]) == ("in the next digest", NOW_S + 600)
    settle(state, digest, State.DEAD, "gone")
    (dead,) = listing(state, "dead")
    assert (dead["reason"], dead["digest_at_s"]) == ("gone", None)


# --- by hand --------------------------------------------------------------------------------------


@pytest.mark.parametrize("by_id", [True, False])
def test_retrying_what_is_dead_with_its_digest_sends_the_digest_again(
    state: sqlite3.Connection, by_id: bool
):
    settle(state, defer(state, "a", "b"), State.DEAD)
    dead = upkeep.dead_letters(state)
    assert [one.id for one in dead] == ids(state)
    upkeep.revive(state, dead[:1] if by_id else dead, NOW_S)
    assert counts(state) == {"pending": 2}
    assert planned_digests(state)[0].is_due(NOW_S)


@pytest.mark.parametrize("digest", [State.PENDING, State.DEAD])
def test_one_alert_can_be_dropped_out_of_a_digest(state: sqlite3.Connection, digest: State):
    settle(state, defer(state, "a", "b"), digest)
    assert upkeep.drop(state, ids(state)[0], NOW_S)
    assert counts(state) == {COUNTED_AS[digest]: 1, "withdrawn": 1}
    assert listing(state, "withdrawn")[0]["reason"] == "dropped by hand"


def test_what_is_on_the_way_or_arrived_cannot_be_dropped(state: sqlite3.Connection):
    digest = defer(state, "a")
    (number,) = ids(state)
    for reached in (State.SENDING, State.SENT):
        settle(state, digest, reached)
        assert not upkeep.drop(state, number, NOW_S)


def test_a_digest_cannot_be_dropped_by_its_own_number(state: sqlite3.Connection):
    assert not upkeep.drop(state, defer(state, "a"), NOW_S)


def test_all_dead_letters_can_be_dropped_at_once_digests_included(state: sqlite3.Connection):
    settle(state, defer(state, "a", "b"), State.DEAD)
    upkeep.drop_dead(state, upkeep.dead_letters(state), NOW_S)
    assert counts(state) == {"withdrawn": 2}


def test_dead_letters_are_alerts_and_say_which_row_holds_them(state: sqlite3.Connection):
    digest = defer(state, "a", "b")
    settle(state, digest, State.DEAD)
    outbox.put(state, [event("alone")])
    settle(state, due(state)[0].id, State.DEAD)
    dead = upkeep.dead_letters(state)
    first, second, alone = ids(state)
    assert {one.id: one.row_id for one in dead} == {first: digest, second: digest, alone: alone}
    assert {(one.channel, one.person) for one in dead} == {("home", "me")}


def test_who_is_no_longer_configured_takes_their_digest_along(state: sqlite3.Connection):
    defer(state, "a", "b")
    upkeep.bury_unreachable(state, ["home"], ["anna"], NOW_S)
    assert counts(state) == {"dead": 2}


# --- refused digests ------------------------------------------------------------------------------


def test_what_a_refused_digest_held_is_released_in_small_pieces(state: sqlite3.Connection):
    settle(state, defer(state, "a", "b", "c"), State.RELEASED)
    assert [digests.release(state, NOW_S, 2) for _ in range(3)] == [2, 1, 0]
    assert [(one.text, one.tries) for one in due(state)] == [("a", 1), ("b", 1), ("c", 1)]


# --- forgetting -----------------------------------------------------------------------------------

LATER_S = NOW_S + 40 * DAY_S


def forget_all(state: sqlite3.Connection) -> int:
    """Forget in pieces of one; return how many rows are left."""
    while upkeep.forget(state, LATER_S, 0.0, 1):
        pass
    return int(state.execute("SELECT count(*) FROM deliveries").fetchone()[0])


@pytest.mark.parametrize("digest", [State.PENDING, State.SENDING, State.DEAD, State.RELEASED])
def test_what_a_digest_holds_that_is_not_over_is_kept_and_the_digest_too(
    state: sqlite3.Connection, digest: State
):
    settle(state, defer(state, "a", "b"), digest)
    assert forget_all(state) == 3


@pytest.mark.parametrize("digest", [State.SENT, State.WITHDRAWN])
def test_a_digest_that_is_over_is_forgotten_with_what_it_held(
    state: sqlite3.Connection, digest: State
):
    settle(state, defer(state, "a", "b"), digest)
    assert forget_all(state) == 0


@pytest.mark.parametrize("limit", [1, 2, 3, 9])
def test_at_each_step_of_forgetting_what_arrived_counts_as_arrived(
    state: sqlite3.Connection, limit: int
):
    settle(state, defer(state, *"abcd"), State.SENT)
    while upkeep.forget(state, LATER_S, 0.0, limit):
        assert set(counts(state)) <= {"digested"}


def test_a_refused_digest_is_forgotten_with_what_it_held(state: sqlite3.Connection):
    digest = defer(state, "a")
    settle(state, digest, State.RELEASED)
    digests.release(state, NOW_S, 9)
    settle(state, due(state)[0].id, State.SENT)
    assert forget_all(state) == 0
