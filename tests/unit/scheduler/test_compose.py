"""The words of one POST."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kilopush_bridge.core.protocol import MESSAGE_MAX_UNITS
from kilopush_bridge.core.text import units
from kilopush_bridge.model import Delivery, Kind, Priority
from kilopush_bridge.scheduler.compose import compose

NOW_S = 1_000_000.0


def delivery(text: str = "leak", **changes: Any) -> Delivery:
    values: dict[str, Any] = {
        "id": 1,
        "alert_id": 1,
        "person": "me",
        "channel": "home",
        "kind": Kind.ALARM,
        "priority": Priority.NORMAL,
        "name": "rule",
        "url": None,
        "silent": False,
        "created_at_s": NOW_S,
    }
    return Delivery(text=text, **{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({}, "leak"),
        ({"created_at_s": NOW_S - 59}, "leak"),
        ({"created_at_s": NOW_S - 60}, "leak (1 min ago)"),
        ({"created_at_s": NOW_S + 3600}, "leak"),  # the clock was set back
        ({"found_at_start": True}, "leak (found at start)"),
        ({"over_after_s": 300.0}, "leak (over after 5 min)"),
        ({"over_after_s": -5.0}, "leak (over after 0 s)"),
        ({"is_repeat": True}, "leak (may be a repeat)"),
        (
            {
                "created_at_s": NOW_S - 7200,
                "found_at_start": True,
                "over_after_s": 60.0,
                "is_repeat": True,
            },
            "leak (found at start) (2 h ago) (over after 1 min) (may be a repeat)",
        ),
    ],
)
def test_a_message_says_what_became_of_it(changes: dict[str, Any], text: str):
    assert compose([delivery(**changes)], NOW_S).text == text


def test_a_group_has_one_line_each_with_its_link_and_makes_a_sound_if_one_does():
    batch = compose(
        [
            delivery("two\nlines", url="https://example.org/1", silent=True),
            delivery("b", is_repeat=True),
        ],
        NOW_S,
    )
    assert batch.text == "two lines https://example.org/1\nb (may be a repeat)"
    assert batch.url is None
    assert not batch.silent


def test_a_link_never_pushes_the_text_out():
    link = "https://example.org/" + "x" * 900
    batch = compose([delivery("y" * 2000, url=link)], NOW_S)
    assert batch.url is None
    assert len(batch.text) > 900


DELIVERIES = st.builds(
    delivery,
    st.text(min_size=1, max_size=1500),
    url=st.none() | st.integers(1, 1200).map(lambda size: "https://e.org/" + "u" * size),
    is_repeat=st.booleans(),
    over_after_s=st.none() | st.floats(0, 1e6),
    created_at_s=st.floats(0, NOW_S),
)


@given(st.lists(DELIVERIES, min_size=1, max_size=20))
def test_every_batch_fits_one_message_takes_the_first_and_keeps_the_order(
    deliveries: list[Delivery],
):
    batch = compose(deliveries, NOW_S)
    assert units(batch.text) + units(batch.url or "") <= MESSAGE_MAX_UNITS
    assert list(batch.deliveries) == deliveries[: len(batch.deliveries)]
    assert batch.deliveries
