"""What is worth knowing and stops nothing."""

import pytest

RULE = "alerts:\n  rule: {{topic: {topic}, when: {when}, message: {message}{more}}}\n"


def warnings_of(config):
    return [f"{one.line}:{one.column}: {one.what}" for one in config.warnings]


def rule(topic="a/b", when="x", message="y", more=""):
    return RULE.format(topic=topic, when=when, message=message, more=more)


def test_a_good_file_has_no_warnings(load_with_head):
    assert load_with_head(rule()).warnings == ()


@pytest.mark.parametrize(
    "section", ["budget", "quiet", "digest", "senders", "web", "heartbeat", "alive"]
)
def test_a_section_that_is_not_built_yet_is_one_warning(load_with_head, section):
    config = load_with_head(f"{section}: {{some: thing, other: [1, 2]}}\n")
    assert warnings_of(config) == [f"7:1: `{section}` is not acted on in this version"]


def test_words_that_are_not_built_yet_are_one_warning_each(load):
    config = load("""\
mqtt:
  discovery: false
channels:
  home: {token: "${KILO_TOKEN}", secret: "${KILO_SECRET}", critical_channel: x, budget: {}}
people: {me: "${KILO_ME}"}
""")
    assert warnings_of(config) == [
        "2:3: `discovery` is not acted on in this version",
        "4:60: `critical_channel` is not acted on in this version",
        "4:81: `budget` is not acted on in this version",
    ]


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
