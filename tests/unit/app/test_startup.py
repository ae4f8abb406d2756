"""What a run takes over from the ones before it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from kilopush_bridge.app.startup import take_over
from kilopush_bridge.config.config import Broker, Channel
from kilopush_bridge.core.budget import Limits
from kilopush_bridge.model import Hold, HoldKind, Kind, Message, Priority
from kilopush_bridge.outbox import outbox
from kilopush_bridge.outbox.facts import remember
from kilopush_bridge.outbox.holds import load_holds, save_holds
from kilopush_bridge.outbox.store import open_state
from kilopush_bridge.scheduler.compose import compose

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kilopush_bridge.config import Config

NOW_S = 1_000_000.0


@pytest.fixture
def state(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = open_state(tmp_path / "state.db")
    yield connection
    connection.close()


def message(**changes: Any) -> Message:
    values: dict[str, Any] = {
        "kind": Kind.ALARM,
        "origin": "rule",
        "name": "gone rule",
        "key": "k",
        "text": "leak",
        "to": ("me",),
        "channel": "home",
        "priority": Priority.CRITICAL,
        "at_s": NOW_S,
        "since_s": NOW_S,
    }
    return Message(**{**values, **changes})


def hold(kind: HoldKind, channel: str = "home", person: str = "") -> Hold:
    return Hold(channel, person, kind, NOW_S, 1, NOW_S + 900)


def kinds(state: sqlite3.Connection) -> set[tuple[str, str]]:
    return {(one.kind.value, one.person) for one in load_holds(state)}


def test_a_first_run_gets_a_random_name_that_later_runs_keep(
    state: sqlite3.Connection, config: Config
):
    first = take_over(state, config, NOW_S)
    assert first.client_id.startswith("kilopush-")
    assert (first.filters, first.episodes) == ((), {})
    assert take_over(state, config, NOW_S) == first


def test_a_name_in_the_configuration_wins(
    state: sqlite3.Connection, make_config: Callable[..., Config]
):
    broker = Broker("mqtt", "localhost", 1883, client_id="mine")
    assert take_over(state, make_config(broker=broker), NOW_S).client_id == "mine"


def test_filters_are_remembered_in_their_order(state: sqlite3.Connection, config: Config):
    remember(state, "filters", '["b/#", "a/+"]')
    assert take_over(state, config, NOW_S).filters == ("b/#", "a/+")


def test_a_crash_and_a_smaller_configuration_are_brought_in_line(
    state: sqlite3.Connection, config: Config, caplog: pytest.LogCaptureFixture
):
    outbox.put(state, [message(), message(to=("gone",), kind=Kind.EVENT)])
    outbox.claim(state, compose(outbox.waiting(state, "home", "me", NOW_S, 9), NOW_S), NOW_S)
    save_holds(state, [hold(HoldKind.UNCLEAR), hold(HoldKind.BLOCKED, person="gone")])
    inheritance = take_over(state, config, NOW_S)
    states = state.execute("SELECT state, is_repeat FROM deliveries ORDER BY id").fetchall()
    assert [tuple(one) for one in states] == [("pending", 1), ("dead", 0)]
    assert inheritance.episodes == {}  # its rule is gone
    assert kinds(state) == {("unclear", "")}
    assert len(caplog.records) == 2


EVERYTHING = [hold(HoldKind.FORBIDDEN), hold(HoldKind.QUOTA), hold(HoldKind.BLOCKED, person="me")]


@pytest.mark.parametrize(
    ("changes", "left"),
    [
        ({}, {("forbidden", ""), ("quota", ""), ("blocked", "me")}),
        ({"channels": {"home": Channel("c_" + "3" * 40, "9" * 64)}}, {("quota", "")}),
        ({"channels": {"home": Channel("c_" + "9" * 40, "4" * 64)}}, {("quota", "")}),
        (
            {"people": {"me": "u_" + "9" * 40, "anna": "u_" + "2" * 40}},
            {("forbidden", ""), ("quota", "")},
        ),
    ],
)
def test_a_new_secret_releases_what_was_refused_under_the_old_one(
    state: sqlite3.Connection,
    config: Config,
    make_config: Callable[..., Config],
    changes: dict[str, Any],
    left: set[tuple[str, str]],
):
    take_over(state, config, NOW_S)
    save_holds(state, EVERYTHING)
    take_over(state, make_config(**changes), NOW_S)
    assert kinds(state) == left


QUOTA_HOLDS = [hold(HoldKind.QUOTA), hold(HoldKind.QUOTA_CRITICAL), hold(HoldKind.UNCLEAR)]
HOME = ("c_" + "3" * 40, "4" * 64)


@pytest.mark.parametrize(
    ("channel", "left"),
    [
        (Channel(*HOME), {"quota", "quota_critical", "unclear"}),
        (Channel(*HOME, critical_channel="spare"), {"unclear"}),
        (Channel(*HOME, limits=Limits(per_day=None)), {"unclear"}),
    ],
)
def test_what_the_quota_held_is_released_where_it_no_longer_does(
    state: sqlite3.Connection,
    make_config: Callable[..., Config],
    channel: Channel,
    left: set[str],
):
    spare = Channel("c_" + "5" * 40, "6" * 64)
    save_holds(state, [*QUOTA_HOLDS, hold(HoldKind.QUOTA_CRITICAL, "spare")])
    take_over(state, make_config(channels={"home": channel, "spare": spare}), NOW_S)
    held = load_holds(state)
    assert {one.kind.value for one in held if one.channel == "home"} == left
    assert [one.kind for one in held if one.channel == "spare"] == [HoldKind.QUOTA_CRITICAL]


def test_a_first_sight_of_a_secret_releases_nothing(state: sqlite3.Connection, config: Config):
    save_holds(state, EVERYTHING)
    take_over(state, config, NOW_S)
    assert len(kinds(state)) == 3


def test_fingerprints_hold_no_secret(state: sqlite3.Connection, config: Config):
    take_over(state, config, NOW_S)
    stored = repr([tuple(row) for row in state.execute("SELECT * FROM facts")])
    for secret in (*config.people.values(), "3" * 40, "4" * 64):
        assert secret not in stored
