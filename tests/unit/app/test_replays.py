"""When the summary of what was found at start is complete."""

from __future__ import annotations

from kilopush_bridge.app.replays import LONGEST_S, QUIET_S, Replays

NOW_S = 1_000.0


def test_nothing_is_collected_before_the_first_replay():
    assert Replays().collecting(NOW_S) == ()


def test_a_group_stays_open_until_the_replays_have_been_quiet_for_a_moment():
    replays = Replays()
    group = replays.heard(NOW_S)
    assert replays.heard(NOW_S + 1) == group
    assert replays.collecting(NOW_S + 1 + QUIET_S - 0.1) == (group,)
    assert replays.collecting(NOW_S + 1 + QUIET_S) == ()


def test_replays_without_end_do_not_keep_it_open_for_ever():
    replays = Replays()
    groups = {replays.heard(NOW_S + tenth / 10) for tenth in range(int(LONGEST_S * 30))}
    assert len(groups) == 3


def test_a_reconnect_opens_a_group_of_its_own():
    replays = Replays()
    assert replays.heard(NOW_S) != replays.heard(NOW_S + 60)


def test_a_clock_that_is_set_back_closes_the_group_rather_than_holding_it():
    replays = Replays()
    replays.heard(NOW_S)
    assert replays.collecting(NOW_S - 3600) == ()
