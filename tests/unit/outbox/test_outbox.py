"""Rows: one per alert and person, in one state; what is remembered and what is forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from unit.outbox.factories import DAY_S, NOW_S, claim, message, settle

from kilopush_bridge.core.budget import WINDOW_S
from kilopush_bridge.model import Hold, HoldKind, Kind, Message, Priority, Settlement, State
from kilopush_bridge.outbox import outbox, upkeep
from kilopush_bridge.outbox.facts import fact, remember
from kilopush_bridge.outbox.firing import drop_rules_except, flush_seen, load_episodes
from kilopush_bridge.outbox.holds import drop_holds_except, load_holds, save_holds
from kilopush_bridge.outbox.ledger import load_ledger
from kilopush_bridge.outbox.report import listing, summary

if TYPE_CHECKING:
    import sqlite3


def recovery(**changes: Any) -> Message:
    return message(
        **{
            "text": "dry",
            "kind": Kind.RECOVERY,
            "priority": Priority.HIGH,
            "at_s": NOW_S + 60,
            **changes,
        }
    )


def rows(state: sqlite3.Connection) -> list[tuple[Any, ...]]:
    return [
        tuple(row)
        for row in state.execute(
            "SELECT text, person, state FROM deliveries JOIN alerts ON alerts.id = alert_id "
            "ORDER BY deliveries.id"
        )
    ]


def test_a_message_is_one_row_a_person_and_an_alarm_is_an_edge(state: sqlite3.Connection):
    outbox.put(state, [message(to=("me", "anna"))])
    assert rows(state) == [("leak", "me", "pending"), ("leak", "anna", "pending")]
    assert load_episodes(state)["rule"]["k"].since_s == NOW_S


def test_who_has_it_already_is_sent_and_who_may_have_it_is_told_of_the_doubt(
    state: sqlite3.Connection,
):
    told = message(
        to=("me", "anna", "kim"),
        already_sent=frozenset({"me"}),
        maybe_sent=frozenset({"me", "anna"}),
    )
    outbox.put(state, [told])
    marks = state.execute("SELECT person, state, is_repeat FROM deliveries").fetchall()
    assert [tuple(one) for one in marks] == [
        ("me", "sent", 0),
        ("anna", "pending", 1),
        ("kim", "pending", 0),
    ]
    ledger = state.execute("SELECT person, outcome FROM attempts").fetchall()
    assert [tuple(one) for one in ledger] == [("me", "sent"), ("anna", "unclear")]
    assert load_ledger(state, "home", NOW_S).usage.critical == 2


def rescued(state: sqlite3.Connection, **changes: Any) -> list[str]:
    """Store a critical that left from memory; return what the ledger says of it."""
    outbox.put(state, [message(**changes)])
    ledger = state.execute("SELECT outcome FROM attempts").fetchall()
    assert load_ledger(state, "home", NOW_S).usage.critical == len(ledger)
    return [one["outcome"] for one in ledger]


def test_each_post_that_left_while_the_disk_was_full_is_in_the_ledger(state: sqlite3.Connection):
    sent = rescued(state, already_sent=frozenset({"me"}), rescue_posts=(("me", 6),))
    assert sent == ["sent"] * 6


def test_posts_that_were_refused_while_the_disk_was_full_count_too(state: sqlite3.Connection):
    assert len(rescued(state, rescue_posts=(("me", 2),))) == 2  # twice 4003, say


def test_a_delivery_that_was_just_stored_waits_for_no_clock(state: sqlite3.Connection):
    outbox.put(state, [message()])  # by a clock that is a minute ahead
    assert [one.text for one in outbox.waiting(state, "home", "me", NOW_S - 60, 9)] == ["leak"]


def test_what_waits_for_a_wrong_clock_can_be_let_go(state: sqlite3.Connection):
    outbox.put(state, [message(), message(kind=Kind.EVENT)])
    for number in (1, 2):
        outbox.settle(state, Settlement(number, State.PENDING, NOW_S + 30), NOW_S)
    assert outbox.next_due_at_s(state, NOW_S) == NOW_S + 30
    outbox.wait_no_longer(state, NOW_S)
    assert len(outbox.waiting(state, "home", "me", NOW_S, 9)) == 2
    assert outbox.next_due_at_s(state, NOW_S) is None


# What each person hears of the end, by the state of the alarm; None: the alarm says it itself.
@pytest.mark.parametrize(
    ("alarm", "is_told", "is_marked"),
    [
        (State.PENDING, False, True),
        (State.SENDING, True, True),
        (State.SENT, True, False),
        (State.DEAD, False, True),
        (State.WITHDRAWN, False, False),
    ],
)
def test_an_end_is_told_by_the_alarm_or_after_it(
    state: sqlite3.Connection, alarm: State, is_told: bool, is_marked: bool
):
    outbox.put(state, [message()])
    settle(state, 1, alarm)
    outbox.put(state, [recovery()])
    assert ("dry", "me", "pending") in rows(state) or not is_told
    assert len(rows(state)) == 1 + is_told
    over = state.execute("SELECT over_after_s FROM deliveries WHERE id = 1").fetchone()[0]
    assert over == (60 if is_marked else None)
    assert load_episodes(state) == {}


def test_the_end_goes_the_way_the_alarm_went_even_if_the_rule_was_changed_since(
    state: sqlite3.Connection,
):
    outbox.put(state, [message(to=("me", "anna"), channel="garden")])
    settle(state, 1, State.SENT)
    outbox.put(state, [recovery(to=("kim",), channel="home")])
    assert rows(state)[2:] == [("dry", "me", "pending")]
    assert state.execute("SELECT channel FROM deliveries WHERE id = 3").fetchone()[0] == "garden"


def test_an_alarm_that_comes_back_while_the_old_one_waits_is_an_episode_of_its_own(
    state: sqlite3.Connection,
):
    outbox.put(state, [message("first"), recovery(), message("second", at_s=NOW_S + 90)])
    assert rows(state) == [("first", "me", "pending"), ("second", "me", "pending")]
    outbox.put(state, [recovery(at_s=NOW_S + 100, since_s=NOW_S + 90)])
    over = state.execute("SELECT over_after_s FROM deliveries ORDER BY id").fetchall()
    assert [one[0] for one in over] == [60, 10]


def test_an_end_of_what_never_began_is_nothing(state: sqlite3.Connection):
    outbox.put(state, [recovery()])
    assert rows(state) == []


def test_a_recovery_waits_for_its_alarm_and_goes_if_that_goes_again(state: sqlite3.Connection):
    outbox.put(state, [message()])
    claim(state)
    outbox.put(state, [recovery()])
    assert outbox.waiting(state, "home", "me", NOW_S + 60, 9) == []
    settle(state, 1, State.SENT)
    assert [one.text for one in outbox.waiting(state, "home", "me", NOW_S + 60, 9)] == ["dry"]


def test_a_delivery_waits_until_it_is_due_but_not_for_a_clock_that_was_set_back(
    state: sqlite3.Connection,
):
    outbox.put(state, [message()])

    def is_due(now_s: float) -> bool:
        return bool(outbox.waiting(state, "home", "me", now_s, 9))

    outbox.settle(state, Settlement(1, State.PENDING, NOW_S + 30), NOW_S)
    assert (is_due(NOW_S), is_due(NOW_S + 30), is_due(NOW_S - 31)) == (False, True, True)


def test_what_is_firing_is_known_after_a_restart_and_rules_that_are_gone_end(
    state: sqlite3.Connection,
):
    outbox.put(state, [message(), message(name="gone", key="x")])
    flush_seen(state, [(NOW_S + 5, 7, None, "rule", "k")])
    assert drop_rules_except(state, ["rule"]) == 1
    ((rule, keys),) = load_episodes(state).items()
    assert (rule, keys["k"].seen_at_s, keys["k"].count) == ("rule", NOW_S + 5, 7)


def test_holds_of_what_is_no_longer_configured_are_forgotten(state: sqlite3.Connection):
    def hold(channel: str, person: str) -> Hold:
        return Hold(channel, person, HoldKind.BLOCKED, NOW_S, 1, NOW_S)

    kept = [hold("home", "me"), hold("home", "")]
    save_holds(state, [*kept, hold("home", "gone"), hold("gone", "me"), hold("gone", "")])
    drop_holds_except(state, {"home": 1}, {"me": 1})
    assert set(load_holds(state)) == set(kept)


def test_old_settled_alerts_are_forgotten_and_everything_else_is_kept(state: sqlite3.Connection):
    old = NOW_S - 40 * DAY_S
    texts = ("sent", "withdrawn", "pending", "dead", "still firing")
    outbox.put(state, [message(text, kind=Kind.EVENT, at_s=old) for text in texts[:-1]])
    outbox.put(state, [message("still firing", at_s=old), message("young", kind=Kind.EVENT)])
    for number, to in enumerate(
        (State.SENT, State.WITHDRAWN, State.PENDING, State.DEAD, State.SENT, State.SENT), 1
    ):
        settle(state, number, to)
    flush_seen(state, [(NOW_S, 1, None, "rule", "k")])
    upkeep.forget(state, NOW_S - 30 * DAY_S, 0.0, 9)
    assert [text for text, *_ in rows(state)] == ["pending", "dead", "still firing", "young"]


def test_a_key_that_was_not_seen_for_long_is_forgotten_and_its_alarm_too(
    state: sqlite3.Connection,
):
    outbox.put(state, [message(at_s=NOW_S - 40 * DAY_S)])
    settle(state, 1, State.SENT)
    upkeep.forget(state, NOW_S - 30 * DAY_S, 0.0, 9)
    assert (load_episodes(state), rows(state)) == ({}, [])


def test_by_hand_dead_letters_are_retried_or_dropped_and_what_is_on_the_way_is_left_alone(
    state: sqlite3.Connection,
):
    outbox.put(state, [message(f"{n}", kind=Kind.EVENT) for n in range(4)])
    for number, to in enumerate((State.DEAD, State.DEAD, State.SENDING), 1):
        settle(state, number, to)
    dead = upkeep.dead_letters(state)
    assert [one.id for one in dead] == [1, 2]
    upkeep.revive(state, dead[:1], NOW_S)
    assert [upkeep.drop(state, number, NOW_S) for number in (2, 3, 4, 99)] == [1, 0, 1, 0]
    assert [one for *_, one in rows(state)] == ["pending", "withdrawn", "sending", "withdrawn"]


def test_who_is_no_longer_configured_gets_dead_letters_that_name_the_reason(
    state: sqlite3.Connection,
):
    outbox.put(state, [message(to=("me", "gone")), message(channel="gone", kind=Kind.EVENT)])
    assert upkeep.bury_unreachable(state, ["home"], ["me"], NOW_S) == 2
    dead = listing(state, "dead")
    assert {one["reason"] for one in dead} == {
        "the person or channel is no longer in the configuration"
    }


def test_a_crash_on_the_way_leaves_a_doubt_and_no_open_attempt(state: sqlite3.Connection):
    outbox.put(state, [replace(message(), kind=Kind.EVENT)])
    claim(state)
    assert upkeep.return_unfinished(state, NOW_S + 5) == 1
    (again,) = outbox.waiting(state, "home", "me", NOW_S + 5, 9)
    assert again.is_repeat
    ledger = state.execute("SELECT outcome, ended_at_s FROM attempts").fetchall()
    assert [tuple(one) for one in ledger] == [("unclear", NOW_S + 5)]
    assert load_ledger(state, "home", NOW_S).usage.critical == 1


def test_every_delivery_is_in_exactly_one_count_of_the_summary(state: sqlite3.Connection):
    states = (State.PENDING, State.SENDING, State.SENT, State.DEAD, State.WITHDRAWN)
    outbox.put(state, [message(f"{n}", kind=Kind.EVENT) for n in range(len(states))])
    for number, to in enumerate(states, 1):
        settle(state, number, to)
    counts = summary(state)["alerts"]
    assert counts == {
        "accepted": 5,
        "sent": 1,
        "digested": 0,
        "pending": 2,
        "dead": 1,
        "withdrawn": 1,
    }


def test_forgetting_goes_in_small_pieces(state: sqlite3.Connection):
    outbox.put(state, [message(f"{n}", kind=Kind.EVENT, at_s=0.0) for n in range(5)])
    for number in range(1, 6):
        settle(state, number, State.SENT)
    assert [upkeep.forget(state, NOW_S, 0.0, 2) for _ in range(4)] == [2, 2, 1, 0]


# --- an alarm that repeats itself -----------------------------------------------------------------


def priorities(state: sqlite3.Connection) -> list[str]:
    ids = state.execute("SELECT priority FROM deliveries ORDER BY id").fetchall()
    return [Priority(one["priority"]).word for one in ids]


def tell(state: sqlite3.Connection, *messages: Message, told: State = State.SENT) -> None:
    """Put messages one after the other; each has been told when the next one comes."""
    for one in messages:
        outbox.put(state, [one])
        for number in [row["id"] for row in state.execute("SELECT id FROM deliveries")]:
            settle(state, number, told)


def test_a_critical_of_the_same_key_within_10_min_is_high(state: sqlite3.Connection):
    tell(state, *(message(at_s=NOW_S + minutes * 60) for minutes in (0, 9.9, 10)))
    assert priorities(state) == ["critical", "high", "critical"]


def test_the_fifth_critical_of_a_key_in_a_window_is_high(state: sqlite3.Connection):
    tell(state, *(message(at_s=NOW_S + hours * 3600) for hours in (0, 1, 2, 3, 4)))
    tell(state, message(at_s=NOW_S + WINDOW_S))  # the first does not count any more
    assert priorities(state) == ["critical"] * 4 + ["high", "critical"]


@pytest.mark.parametrize("told", [State.PENDING, State.DEAD, State.WITHDRAWN])
def test_what_nobody_was_told_of_is_not_repeated(state: sqlite3.Connection, told: State):
    tell(state, message(), message(at_s=NOW_S + 60), told=told)
    assert priorities(state) == ["critical"] * 2


def test_what_is_on_its_way_or_may_have_arrived_is_repeated(state: sqlite3.Connection):
    tell(state, message(), message(at_s=NOW_S + 60), told=State.SENDING)
    assert priorities(state) == ["critical", "high"]
    outbox.put(state, [message(name="other")])
    outbox.settle(state, Settlement(3, State.PENDING, NOW_S, is_repeat=True), NOW_S)
    outbox.put(state, [message(name="other", at_s=NOW_S + 60)])
    assert priorities(state)[2:] == ["critical", "high"]


def test_another_key_or_rule_or_person_has_criticals_of_its_own(state: sqlite3.Connection):
    tell(state, message(), message(key="other"), message(name="other"), message(to=("anna",)))
    assert priorities(state) == ["critical"] * 4


def test_if_only_one_of_them_has_heard_of_it_it_is_critical_for_both(state: sqlite3.Connection):
    tell(state, message(), message(to=("me", "anna")), message(to=("me", "anna")))
    assert priorities(state) == ["critical"] * 3 + ["high"] * 2


def test_a_critical_that_left_while_the_disk_was_full_stays_one(state: sqlite3.Connection):
    left = message(to=("me", "anna"), maybe_sent=frozenset({"me"}))
    tell(state, message(), left)
    assert priorities(state) == ["critical"] * 3


def test_criticals_of_a_clock_that_was_set_back_since_are_not_held_against_a_new_one(
    state: sqlite3.Connection,
):
    tell(state, message(at_s=NOW_S + 60), message())
    assert priorities(state) == ["critical"] * 2


def test_a_fact_is_remembered_replaced_and_forgotten(state: sqlite3.Connection):
    assert fact(state, "a") is None
    for value in ("1", "2", None):
        remember(state, "a", value)
        assert fact(state, "a") == value
