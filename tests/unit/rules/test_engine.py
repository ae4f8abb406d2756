"""From messages to alerts: once per episode, and nothing from what devices do not say."""

from __future__ import annotations

from datetime import UTC
from typing import Any

import pytest

from kilopush_bridge.expressions import Expression, Template
from kilopush_bridge.model import Alert, Episode, Kind, Priority, Received
from kilopush_bridge.rules import Engine, Retained, Rule
from kilopush_bridge.rules.engine import KEY_MAX_CHARS
from kilopush_bridge.topics import parse_filter


def make_rule(**overrides: Any) -> Rule:
    """Return a rule; expressions and topic filters may be given as text."""
    for word in ("condition", "until", "key"):
        if isinstance(overrides.get(word), str):
            overrides[word] = Expression(overrides[word], ["topic", "device", "room"])
    for word in ("filters", "excepts"):
        if word in overrides:
            overrides[word] = tuple(map(parse_filter, overrides[word]))
    defaults: dict[str, Any] = {
        "name": "leak",
        "filters": (parse_filter("z/+device"),),
        "condition": Expression("leak"),
        "message": Template("Water"),
        "to": ("me",),
        "channel": "home",
        "priority": Priority.NORMAL,
    }
    return Rule(**defaults | overrides)


class House:
    """An engine and a clock that ticks once per message."""

    def __init__(self, *rules: Rule, firing: dict[str, dict[str, Episode]] | None = None) -> None:
        self.engine = Engine(rules, firing or {}, UTC)
        self.now_s = 1000.0

    def hears(self, payload: str | bytes, topic: str = "z/sink", retain: bool = False) -> list[str]:
        return [alert.kind.value for alert in self.alerts(payload, topic, retain)]

    def alerts(
        self, payload: str | bytes, topic: str = "z/sink", retain: bool = False
    ) -> list[Alert]:
        self.now_s += 60
        raw = payload.encode() if isinstance(payload, str) else payload
        results = self.engine.handle(Received(topic, raw, retain), self.now_s)
        return [one for one in results if isinstance(one, Alert)]


WET, DRY, SILENT = '{"leak": true}', '{"leak": false}', '{"battery": 97}'


def test_a_state_is_told_once_when_it_begins_and_once_when_it_ends():
    house = House(make_rule())
    said = [house.hears(payload) for payload in (DRY, WET, WET, WET, DRY, DRY, WET)]
    assert said == [[], ["alarm"], [], [], ["recovery"], [], ["alarm"]]


@pytest.mark.parametrize(
    "payload",
    [
        SILENT,
        '{"leak": null}',
        '{"leak": "unavailable"}',
        "",
        "null",
        "[]",
        "5",
        b"\xff",
        "{broken",
    ],
)
def test_unknown_changes_nothing(payload: str | bytes):
    house = House(make_rule())
    assert house.hears(payload) == []
    assert house.hears(WET) == ["alarm"]
    assert house.hears(payload) == []
    assert house.hears(DRY) == ["recovery"]


def test_until_is_hysteresis():
    house = House(make_rule(condition="value > 55", until="value < 50"))
    said = {
        payload: house.hears(payload) for payload in ("54", "56", "52", "57", "50", "49.9", "51")
    }
    assert {payload: kinds for payload, kinds in said.items() if kinds} == {
        "56": ["alarm"],
        "49.9": ["recovery"],
    }


def test_a_message_that_fires_never_ends():
    house = House(make_rule(condition="leak", until="battery > 5"))
    assert house.hears('{"leak": true, "battery": 9}') == ["alarm"]
    assert house.hears('{"leak": true, "battery": 9}') == []
    assert house.hears('{"battery": 9}') == ["recovery"]


def test_each_topic_has_a_state_of_its_own():
    house = House(make_rule())
    assert house.hears(WET, "z/sink") == ["alarm"]
    assert house.hears(DRY, "z/bath") == []
    assert house.hears(WET, "z/bath") == ["alarm"]
    assert house.hears(DRY, "z/sink") == ["recovery"]


def test_a_key_divides_a_topic_and_falls_back_to_it():
    house = House(make_rule(key="id"))
    assert [alert.key for alert in house.alerts('{"leak": true, "id": 7}')] == ["7"]
    assert [alert.key for alert in house.alerts('{"leak": true, "id": 8.5}')] == ["8.5"]
    assert [alert.key for alert in house.alerts(WET)] == ["z/sink"]
    assert house.hears('{"leak": false, "id": 7}') == ["recovery"]
    assert house.hears('{"leak": false, "id": 9}') == []


def test_long_keys_are_shortened_but_stay_apart():
    house = House(make_rule(key="id"))
    one, other = ("x" * 9000 + end for end in "ab")
    keys = [
        alert.key for id_ in (one, other) for alert in house.alerts(f'{{"leak":1,"id":"{id_}"}}')
    ]
    assert len(set(keys)) == 2
    assert all(len(key) < KEY_MAX_CHARS + 20 for key in keys)
    assert house.hears(f'{{"leak": false, "id": "{one}"}}') == ["recovery"]


def test_a_key_nested_too_deeply_to_print_loses_no_alarm():
    house = House(make_rule(key="id"))
    deep = "[" * 500 + "]" * 500
    assert house.hears(f'{{"leak": true, "id": {deep}}}') == ["alarm"]


def test_events_count_each_by_itself():
    house = House(make_rule(condition="leak", is_event=True, retained=Retained.IGNORE))
    assert [house.hears(payload) for payload in (WET, WET, DRY, SILENT, WET)] == [
        ["event"],
        ["event"],
        [],
        [],
        ["event"],
    ]
    assert house.engine.firing == {"leak": {}}


def test_a_rule_with_several_matching_filters_is_applied_once():
    house = House(make_rule(filters=["z/#", "z/+device", "+/sink"], is_event=True))
    assert house.hears(WET) == ["event"]


def test_except_leaves_a_topic_out():
    house = House(make_rule(excepts=["z/sink"]))
    assert house.hears(WET, "z/sink") == []
    assert house.hears(WET, "z/bath") == ["alarm"]


def test_alerts_come_in_the_order_of_the_rules():
    names = ["c", "a", "b"]
    house = House(*(make_rule(name=name) for name in names))
    assert [alert.rule.name for alert in house.alerts(WET)] == names
    assert house.engine.matched == {"a": 1, "b": 1, "c": 1}


def test_names_of_one_rule_do_not_leak_into_the_next():
    one = make_rule(name="one", filters=["+room/sink"], condition="room == 'z'")
    two = make_rule(name="two", filters=["z/+device"], condition="room == 'z'")
    house = House(one, two)
    assert [alert.rule.name for alert in house.alerts("{}")] == ["one"]


REPLAYS = [
    # rule, payload of the replay, whether its key fires already: what it says, found at start
    ("compare", WET, False, ["alarm"], True),
    ("compare", WET, True, [], None),
    ("compare", DRY, True, ["recovery"], True),
    ("compare", DRY, False, [], None),
    ("compare", SILENT, True, [], None),
    ("ignore", WET, False, [], None),
    ("ignore", DRY, True, [], None),
    ("fire", WET, False, ["alarm"], False),
    ("fire", WET, True, [], None),
    ("fire", DRY, True, ["recovery"], False),
]


@pytest.mark.parametrize(("retained", "payload", "is_firing", "said", "found"), REPLAYS)
def test_r1_a_replay_is_compared_ignored_or_taken_as_live(
    retained: str, payload: str, is_firing: bool, said: list[str], found: bool | None
):
    firing = {"leak": {"z/sink": Episode(500.0, 600.0)}} if is_firing else {}
    house = House(make_rule(retained=Retained(retained)), firing=firing)
    alerts = house.alerts(payload, retain=True)
    assert [alert.kind.value for alert in alerts] == said
    assert [alert.found_at_start for alert in alerts] == ([] if found is None else [found])


@pytest.mark.parametrize(
    ("retained", "said"), [("compare", []), ("ignore", []), ("fire", ["event"])]
)
def test_r1_a_replayed_event_counts_only_if_the_rule_says_so(retained: str, said: list[str]):
    house = House(make_rule(is_event=True, retained=Retained(retained)))
    assert house.hears(WET, retain=True) == said
    assert house.hears(WET) == ["event"]


def test_a_live_message_is_never_found_at_start():
    house = House(make_rule())
    assert [alert.found_at_start for alert in house.alerts(WET)] == [False]


def test_r1_firing_is_restored_from_what_was_stored():
    stored = {"leak": {"z/sink": Episode(500.0, 600.0, 7)}, "a removed rule": {"x": Episode(1, 1)}}
    house = House(make_rule(), firing=stored)
    assert set(house.engine.firing) == {"leak"}
    assert house.hears(WET) == []
    (recovery,) = house.alerts(DRY)
    assert recovery.since_s == 500.0
    assert recovery.names["count"] == 8
    assert stored["leak"].keys() == {"z/sink"}  # what was handed in is not changed


def test_an_alert_carries_what_templates_read():
    house = House(make_rule(condition="leak"))
    house.hears(WET)
    house.hears(WET)
    (alert,) = house.alerts(DRY)
    assert alert.kind is Kind.RECOVERY
    assert dict(alert.names) == {
        "device": "sink",
        "topic": "z/sink",
        "value": {"leak": False},
        "key": "z/sink",
        "lasted": "2 min",
        "count": 2,
        "now": "1970-01-01 00:19",
        "last_seen": "1970-01-01 00:18",
    }
    assert (alert.at_s, alert.since_s, alert.payload) == (1180.0, 1060.0, DRY.encode())


def test_every_message_about_a_firing_key_confirms_that_it_was_seen():
    house = House(make_rule())
    house.hears(WET)
    house.hears(SILENT)
    house.hears(WET)
    assert house.engine.seen_since(1180.0) == [(1180.0, 2, None, "leak", "z/sink")]
    assert house.engine.seen_since(1181.0) == []


def test_keys_that_were_not_seen_for_long_are_forgotten_silently():
    house = House(make_rule())
    house.hears(WET, "z/sink")
    house.hears(WET, "z/bath")
    house.engine.forget(1100.0)
    assert house.engine.firing["leak"].keys() == {"z/bath"}
    assert house.hears(DRY, "z/sink") == []


@pytest.mark.parametrize("payload", [b"\xff\xfe", b"[" * 300_000])
def test_payloads_that_say_nothing_are_counted(payload: bytes):
    house = House(make_rule())
    assert house.hears(payload) == []
    assert house.engine.unknown_payloads == 1
    assert house.hears(payload, "elsewhere") == []
    assert house.engine.unknown_payloads == 1


def test_a_rule_can_fire_on_its_topic_alone():
    house = House(make_rule(condition="device == 'sink'"))
    assert house.hears(b"\xff") == ["alarm"]
