"""Which rules a topic reaches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kilopush_bridge.expressions import Expression, Template
from kilopush_bridge.model import Priority
from kilopush_bridge.rules import Rule, routes
from kilopush_bridge.rules.routes import KEPT_TOPIC_MAX_CHARS, Routes
from kilopush_bridge.topics import parse_filter

if TYPE_CHECKING:
    import pytest


def make_rule(name: str, *filters: str, excepts: tuple[str, ...] = ()) -> Rule:
    return Rule(
        name=name,
        filters=tuple(map(parse_filter, filters)),
        excepts=tuple(map(parse_filter, excepts)),
        condition=Expression("value"),
        message=Template("x"),
        to=("me",),
        channel="home",
        priority=Priority.NORMAL,
    )


def reached(rules: list[Rule], topic: str) -> list[tuple[str, dict[str, Any]]]:
    return [(route.rule.name, dict(route.names)) for route in Routes(rules).to(topic)]


def test_rules_come_in_the_order_of_the_configuration():
    rules = [make_rule("z", "#"), make_rule("a", "a/b"), make_rule("m", "+/b"), make_rule("x", "x")]
    assert [name for name, _ in reached(rules, "a/b")] == ["z", "a", "m"]


def test_a_rule_is_reached_once_and_its_first_matching_filter_names_the_wildcards():
    rule = make_rule("r", "x/+never", "+first/b", "a/+second", "#")
    assert reached([rule], "a/b") == [("r", {"first": "a", "topic": "a/b"})]


def test_the_same_filter_with_other_names_belongs_to_each_rule():
    rules = [make_rule("one", "+device/x"), make_rule("two", "+room/x")]
    assert reached(rules, "sink/x") == [
        ("one", {"device": "sink", "topic": "sink/x"}),
        ("two", {"room": "sink", "topic": "sink/x"}),
    ]


def test_except_leaves_topics_out():
    rule = make_rule("r", "+device/status", excepts=("kilopush/#", "test/+"))
    assert reached([rule], "kilopush/status") == []
    assert reached([rule], "test/status") == []
    assert [name for name, _ in reached([rule], "sink/status")] == ["r"]


def test_a_leading_wildcard_reaches_no_dollar_topic():
    assert reached([make_rule("r", "#")], "$SYS/uptime") == []


def test_what_was_found_is_kept_and_the_memory_of_it_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(routes, "ROUTES_MAX", 3)
    known = Routes([make_rule("r", "#")])
    assert known.to("a") is known.to("a")
    for at in range(10):
        assert len(known.to(f"topic/{at}")) == 1
        assert len(known._known) <= 3


def test_very_long_topics_are_not_kept():
    known = Routes([make_rule("r", "#")])
    assert len(known.to("x" * (KEPT_TOPIC_MAX_CHARS + 1))) == 1
    assert not known._known
