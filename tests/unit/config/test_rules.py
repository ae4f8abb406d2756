"""From the words of a rule to a rule."""

import pytest

from kilopush_bridge.model import Priority
from kilopush_bridge.rules import Retained


def test_a_rule_needs_only_a_topic_a_condition_and_a_message(load_rule):
    rule = load_rule("topic: zigbee2mqtt/+device\nwhen: water_leak\nmessage: Water")
    assert (rule.name, rule.to, rule.channel) == ("rule", ("me",), "home")
    assert (rule.priority, rule.retained) == (Priority.NORMAL, Retained.COMPARE)
    assert not rule.is_event
    assert not rule.silent
    assert rule.filters[0].text == "zigbee2mqtt/+"
    assert rule.line == 8


def test_an_event_ignores_retained_messages_unless_it_says_otherwise(load_rule):
    assert load_rule("event: x").is_event
    assert load_rule("event: x").retained is Retained.IGNORE
    assert load_rule("event: x\nretained: fire").retained is Retained.FIRE


@pytest.mark.parametrize("condition", ["event: true", "event: 1", "when: on", "when: 5"])
def test_a_condition_may_look_like_a_boolean_or_a_number(load_rule, condition):
    assert load_rule(condition).condition.source == condition.split()[1]


@pytest.mark.parametrize(
    ("written", "silent"), [("true", True), ("yes", True), ("off", False), ("false", False)]
)
def test_silent_may_be_a_boolean(load_rule, written, silent):
    assert load_rule(f"when: x\nsilent: {written}").silent is silent


def test_silent_may_be_a_template(load_rule):
    silent = load_rule("when: x\nsilent: '{{ score < 5 }}'").silent
    assert silent.source == "{{ score < 5 }}"


def test_everything_a_rule_says_arrives(load_rule):
    rule = load_rule("""
topic: [a/+one, "b/#rest"]
except: [a/x, b/y/#]
when: x
until: y
key: one
priority: critical
to: [anna, me]
channel: home
message: "{{ one }}"
recovered: over
url: http://example.com/{{ one }}
retained: ignore
""")
    assert [one.all_names for one in rule.filters] == [("one",), ("rest",)]
    assert [one.text for one in rule.excepts] == ["a/x", "b/y/#"]
    sources = (rule.condition, rule.until, rule.key, rule.message, rule.recovered, rule.url)
    assert [one.source for one in sources] == [
        "x",
        "y",
        "one",
        "{{ one }}",
        "over",
        "http://example.com/{{ one }}",
    ]
    assert (rule.priority, rule.to) == (Priority.CRITICAL, ("anna", "me"))
    assert rule.retained is Retained.IGNORE


def test_defaults_apply_to_rules_that_do_not_say(load):
    config = load("""
        channels:
          home: {token: "${KILO_TOKEN}", secret: "${KILO_SECRET}"}
          shop: {token: "${KILO_TOKEN}", secret: "${KILO_SECRET}"}
        people: {me: "${KILO_ME}", anna: "${KILO_ANNA}"}
        defaults: {to: [me, anna], priority: low, channel: shop}
        alerts:
          quiet: {topic: a, when: x, message: y}
          loud: {topic: a, when: x, message: y, to: me, priority: high, channel: home}
        """)
    assert [(rule.to, rule.priority, rule.channel) for rule in config.rules] == [
        (("me", "anna"), Priority.LOW, "shop"),
        (("me",), Priority.HIGH, "home"),
    ]


def test_the_first_channel_is_the_default_one(load):
    config = load("""
        channels:
          shop: {token: "${KILO_TOKEN}", secret: "${KILO_SECRET}"}
          home: {token: "${KILO_TOKEN}", secret: "${KILO_SECRET}"}
        people: {me: "${KILO_ME}"}
        """)
    assert config.default_channel == "shop"


def test_names_of_rules_may_differ_in_case_or_space_only(load_with_head):
    rule = "{topic: a, when: x, message: y}"
    config = load_with_head(f"alerts:\n  leak: {rule}\n  Leak: {rule}\n  le ak: {rule}\n")
    assert len(config.rules) == 3
