"""What `try` says about the words of a rule that need time."""

from __future__ import annotations

from typing import Any

import pytest

from kilopush_bridge.cli.what_if import Present, notes, outcome
from kilopush_bridge.expressions import Expression, Template
from kilopush_bridge.model import Priority, Received
from kilopush_bridge.rules import Limit, Rule
from kilopush_bridge.topics import parse_filter

NOW_S = 1_000_000.0
UNTIL = "until acknowledged or over: shed is open for 10 min (for 10 min)"


def rule(when: str = "open", **words: Any) -> Rule:
    return Rule(
        name="door",
        filters=(parse_filter("+device"),),
        condition=Expression(when),
        message=Template("{{ device }} is open for {{ lasted }}", ("device", "lasted")),
        to=("me",),
        channel="home",
        priority=Priority.NORMAL,
        **words,
    )


def told(one: Rule, payload: bytes = b'{"open": true}', at: Present | None = None) -> list[str]:
    found = outcome(one, Received("shed", payload), NOW_S, None)
    return list(notes(one, found, at or Present(), NOW_S, None))


@pytest.mark.parametrize(
    ("words", "after_s"),
    [({}, 0.0), ({"for_s": 900.0}, 900.0), ({"is_event": True, "cooldown_s": 60.0}, 0.0)],
)
def test_an_alarm_comes_after_its_time(words: dict[str, Any], after_s: float):
    found = outcome(rule(**words), Received("shed", b'{"open": true}'), NOW_S, None)
    assert found.alarm is not None
    assert (found.after_s, found.alarm.at_s) == (after_s, NOW_S + after_s)


def test_silence_is_played_too():
    found = outcome(rule("true", stale_s=60.0), Received("shed", b"x"), NOW_S, None)
    assert found.alarm is not None
    assert found.after_s == 60.0


@pytest.mark.parametrize("payload", [b'{"open": false}', b"{}"])
def test_what_does_not_hold_is_never_told(payload: bytes):
    assert outcome(rule(for_s=60.0), Received("shed", payload), NOW_S, None).alarm is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ({"for_s": 900.0}, ["holds: would be told after 15 min if it still holds"]),
        ({"group_s": 20.0}, ["would be grouped for 20 s with what comes after it"]),
        ({"limit": Limit(6, 3600)}, ["at most 6 in 1 h: what is more goes into the digest"]),
        ({"cooldown_s": 300.0}, ["then not again for 5 min, for the same key"]),
        ({"unless": ("hub",)}, ["not muted: `hub` does not fire"]),
        (
            {"repeat_s": (600.0, 7200.0)},
            [
                f"reminders after 10 min, then every 2 h {UNTIL}",
            ],
        ),
        (
            {"is_event": True, "clear_after_s": 60.0, "repeat_s": (600.0,)},
            [
                "no reminder: it is over before the first `repeat`",
                "counts as over 1 min after the last one",
            ],
        ),
    ],
)
def test_each_word_says_what_it_would_do(words: dict[str, Any], said: list[str]):
    assert told(rule(**words)) == said


def test_silence_says_how_long():
    assert told(rule("true", stale_s=60.0)) == ["heard: would be told after 1 min of silence"]


def test_what_mutes_it_now_is_named():
    at = Present({"hub"}, {"door": NOW_S + 60})
    first, second = told(rule(unless=("hub",)), at=at)
    assert first == "muted by `hub`, which fires now"
    assert second.startswith("muted: snoozed until ")
