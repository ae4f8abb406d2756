"""A message reaches the rules once, however many filters match it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import example, given
from hypothesis import strategies as st

from kilopush_bridge.mqtt.subscriptions import (
    IDENTIFIER_MAX,
    Subscriptions,
    identifier_of,
    minimal_cover,
    partial_overlaps,
)
from kilopush_bridge.topics import matches

if TYPE_CHECKING:
    from collections.abc import Sequence

LEVELS = st.sampled_from(["a", "b", "+"])
FILTERS = st.builds(
    lambda levels, tail: "/".join([*levels, *tail]),
    st.lists(LEVELS, min_size=1, max_size=3),
    st.sampled_from([(), ("#",)]),
)
CONFIGURATION = st.lists(FILTERS, min_size=1, max_size=6)
TOPICS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4).map("/".join)


def copies(filters: Sequence[str], topic: str) -> list[list[int]]:
    """What a broker with a copy per matching subscription sends."""
    return [[identifier_of(one)] for one in filters if matches(one, topic)]


def processed(now: Subscriptions, sent: list[list[int]], topic: str) -> int:
    return sum(now.is_ours(topic, identifiers) for identifiers in sent)


@given(CONFIGURATION, TOPICS)
def test_of_one_copy_per_filter_exactly_one_counts(filters: list[str], topic: str):
    now = Subscriptions(filters)
    sent = copies(now.filters, topic) if now.has_overlaps else copies(now.filters, topic)[:1]
    assert processed(now, sent, topic) == len(sent[:1])


@given(CONFIGURATION, TOPICS)
def test_one_copy_with_all_identifiers_counts(filters: list[str], topic: str):
    now = Subscriptions(filters)
    together = [one for identifiers in copies(now.filters, topic) for one in identifiers]
    if together:
        assert now.is_ours(topic, together)


@given(CONFIGURATION, CONFIGURATION, TOPICS)
@example(["x/+", "+/y"], ["+/q", "x/+", "+/y"], "x/q")
@example(["+/b", "a/+"], ["a/+", "+/b"], "a/b")
def test_what_was_queued_under_another_configuration_is_never_dropped(
    before: list[str], after: list[str], topic: str
):
    old = Subscriptions(before)
    now = Subscriptions(after, known=old.filters)
    queued = copies(old.filters, topic) if old.has_overlaps else [[]]
    if queued and any(matches(one, topic) for one in old.filters):
        assert processed(now, queued, topic) >= 1


@given(CONFIGURATION)
def test_filters_that_are_left_out_are_covered(filters: list[str]):
    kept = minimal_cover(filters)
    assert set(kept) <= set(filters)
    for topic in ("a", "b", "a/b", "b/a", "a/b/c", "c/a"):
        wanted = any(matches(one, topic) for one in filters)
        assert wanted == any(matches(one, topic) for one in kept)


def test_known_filters_come_first_in_their_order_so_that_owners_stay():
    assert Subscriptions(["a/+", "+/b", "+/c"], known=["gone", "+/b", "a/+"]).filters == [
        "+/b",
        "a/+",
        "+/c",
    ]


def test_refused_filters_give_way_to_those_they_covered():
    assert Subscriptions(["a/#", "a/b"]).filters == ["a/#"]
    assert Subscriptions(["a/#", "a/b"], refused=["a/#"]).filters == ["a/b"]


def test_partial_overlaps_are_pairs_that_share_a_topic():
    assert partial_overlaps(["a/+", "+/b", "c/#"]) == [("a/+", "+/b"), ("+/b", "c/#")]


@given(st.text(min_size=1))
def test_identifiers_are_allowed_and_the_same_in_every_run(topic_filter: str):
    assert 1 <= identifier_of(topic_filter) <= IDENTIFIER_MAX
    assert identifier_of("a/+") == 101_430_528  # brokers remember it: never change how it is made
