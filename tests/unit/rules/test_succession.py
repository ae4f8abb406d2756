"""When rules change: what stays of what they remember, and what ends silently."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from kilopush_bridge.expressions import Expression, Template
from kilopush_bridge.model import (
    Alert,
    Episode,
    Mark,
    Phase,
    Priority,
    Received,
    Snooze,
    Withhold,
)
from kilopush_bridge.rules import Engine, Limit, Rule, possible
from kilopush_bridge.topics import parse_filter

NOW_S = 1_000_000.0


def rule(name: str = "door", when: str = "open", topic: str = "+device", **words: Any) -> Rule:
    return Rule(
        name=name,
        filters=(parse_filter(topic),),
        condition=Expression(when),
        message=Template("open"),
        to=("me",),
        channel="home",
        priority=Priority.NORMAL,
        **words,
    )


def stale(name: str = "door", stale_s: float = 60.0) -> Rule:
    return rule(name, "true", stale_s=stale_s)


def hear(engine: Engine, at_s: float, *, is_open: bool = True, topic: str = "shed") -> list[Any]:
    payload = b'{"open": true}' if is_open else b'{"open": false}'
    return engine.handle(Received(topic, payload), at_s)


def after(*rules: Rule, by: tuple[Rule, ...], at_s: float = 10.0) -> tuple[Engine, list[Any]]:
    """Return what a first message made of `rules` becomes under the rules `by`."""
    engine = Engine(rules, {})
    hear(engine, NOW_S)
    return engine.with_rules(by, None, NOW_S + at_s)


def alerts(results: list[Any]) -> list[str]:
    return [one.kind.value for one in results if isinstance(one, Alert)]


def test_a_rule_that_stays_goes_on_and_stores_nothing():
    engine, results = after(rule(), by=(rule(), rule("new", "other")))
    assert results == []
    assert alerts(hear(engine, NOW_S + 20)) == []
    assert alerts(hear(engine, NOW_S + 30, is_open=False)) == ["recovery"]


def test_a_rule_that_is_gone_ends_silently_with_its_snooze():
    engine = Engine([rule()], {})
    hear(engine, NOW_S)
    engine.snooze(engine.rules[0], NOW_S + 3600, NOW_S)
    engine, results = engine.with_rules([], None, NOW_S + 1)
    assert results == [Mark("door", "shed", None), Snooze("door", 0.0)]
    assert engine.firing == {}


@pytest.mark.parametrize(
    "by",
    [
        rule(key=Expression("id")),
        rule(topic="garden/+device"),
        rule(excepts=(parse_filter("shed"),)),
        stale(),
        rule(is_event=True),
    ],
)
def test_what_means_something_else_ends_silently(by: Rule):
    engine, results = after(rule(), by=(by,))
    assert results == [Mark("door", "shed", None)]
    assert not any(engine.firing.values())


@pytest.mark.parametrize(
    ("before", "by", "told_at_s"),
    [
        (rule(for_s=60.0), rule(for_s=60.0), 60.0),
        (rule(for_s=60.0), rule(for_s=30.0), 30.0),
        (rule(for_s=60.0), rule(for_s=300.0), 300.0),
        (stale(), stale(stale_s=30.0), 30.0),
        (stale(), stale(stale_s=300.0), 300.0),
    ],
)
def test_a_timer_runs_on_by_the_new_time(before: Rule, by: Rule, told_at_s: float):
    engine, _ = after(before, by=(by,))
    assert alerts(engine.tick(NOW_S + told_at_s - 0.1)) == []
    assert alerts(engine.tick(NOW_S + told_at_s)) == ["alarm"]


def test_what_needs_no_time_any_more_is_told_at_once():
    engine, _ = after(rule(for_s=60.0), by=(rule(),))
    assert alerts(engine.tick(NOW_S + 10)) == ["alarm"]


def test_reminders_come_by_the_new_intervals_and_stop_without_any():
    engine, _ = after(rule(repeat_s=(600.0,)), by=(rule(repeat_s=(60.0,)),))
    assert alerts(engine.tick(NOW_S + 70)) == ["reminder"]
    engine, _ = after(rule(repeat_s=(600.0,)), by=(rule(),))
    assert alerts(engine.tick(NOW_S + 9999)) == []
    engine, _ = after(rule(), by=(rule(repeat_s=(60.0,)),))
    assert alerts(engine.tick(NOW_S + 70)) == ["reminder"]


def test_what_was_acknowledged_stays_so():
    engine = Engine([rule(repeat_s=(600.0,))], {})
    hear(engine, NOW_S)
    engine.acknowledge(engine.rules[0], None, NOW_S)
    engine, _ = engine.with_rules([rule(repeat_s=(60.0,))], None, NOW_S + 1)
    assert alerts(engine.tick(NOW_S + 999)) == []


def test_a_limit_remembers_what_was_told():
    limited = rule(is_event=True, limit=Limit(1, 3600))
    engine, _ = after(limited, by=(limited, rule("new")))
    [told] = [
        one for one in hear(engine, NOW_S + 20) if one.__class__ is Alert and one.rule.is_event
    ]
    assert told.is_surplus


@pytest.mark.parametrize("by", [rule(), rule(unless=("other",))])
def test_a_mute_ends_with_the_rule_or_the_word_that_caused_it(by: Rule):
    muted = rule(unless=("hub",))
    hub = rule("hub", "open", "hub/state")
    engine = Engine([hub, muted], {})
    hear(engine, NOW_S, topic="hub/state")
    assert alerts(hear(engine, NOW_S + 1)) == []
    engine, _ = engine.with_rules([by, rule("other", "never")], None, NOW_S + 5)
    assert alerts(engine.tick(NOW_S + 5)) == ["alarm"]


def test_a_new_cause_that_fires_withholds_what_was_not_sent():
    engine = Engine([rule("hub", "open", "hub/state"), rule()], {})
    hear(engine, NOW_S, topic="hub/state")
    _, results = engine.with_rules(
        [rule("hub", "open", "hub/state"), rule(unless=("hub",))], None, NOW_S + 5
    )
    assert results == [Withhold("door", "muted by hub")]


EPISODE = Episode(NOW_S, NOW_S, due_at_s=NOW_S + 60, topic="shed")


@pytest.mark.parametrize(
    ("by", "phase", "stays"),
    [
        (rule(), Phase.HEARD, False),
        (rule(), Phase.HOLDS, True),
        (stale(), Phase.HEARD, True),
        (stale(), Phase.HOLDS, False),
        (stale(), Phase.FIRING, True),
        (rule(is_event=True), Phase.FIRING, False),
        (rule(is_event=True), Phase.COOLING, True),
        (rule(is_event=True, clear_after_s=60.0), Phase.FIRING, True),
        (rule(is_event=True, clear_after_s=60.0), Phase.HOLDS, False),
    ],
)
def test_what_a_rule_cannot_have_left_is_forgotten_at_a_start(by: Rule, phase: Phase, stays: bool):
    kept, gone = possible([by], {"door": {"shed": replace(EPISODE, phase=phase)}}, 0.0)
    assert bool(kept) is stays
    assert gone == ([] if stays else [Mark("door", "shed", None)])


def test_a_rule_that_no_longer_repeats_has_no_timer_after_a_start():
    kept, _ = possible([rule()], {"door": {"shed": replace(EPISODE, phase=Phase.FIRING)}}, 0.0)
    assert alerts(Engine([rule()], kept).tick(NOW_S + 9999)) == []


def test_what_nothing_mutes_any_more_is_told_after_a_start():
    muted = replace(EPISODE, phase=Phase.MUTED, due_at_s=None, why="muted by hub")
    kept, _ = possible([rule()], {"door": {"shed": muted}}, 0.0)
    assert alerts(Engine([rule()], kept).tick(NOW_S + 1)) == ["alarm"]
