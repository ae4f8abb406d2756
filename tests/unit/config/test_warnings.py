"""What is worth knowing and stops nothing."""

import pytest

RULE = "alerts:\n  rule: {{topic: {topic}, when: {when}, message: {message}{more}}}\n"


def warnings_of(config):
    return [f"{one.line}:{one.column}: {one.what}" for one in config.warnings]


def rule(topic="a/b", when="x", message="y", more=""):
    return RULE.format(topic=topic, when=when, message=message, more=more)


def test_a_good_file_has_no_warnings(load_with_head):
    assert load_with_head(rule()).warnings == ()


@pytest.mark.parametrize("section", ["web", "heartbeat", "alive"])
def test_a_section_that_is_not_built_yet_is_one_warning(load_with_head, section):
    config = load_with_head(f"{section}: {{some: thing, other: [1, 2]}}\n")
    assert warnings_of(config) == [f"7:1: `{section}` is not acted on in this version"]


def test_a_word_that_is_not_built_yet_is_one_warning(load_with_head):
    config = load_with_head("mqtt:\n  discovery: false\n")
    assert warnings_of(config) == ["8:3: `discovery` is not acted on in this version"]


@pytest.mark.parametrize("topic", ["kilopush/status", "kilopush/#", "kilopush/+x/y", "kilopush"])
def test_a_rule_that_waits_for_the_bridge_itself_is_warned_of(load_with_head, topic):
    config = load_with_head(rule(topic=f'[a/b, "{topic}"]'))
    [warning] = warnings_of(config)
    assert warning.startswith("8:23: this topic never reaches a rule")


@pytest.mark.parametrize("topic", ["+device/status", '"#"', "kilopush2/x"])
def test_a_topic_filter_that_also_matches_others_is_fine(load_with_head, topic):
    assert load_with_head(rule(topic=topic)).warnings == ()


def test_the_bridges_own_topics_follow_its_prefix(load_with_head):
    config = load_with_head("mqtt: {topic_prefix: house/kilo}\n" + rule(topic="house/kilo/x"))
    assert len(config.warnings) == 1


def test_a_topic_filter_that_is_left_out_altogether_is_warned_of(load_with_head):
    config = load_with_head(rule(topic="a/+b", more=', except: "a/#"'))
    [warning] = warnings_of(config)
    assert "`except` leaves out everything" in warning


def test_a_state_that_never_ends_is_warned_of(load_with_head):
    [warning] = warnings_of(load_with_head(rule(when="true")))
    assert warning == "8:28: this state never ends, so it is told once"


@pytest.mark.parametrize(
    ("message", "is_cut"),
    [
        ("Battery #3 is low", True),
        ("Battery # comment", False),
        ("Battery  #comment", False),
        ("Battery#3", False),
        ('"Battery #3"', False),
    ],
)
def test_a_message_that_ends_at_a_hash_is_warned_of(load_with_head, message, is_cut):
    lines = f"alerts:\n  rule:\n    topic: a\n    when: x\n    message: {message}\n"
    assert len(load_with_head(lines).warnings) == is_cut


def test_a_hash_before_a_number_is_warned_of(load_with_head):
    lines = "alerts:\n  rule:\n    topic: a\n    when: x\n    message: Alarm # 5\n"
    [warning] = load_with_head(lines).warnings
    assert "`message` may end too early" in warning.what


@pytest.mark.parametrize(
    ("when", "what", "hint"),
    [
        ("state == on", "`on` is read as a field", "`'on'`"),
        ("state != OFF", "`OFF` is read as a field", "`'OFF'`"),
        ("open == state", "`open` is read as a field", "`'open'`"),
        ("after.state == closed", "`closed` is read as a field", "`'closed'`"),
        ("x or not state == on", "`on` is read as a field", "`'on'`"),
        ("x == 'unavailable'", "`x == 'unavailable'` is never true", "`x is undefined`"),
        ("value == 'nan'", "`value == 'nan'` is never true", "`value is undefined`"),
        ("x.y == none", "`x.y == None` is never true", "`x.y is undefined`"),
    ],
)
def test_a_comparison_that_can_hardly_be_meant_is_warned_of(load_with_head, when, what, hint):
    found = load_with_head(f'alerts:\n  rule: {{topic: a, when: "{when}", message: y}}\n').warnings
    assert [one.what.startswith(f"`when`: {what}") for one in found] == [True]
    assert hint in found[0].hint


@pytest.mark.parametrize(
    "when",
    [
        "state == 'on'",
        "on == 1",
        "open == true",
        "on",
        "open > closed",
        "x != 'unavailable'",
        "device == 'unknown'",
    ],
)
def test_a_comparison_that_can_be_meant_is_not_warned_of(load_with_head, when):
    text = f'alerts:\n  rule: {{topic: a/+device, when: "{when}", message: y}}\n'
    assert load_with_head(text).warnings == ()


def test_comparisons_of_templates_are_warned_of_too(load_with_head):
    message = '"{% if state == on %}on{% endif %}"'
    [warning] = warnings_of(load_with_head(rule(message=message)))
    assert "`message`: `on` is read as a field" in warning


def test_what_a_variable_holds_is_not_shown_by_a_warning(load_with_head):
    text = rule(when='"${CONDITION}"')
    assert load_with_head(text, CONDITION="secret_name == on").warnings == ()


@pytest.mark.parametrize(
    ("more", "what"),
    [
        (", url: example.org", "`url` is no http:// or https:// link"),
        (", url: 'https://example.org/{{ x }}'", None),
        (", url: https://example.org", None),
        (", url: '{{ link }}'", None),
        (", silent: perhaps", "`silent` is neither true nor false"),
        (", silent: '{{ x }}'", None),
        (", silent: yes", None),
        (", recovered: 'Dry: { device }'", "`recovered`: single braces are sent as they stand"),
        (", recovered: 'Dry: {device.name}'", "`recovered`: single braces are sent as they stand"),
        (", recovered: 'Dry: {{ x }} {{y}} {% if x %}{% endif %}{# z #}'", None),
    ],
)
def test_a_text_that_cannot_be_meant_is_warned_of(load_with_head, more, what):
    found = [one.what for one in load_with_head(rule(more=more)).warnings]
    assert len(found) == (what is not None)
    assert all(one.startswith(what) for one in found)


@pytest.mark.parametrize(
    ("topic", "hint"),
    [
        ("a/*", "`+` is one level"),
        ('"a/{device}/state"', "`+name`"),
        ("/a/b", "most topics have none"),
        ("a/b/", "most topics have none"),
    ],
)
def test_a_topic_in_the_words_of_another_system_is_warned_of(load_with_head, topic, hint):
    [warning] = load_with_head(rule(topic=topic)).warnings
    assert hint in warning.hint
