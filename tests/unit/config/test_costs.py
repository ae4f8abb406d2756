"""What the rules can cost, and which rules can hardly be meant."""

import pytest

from kilopush_bridge.config.costs import cost_of, worth_saying

RULES = "alerts:\n  rule: {{topic: {topic}, {words}, message: m}}\n"


def load(load_with_head, words, topic="a/b"):
    return load_with_head(RULES.format(topic=topic, words=words))


@pytest.mark.parametrize(
    ("words", "topic", "said"),
    [
        ("when: x, cooldown: 1h, repeat: 1m", "a", "1440 a day: `repeat` every 1 min"),
        ("when: x, cooldown: 1h, repeat: [1m, 12h]", "a", "24 a day: `cooldown` of 1 h"),
        ("event: x, cooldown: 5m", "a/+b", "288 a day for each key: `cooldown` of 5 min"),
        ("event: x, cooldown: 5m, key: y", "a", "288 a day for each key: `cooldown` of 5 min"),
        ("event: x, limit: 6 per hour", "a/+b", "144 a day: `limit` of 6 in 1 h"),
        ("event: x, group: 1h", "a/+b", "24 a day: `group` of 1 h"),
        ("event: x, group: 20s, limit: 2 per hour", "a/+b", "48 a day: `limit` of 2 in 1 h"),
        ("when: x, for: 15m", "a", "96 a day: `for` of 15 min"),
        ("when: x, for: 15m, recovered: r", "a", "192 a day: `for` of 15 min, and `recovered`"),
        ("stale: 3h", "[a, b]", "8 a day for each key: `stale` of 3 h"),
        (
            "event: x, cooldown: 5m, to: [me, anna]",
            "a",
            "576 a day: `cooldown` of 5 min, to 2 people",
        ),
        ("event: x", "a", "as much as the budget lets it: each time it happens; `cooldown` or"),
        ("event: x, priority: digest", "a", "0 a day: it is in digests only"),
    ],
)
def test_what_a_rule_can_cost_and_what_bounds_it(load_with_head, words, topic, said):
    config = load(load_with_head, words, topic)
    assert str(cost_of(config.rules[0])).startswith(f"rule `rule` can spend {said}")


def test_the_dearest_are_said_first_and_the_cheap_ones_not_at_all(load_with_head):
    rules = {"cheap": "cooldown: 2h", "dear": "cooldown: 1m", "free": "to: me", "mid": "for: 10m"}
    lines = [
        f"  {name}: {{topic: {name}, when: x, message: m, {words}}}\n"
        for name, words in rules.items()
    ]
    config = load_with_head("alerts:\n" + "".join(lines))
    assert [one.rule for one in worth_saying(config)] == ["free", "dear", "mid"]


def warnings_of(config):
    return [f"{one.line}:{one.column}: {one.what}" for one in config.warnings]


def test_reminders_that_take_all_that_a_rule_may_have_are_warned_of(load_with_head):
    [warning] = load(load_with_head, "when: x, repeat: 1m").warnings
    assert warning.what == "this rule can spend 1440 a day: `repeat` every 1 min"
    assert warning.hint.startswith("one rule may have 104 a day")
    assert warning.column > 1


@pytest.mark.parametrize("words", ["repeat: 15m", "repeat: [1m, 2m, 1h]", "cooldown: 1s"])
def test_what_the_budget_has_room_for_is_not_warned_of(load_with_head, words):
    assert load(load_with_head, f"when: x, {words}").warnings == ()


def test_without_a_limit_nothing_is_too_dear(load_with_head):
    config = load_with_head(
        "budget: {per_day: unlimited}\n" + RULES.format(topic="a", words="when: x, repeat: 1m")
    )
    assert config.warnings == ()


@pytest.mark.parametrize(
    ("words", "what"),
    [
        ("when: 1 > 2", "`when` is always false: the rule never fires"),
        ("event: false", "`event` is always false: the rule never fires"),
        ("when: \"'some text'\"", "`when` is no condition: the rule never fires"),
        ("when: 1 == 1", "this state never ends, so it is told once"),
        ("when: x, until: false", "`until` never becomes true: this state never ends"),
        ("topic: kilopush/status, when: x", "this topic never reaches a rule and the rule never"),
        ("except: a/#, when: x", "`except` leaves out everything that this topic filter matches"),
    ],
)
def test_a_rule_that_never_fires_or_never_recovers_is_warned_of(load_with_head, words, what):
    topic = "" if "topic" in words else "topic: a/b, "
    [warning] = load_with_head(f"alerts:\n  rule: {{{topic}{words}, message: m}}\n").warnings
    assert warning.what.startswith(what)


@pytest.mark.parametrize("words", ["event: true", "when: true, until: x", "when: x, until: true"])
def test_a_constant_that_can_be_meant_is_not_warned_of(load_with_head, words):
    assert load(load_with_head, words).warnings == ()


TWINS = """alerts:
  one: {{topic: [a, b], when: x, message: m}}
  other: {{topic: {topic}, when: {when}, message: n{more}}}
"""


def test_two_rules_that_tell_the_same_people_of_the_same_are_warned_of(load_with_head):
    config = load_with_head(TWINS.format(topic="[b, a]", when="x", more=""))
    assert warnings_of(config) == [
        "9:3: this rule fires whenever `one` does, and tells the same people"
    ]


@pytest.mark.parametrize(
    ("topic", "when", "more"),
    [
        ("[a, c]", "x", ""),
        ("[a, b]", "y", ""),
        ("[a, b]", "x", ", for: 1h"),
        ("[a, b]", "x", ", to: anna"),
    ],
)
def test_two_rules_that_differ_are_fine(load_with_head, topic, when, more):
    assert load_with_head(TWINS.format(topic=topic, when=when, more=more)).warnings == ()
