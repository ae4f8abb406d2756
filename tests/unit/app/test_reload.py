"""From one configuration to the next: what is different, and what needs a restart."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from kilopush_bridge.app.reload import compare, filters_of
from kilopush_bridge.config.config import Broker, Channel
from kilopush_bridge.core.budget import Limits
from kilopush_bridge.expressions import Expression, Template
from kilopush_bridge.model import Priority
from kilopush_bridge.rules import Retained, Rule
from kilopush_bridge.topics import parse_filter

if TYPE_CHECKING:
    from collections.abc import Callable

    from kilopush_bridge.config import Config


def rule(name: str = "leak", topic: str = "a/+b", when: str = "x", **words: Any) -> Rule:
    return Rule(
        name=name,
        filters=(parse_filter(topic),),
        condition=Expression(when),
        message=Template("m"),
        to=("me",),
        channel="home",
        priority=Priority.NORMAL,
        **words,
    )


def test_the_same_file_read_again_is_no_change(make_config: Callable[..., Config]):
    change = compare(make_config(rules=(rule(line=3),)), make_config(rules=(rule(line=9),)))
    assert (change.parts, change.replay, change.needs_restart) == ((), frozenset(), ())


def test_rules_are_new_changed_or_gone(make_config: Callable[..., Config]):
    before = make_config(rules=(rule("a"), rule("b"), rule("c")))
    after = make_config(rules=(rule("b", cooldown_s=5.0), rule("c"), rule("d", "d/#")))
    change = compare(before, after)
    assert change.parts == ("new rules: d", "changed rules: b", "rules that are gone: a")
    assert change.replay == {"d/#"}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"channels": {"home": Channel("c_" + "3" * 40, "5" * 64)}}, "channels"),
        ({"channels": {"home": Channel("c_" + "3" * 40, "4" * 64, Limits(9))}}, "budget"),
        ({"people": {"me": "u_" + "7" * 40}}, "people"),
        ({"digest_at": (time(6),)}, "digest"),
        ({"log_level": "debug"}, "log"),
        ({"api_url": "http://127.0.0.1:2/"}, "api_url"),
    ],
)
def test_other_sections_are_named(
    make_config: Callable[..., Config], changes: dict[str, Any], said: str
):
    change = compare(make_config(), make_config(**changes))
    assert change.parts == (f"other sections: {said}",)


def test_what_needs_a_restart_stays_and_is_named(make_config: Callable[..., Config]):
    before = make_config()
    broker = replace(before.broker, host="other", port=1, password="p", topic_prefix="k")
    change = compare(before, make_config(broker=broker, state=Path("elsewhere.db")))
    assert change.needs_restart == ("mqtt.url", "mqtt.password", "mqtt.topic_prefix", "state")
    assert (change.config.broker, change.config.state) == (before.broker, before.state)
    assert "p" not in "".join(change.parts)


@pytest.mark.parametrize(
    ("words", "asks"),
    [
        ({"cooldown_s": 5.0}, False),
        ({"when": "y"}, True),
        ({"topic": "a/c"}, True),
        ({"retained": Retained.IGNORE}, False),
        ({"key": Expression("z")}, True),
    ],
)
def test_a_rule_that_fires_otherwise_looks_at_what_is_retained(
    make_config: Callable[..., Config], words: dict[str, Any], asks: bool
):
    change = compare(make_config(rules=(rule(),)), make_config(rules=(rule(**words),)))
    assert bool(change.replay) is asks


def test_a_replay_is_not_asked_for_where_another_rule_takes_it_for_news(
    make_config: Callable[..., Config],
):
    loud = rule("loud", "a/#", is_event=True, retained=Retained.FIRE)
    before, after = make_config(rules=(loud,)), make_config(rules=(loud, rule(), rule("n", "n/x")))
    assert compare(before, after).replay == {"n/x"}


def test_the_filters_are_those_of_the_rules_and_the_own_commands(
    make_config: Callable[..., Config],
):
    broker = Broker("mqtt", "localhost", 1883, topic_prefix="mine")
    config = make_config(rules=(rule(),), broker=broker)
    assert filters_of(config) == ["a/+", "mine/send/#", "mine/ack/#", "mine/snooze/#"]


def test_a_change_is_one_line(make_config: Callable[..., Config], caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.INFO)
    compare(make_config(), make_config()).say()
    many = tuple(rule(f"rule {at:02}") for at in range(13))
    compare(make_config(), make_config(rules=many)).say()
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "configuration reloaded: nothing has changed"
    assert lines[1].endswith("rule 08, rule 09 and 3 more")
