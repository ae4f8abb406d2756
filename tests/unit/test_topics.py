"""Topic filters: what is refused, what names stand for, and how filters relate."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kilopush_bridge.topics import (
    LEVELS_MAX,
    FilterTree,
    TopicError,
    covers,
    matches,
    overlaps,
    parse_filter,
)


@pytest.mark.parametrize(
    ("source", "text", "names", "rest_name"),
    [
        ("zigbee2mqtt/sink", "zigbee2mqtt/sink", (), None),
        ("zigbee2mqtt/+device", "zigbee2mqtt/+", ((1, "device"),), None),
        ("+a/+/+c", "+/+/+", ((0, "a"), (2, "c")), None),
        ("tele/+boiler/#rest", "tele/+/#", ((1, "boiler"),), "rest"),
        ("#", "#", (), None),
        ("#all", "#", (), "all"),
        ("homie/5/+device/$alert/+what", "homie/5/+/$alert/+", ((2, "device"), (4, "what")), None),
        ("/", "/", (), None),
        ("a b/ü", "a b/ü", (), None),
        ("$SYS/#", "$SYS/#", (), None),
    ],
)
def test_a_filter_names_its_wildcards(source: str, text: str, names: tuple, rest_name: str | None):
    parsed = parse_filter(source)
    assert (parsed.text, parsed.names, parsed.rest_name) == (text, names, rest_name)


@pytest.mark.parametrize(
    ("source", "what"),
    [
        ("", "cannot be empty"),
        ("a/#/b", "topic `a/#/b`: `#` must be the last level"),
        ("a/b+", "topic `a/b+`: `+` and `#` must fill the whole level `b+`"),
        ("a#", "must fill the whole level `a#`"),
        ("+my-device", "`my-device` is no name"),
        ("+1st", "`1st` is no name"),
        ("+gerät", "`gerät` is no name"),
        ("++", "`+` is no name"),
        ("+in/x", "`in` is a word of expressions"),
        ("+a/+a", "`a` names two levels"),
        ("+a/#a", "`a` names two levels"),
        ("$share/group/a", "shared subscriptions"),
        ("a\0b", "without NUL"),
        ("a\ud800", "UTF-8"),
        ("ü" * 40_000, "at most 65535 bytes"),
        ("a/" * LEVELS_MAX + "a", "at most 200 levels"),
    ],
)
def test_what_no_broker_would_take_is_refused(source: str, what: str):
    with pytest.raises(TopicError) as caught:
        parse_filter(source)
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("source", "topic", "bound"),
    [
        ("tele/+boiler/SENSOR", "tele/Back Door/SENSOR", {"boiler": "Back Door"}),
        ("+a/#rest", "x/y/z", {"a": "x", "rest": "y/z"}),
        ("+a/#rest", "x", {"a": "x", "rest": ""}),
        ("#all", "x/y", {"all": "x/y"}),
        ("+a/+", "/y", {"a": ""}),
        ("a/b", "a/b", {}),
    ],
)
def test_names_stand_for_what_their_wildcards_match(source: str, topic: str, bound: dict[str, str]):
    parsed = parse_filter(source)
    assert matches(parsed.text, topic)
    assert parsed.bind(topic) == bound
    assert set(parsed.all_names) == set(bound)


@pytest.mark.parametrize(
    ("topic_filter", "topic", "is_match"),
    [
        ("#", "a/b", True),
        ("a/#", "a", True),
        ("a/+", "a", False),
        ("a/+", "a/", True),
        ("+", "a/b", False),
        ("#", "$SYS/uptime", False),
        ("+/uptime", "$SYS/uptime", False),
        ("$SYS/#", "$SYS/uptime", True),
        ("a/#", "a/$b", True),
        ("A", "a", False),
    ],
)
def test_matching_follows_mqtt(topic_filter: str, topic: str, is_match: bool):
    assert matches(topic_filter, topic) is is_match


def test_a_tree_finds_every_filter_that_matches():
    tree = FilterTree({"a/+": 1, "a/b": 2, "#": 3, "b/#": 4})
    assert sorted(tree.match("a/b")) == [1, 2, 3]
    assert tree.match("$SYS") == []


def test_a_topic_of_very_many_levels_is_matched():
    assert matches("+/" * (LEVELS_MAX - 1) + "#", "/" * 60_000)


# A small world in which every topic can be tried: four levels of two words, with and without $.
WORDS = ("a", "b")
TOPICS = ["/".join(levels) for count in (1, 2, 3, 4) for levels in product(WORDS, repeat=count)]
TOPICS += ["$" + topic for topic in TOPICS]
filters = st.builds(
    lambda levels, last, dollar: dollar * (levels[0] in WORDS) + "/".join([*levels, *last]),
    st.lists(st.sampled_from([*WORDS, "+"]), min_size=1, max_size=3),
    st.sampled_from([[], [], ["#"]]),
    st.sampled_from(["", "", "$"]),
) | st.just("#")


def matched(topic_filter: str) -> set[str]:
    """Return what a filter matches, from the words of the standard rather than from paho."""
    wanted = topic_filter.split("/")
    return {topic for topic in TOPICS if _is_match(wanted, topic)}


def _is_match(wanted: list[str], topic: str) -> bool:
    levels = topic.split("/")
    if topic.startswith("$") and wanted[0] in ("+", "#"):
        return False
    if wanted[-1] == "#":
        wanted = wanted[:-1]
        levels = levels[: len(wanted)]
    return len(levels) == len(wanted) and all(
        one in ("+", level) for one, level in zip(wanted, levels, strict=True)
    )


@settings(max_examples=300)
@given(filters)
def test_matching_agrees_with_the_standard(topic_filter: str):
    assert {topic for topic in TOPICS if matches(topic_filter, topic)} == matched(topic_filter)


@settings(max_examples=500)
@given(filters, filters)
def test_covering_and_overlapping_agree_with_trying_every_topic(one: str, other: str):
    assert overlaps(one, other) is bool(matched(one) & matched(other))
    assert overlaps(other, one) is overlaps(one, other)
    assert covers(one, other) is (matched(other) <= matched(one))


@pytest.mark.parametrize(
    ("wide", "narrow", "is_covered"),
    [
        ("#", "a/b", True),
        ("#", "$SYS/#", False),
        ("+/#", "#", True),
        ("a/#", "a", True),
        ("a/+", "a/#", False),
        ("+/b", "a/b", True),
        ("a/b", "+/b", False),
    ],
)
def test_a_wide_filter_covers_a_narrow_one(wide: str, narrow: str, is_covered: bool):
    assert covers(wide, narrow) is is_covered
