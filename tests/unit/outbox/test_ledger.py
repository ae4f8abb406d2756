"""What was posted, and until when it counts: in the API's time, never in that of our clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from unit.outbox.factories import DAY_S, NOW_S, claim, event, message

from kilopush_bridge.core.budget import LESSON_S, WINDOW_S
from kilopush_bridge.core.protocol import QUOTA, REJECTED, SENT, UNCLEAR, UNSENT, Verdict
from kilopush_bridge.model import Priority
from kilopush_bridge.outbox import outbox, upkeep
from kilopush_bridge.outbox.ledger import Ledger, end_attempt, last_counted_s, load_ledger, stamp

if TYPE_CHECKING:
    import sqlite3

    from kilopush_bridge.model import Message

COUNTED_S = 5_000_000.0  # the API's time; ours is NOW_S


def attempt(state: sqlite3.Connection, *messages: Message) -> int:
    """Post messages as one; return the attempt."""
    outbox.put(state, messages or [event("n")])
    claim(state)
    return int(state.execute("SELECT max(id) FROM attempts").fetchone()[0])


def end(
    state: sqlite3.Connection,
    number: int,
    outcome: str = SENT,
    counts_from_s: float | None = COUNTED_S,
    others_seen: int | None = None,
) -> None:
    verdict = Verdict(outcome, None, "scripted")
    end_attempt(state, number, verdict, NOW_S, counts_from_s, others_seen)


def ledger(state: sqlite3.Connection, at_s: float = COUNTED_S, channel: str = "home") -> Ledger:
    return load_ledger(state, channel, at_s)


def total(state: sqlite3.Connection, at_s: float = COUNTED_S) -> int:
    return ledger(state, at_s).usage.total()


def test_a_post_counts_from_before_it_leaves(state: sqlite3.Connection):
    attempt(state)
    assert total(state) == total(state, 1e12) == 1


def test_it_counts_until_a_window_after_its_reply(state: sqlite3.Connection):
    end(state, attempt(state))
    ends_s = COUNTED_S + WINDOW_S
    assert [total(state, at_s) for at_s in (0, ends_s - 1, ends_s)] == [1, 1, 0]


@pytest.mark.parametrize(
    ("outcome", "counted"), [(SENT, 1), (UNCLEAR, 1), (REJECTED, 1), (UNSENT, 0), (QUOTA, 0)]
)
def test_what_was_certainly_free_does_not_count(
    state: sqlite3.Connection, outcome: str, counted: int
):
    end(state, attempt(state), outcome)
    assert total(state) == counted


def test_criticals_digests_and_all_others_are_counted_apart(state: sqlite3.Connection):
    attempt(state, message())
    attempt(state, event("n"))
    attempt(state, event("h", priority=Priority.HIGH))
    usage = ledger(state).usage
    assert (usage.critical, usage.other, usage.digest) == (1, 2, 0)


def test_each_channel_has_a_ledger_of_its_own(state: sqlite3.Connection):
    attempt(state)
    assert ledger(state, channel="garden").usage.total() == 0


def test_each_rule_is_counted_and_a_summary_of_several_is_nobodys(state: sqlite3.Connection):
    attempt(state, event("a", name="door"))
    attempt(state, event("b", name="door", group="g"), event("c", name="leak", group="g"))
    assert ledger(state).by_rule == {"door": 1, "": 1}


def test_others_are_listed_by_the_time_they_left_the_oldest_first(state: sqlite3.Connection):
    for number, at_s in ((attempt(state), COUNTED_S), (attempt(state), COUNTED_S - 60)):
        end(state, number, counts_from_s=at_s)
    attempt(state)  # on the way
    now_s = COUNTED_S + 60
    assert ledger(state, now_s).others_posted_at_s == [COUNTED_S - 60, COUNTED_S, now_s]


# --- what others have used ------------------------------------------------------------------------


def test_the_most_that_others_were_seen_to_use_holds_for_96_hours(state: sqlite3.Connection):
    end(state, attempt(state), QUOTA, COUNTED_S, others_seen=40)
    end(state, attempt(state), QUOTA, COUNTED_S + DAY_S, others_seen=25)
    times = (
        COUNTED_S,
        COUNTED_S + LESSON_S - 1,
        COUNTED_S + LESSON_S,
        COUNTED_S + LESSON_S + DAY_S,
    )
    assert [ledger(state, at_s).others_seen for at_s in times] == [40, 40, 25, 0]


def test_a_lesson_of_a_clock_that_was_years_ahead_does_not_hold_for_years(
    state: sqlite3.Connection,
):
    end(state, attempt(state), QUOTA, COUNTED_S + 1000 * DAY_S, others_seen=40)
    stamp(state, COUNTED_S)
    assert ledger(state, COUNTED_S + LESSON_S).others_seen == 0


# --- while nobody knows what time it is -----------------------------------------------------------


def test_what_ended_at_an_unknown_time_counts_until_it_is_known_and_a_window_longer(
    state: sqlite3.Connection,
):
    end(state, attempt(state), counts_from_s=None)
    assert total(state, 1e12) == 1
    stamp(state, COUNTED_S)
    ends_s = COUNTED_S + WINDOW_S
    assert [total(state, at_s) for at_s in (ends_s - 1, ends_s)] == [1, 0]


def test_what_is_on_the_way_when_the_time_is_heard_counts_on(state: sqlite3.Connection):
    attempt(state)
    stamp(state, COUNTED_S)
    assert total(state, 1e12) == 1


def test_what_a_crash_left_on_the_way_counts_from_the_next_start(state: sqlite3.Connection):
    attempt(state)
    upkeep.return_unfinished(state, NOW_S)
    stamp(state, COUNTED_S)
    assert [total(state, COUNTED_S + WINDOW_S - 1), total(state, COUNTED_S + WINDOW_S)] == [1, 0]


def test_nothing_counts_for_longer_than_a_window_from_now(state: sqlite3.Connection):
    end(state, attempt(state), counts_from_s=COUNTED_S + 1000 * DAY_S)
    stamp(state, COUNTED_S)
    assert total(state, COUNTED_S + WINDOW_S) == 0


def test_what_counts_no_more_is_not_brought_back(state: sqlite3.Connection):
    end(state, attempt(state), UNSENT)
    end(state, attempt(state), counts_from_s=COUNTED_S - WINDOW_S)
    stamp(state, COUNTED_S)
    assert total(state) == 0


def test_the_next_run_counts_on_from_the_last_reply(state: sqlite3.Connection):
    assert last_counted_s(state) == 0
    end(state, attempt(state))
    end(state, attempt(state), counts_from_s=COUNTED_S + 60)
    end(state, attempt(state), QUOTA, counts_from_s=COUNTED_S + 120)  # counts for much longer
    attempt(state)
    assert last_counted_s(state) == COUNTED_S + 60


# --- what is forgotten ----------------------------------------------------------------------------


def test_what_was_posted_long_ago_is_forgotten(state: sqlite3.Connection):
    end(state, attempt(state))
    upkeep.forget(state, NOW_S + 1, COUNTED_S + 10 * WINDOW_S, 9)
    assert state.execute("SELECT count(*) FROM attempts").fetchone()[0] == 0


@pytest.mark.parametrize("is_on_the_way", [True, False])
def test_what_counts_is_never_forgotten_whatever_our_clock_said(
    state: sqlite3.Connection, is_on_the_way: bool
):
    number = attempt(state)  # by a clock that stood at 1970
    if not is_on_the_way:
        end(state, number)
    upkeep.forget(state, COUNTED_S - 30 * DAY_S, COUNTED_S, 9)
    assert total(state) == 1
