"""How conditions behave: three truth values over what devices really say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kilopush_bridge import demo
from kilopush_bridge.expressions import UNKNOWN, Expression, Scope, Unknown
from kilopush_bridge.payload import read_payload

T, F, U = True, False, UNKNOWN


def holds(source: str, value: Any = None, **names: Any) -> bool | Unknown:
    return Expression(source, names).holds(Scope(value, names))


def value_of(source: str, value: Any = None, **names: Any) -> Any:
    return Expression(source, names).value(Scope(value, names))


@pytest.mark.parametrize(
    ("left", "right", "conjunction", "disjunction"),
    [
        (T, T, T, T),
        (T, F, F, T),
        (T, U, U, T),
        (F, T, F, T),
        (F, F, F, F),
        (F, U, F, U),
        (U, T, U, T),
        (U, F, F, U),
        (U, U, U, U),
    ],
)
def test_and_and_or_follow_kleene(left: Any, right: Any, conjunction: Any, disjunction: Any):
    assert holds("a and b", left=0, a=left, b=right) is conjunction
    assert holds("a or b", left=0, a=left, b=right) is disjunction


@pytest.mark.parametrize(("one", "negated"), [(T, F), (F, T), (U, U)])
def test_not_leaves_unknown_alone(one: Any, negated: Any):
    assert holds("not a", a=one) is negated


@pytest.mark.parametrize(
    ("value", "truth"),
    [
        *[(word, T) for word in ("on", "ON", "On", "true", "TRUE", "yes", "Yes", " on\n")],
        *[(word, F) for word in ("off", "OFF", "false", "False", "no", "NO")],
        (True, T),
        (False, F),
        (1, T),
        (0.5, T),
        (-1, T),
        (0, F),
        (0.0, F),
        ("", U),
        ("open", U),
        ("1", U),
        ("on " * 100_000, U),
        ([], U),
        ([True], U),
        ({"state": "on"}, U),
        (None, U),
        (float("nan"), U),
        (float("inf"), U),
    ],
)
def test_a_result_counts_as_true_false_or_nothing(value: Any, truth: Any):
    assert holds("value", value) is truth


@pytest.mark.parametrize(
    "word", ["nan", "NaN", "NAN", "None", "none", "null", "unavailable", "Unavailable", "unknown"]
)
def test_a_word_for_no_value_is_unknown(word: str):
    assert holds("state == 'on'", {"state": word}) is U
    assert holds("state != 'on'", {"state": word}) is U
    assert holds("value > 5", word) is U


@pytest.mark.parametrize(
    "source",
    [
        "smoke",
        "not smoke",
        "smoke > 5",
        "smoke == 'on'",
        "smoke != 'on'",
        "5 < smoke",
        "0 < smoke < 9",
        "smoke in ['on', 1]",
        "'on' in smoke",
        "smoke + 1 > 0",
        "-smoke < 0",
        "smoke ~ '' == ''",
        "smoke.density > 5",
        "smoke['density'] > 5",
        "smoke[0]",
        "smoke[:1] == 'a'",
        "value.smoke",
        "value['smoke']",
        "value[smoke]",
        "[1, smoke] == [1]",
        "smoke | float > 5",
        "smoke is string",
        "smoke.startswith('o')",
        "offline(smoke)",
        "true if smoke else false",
        "none",
        "smoke == none",
    ],
)
def test_what_a_payload_does_not_say_is_unknown(source: str):
    assert holds(source, {"battery": 97}) is U
    assert holds(source, {"smoke": None}) is U
    assert holds(source, "just a text") is U


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("smoke is defined", F),
        ("smoke is undefined", T),
        ("smoke is not defined", T),
        ("battery is defined", T),
        ("smoke | default(false)", F),
        ("smoke | default(battery) > 90", T),
        ("smoke | default(gas)", U),
        ("smoke or battery > 90", T),
        ("smoke and battery > 98", F),
        ("9 < smoke < 5 < 3", F),
    ],
)
def test_a_missing_value_does_not_hide_what_is_known(source: str, result: Any):
    assert holds(source, {"battery": 97}) is result


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("t > 20", T),
        ("t >= 21.5", T),
        ("t < 20", F),
        ("t <= 21.5", T),
        ("20 < t < 22", T),
        ("22 < t < 30", F),
        ("t == 21.5", T),
        ("t != 21.5", F),
        ("t > '20'", U),
        ("state == 'ON'", T),
        ("state == t", F),
        ("state in ['ON', 'on']", T),
        ("state not in ['ON', 'on']", F),
        ("'N' in state", T),
        ("'x' in colors", F),
        ("'red' in colors", T),
        ("'red' in nested", T),
        ("'red' in t", U),
        ("colors in nested", U),
        ("t + 1 == 22.5", T),
        ("t - 1.5 == 20", T),
        ("t * 2 == 43", T),
        ("t / 2 == 10.75", T),
        ("t // 2 == 10", T),
        ("t % 2 == 1.5", T),
        ("t / 0 > 1", U),
        ("-t < 0", T),
        ("+t > 0", T),
        ("state + '!' == 'ON!'", T),
        ("state + 1 == 2", U),
        ("state ~ 1 == 'ON1'", T),
        ("colors[0] == 'red'", T),
        ("colors.1 == 'green'", T),
        ("colors[-1] == 'green'", T),
        ("colors[7] == 'red'", U),
        ("colors[:1] == ['red']", T),
        ("state[::-1] == 'NO'", T),
        ("state[::0] == 'NO'", U),
        ("nested.red == 1", T),
        ("nested['red'] == 1", T),
        ("nested[state]", U),
        ("nested[colors[0]] == 1", T),
        ("nested[colors]", U),
        ("t[0]", U),
        ("('a' if t > 20 else 'b') == 'a'", T),
        ("('a' if t > 30 else 'b') == 'b'", T),
        ("('a' if t > 30) == 'a'", U),
    ],
)
def test_operators(source: str, result: Any):
    payload = {"t": 21.5, "state": "ON", "colors": ["red", "green"], "nested": {"red": 1}}
    assert holds(source, payload) is result


def test_payload_keys_win_over_methods_of_objects():
    payload = {"update": {"state": "available"}, "items": [1], "get": True}
    assert value_of("value.update.state", payload) == "available"
    assert value_of("value.items[0]", payload) == 1
    assert holds("value.get", payload) is T
    assert value_of("value.get('items')", payload) == [1]


def test_engine_names_win_over_payload_keys_and_the_payload_stays_reachable():
    payload = {"device": "from the payload", "value": 7}
    assert value_of("device", payload, device="from the topic") == "from the topic"
    assert value_of("value.device", payload, device="from the topic") == "from the payload"
    assert value_of("value.value", payload) == 7


def test_a_topic_level_called_unknown_is_a_name_like_any_other():
    assert holds("device == 'unknown'", {}, device="unknown") is T


def test_a_name_that_this_filter_does_not_bind_is_read_from_the_payload():
    expression = Expression("device", ["device"])
    assert expression.value(Scope({"device": "sink"}, {})) == "sink"


def test_a_payload_that_is_no_object_is_only_value():
    assert holds("value > 20", 21.4) is T
    assert holds("temperature > 20", 21.4) is U
    assert value_of("value[1]", [1, 2]) == 2


PRESENCE = {
    ("zigbee2mqtt/bridge/state", '{"state":"offline"}'): False,
    ("zigbee2mqtt/bridge/state", "online"): True,
    ("zigbee2mqtt/my_bulb/availability", '{"state":"offline"}'): False,
    ("tele/tasmota_XXXXXX/LWT", "Offline"): False,
    ("frigate/available", "offline"): False,
    ("frigate/front_door/status/detect", "offline"): False,
    ("livingroom/status", "offline"): False,
    ("shellyplus1pm-Kuechenblock/online", "false"): False,
    ("shellies/shellyflood-445566/online", "false"): False,
}
SAMPLES = [
    (sample["topic"], sample["payload"])
    for sample in map(
        json.loads, (Path(demo.__file__).parent / "mqtt.jsonl").read_text("utf-8").splitlines()
    )
]


def test_every_spelling_of_presence_in_the_samples_is_known():
    assert set(SAMPLES) >= PRESENCE.keys()
    for (topic, payload), is_online in PRESENCE.items():
        value = read_payload(payload.encode())
        assert holds("online(value)", value) is is_online, topic
        assert holds("offline(value)", value) is not is_online, topic


@pytest.mark.parametrize("sample", [one for one in SAMPLES if one not in PRESENCE])
def test_no_other_sample_says_anything_about_presence(sample: tuple[str, str]):
    said = holds("offline(value)", read_payload(sample[1].encode()))
    assert said is U, sample


@pytest.mark.parametrize(
    ("value", "is_online"),
    [
        *[(word, T) for word in ("online", "Online", "ready", "connected", "alive", "up", "true")],
        *[(word, F) for word in ("offline", "lost", "disconnected", "stopped", "dead", "down")],
        ("OFFLINE\n", F),
        ("0", F),
        (0, F),
        (1, T),
        (0.0, F),
        (False, F),
        ({"state": "online"}, T),
        ({"state": None}, U),
        ({"state": {"state": "online"}}, U),
        ({}, U),
        (2, U),
        ([], U),
        ("init", U),
        ("unavailable", U),
    ],
)
def test_presence_is_a_word_a_boolean_or_an_object_with_a_state(value: Any, is_online: Any):
    assert holds("online(value)", value) is is_online
    assert holds("offline(value)", value) is (U if is_online is U else not is_online)


@pytest.mark.parametrize(
    ("source", "payload", "missing"),
    [
        ("water_leak", {}, ["water_leak"]),
        ("water_leak", {"water_leak": False}, []),
        ("after.camera == 'yard'", {}, ["after"]),
        ("after.camera == 'yard'", {"after": {}}, ["after.camera"]),
        ("value['switch:0'].apower > 5", {}, ["value['switch:0']"]),
        ("battery < 15 or batt < 15", {"batt": 50}, ["battery"]),
        ("after or afternoon", {}, ["after", "afternoon"]),
        ("(a | default(b)).c", {"b": {}}, ["a", "(...).c"]),
    ],
)
def test_an_expression_says_what_it_misses(source: str, payload: Any, missing: list[str]):
    assert Expression(source).missing(Scope(payload)) == missing


def test_unknown_has_no_truth_of_its_own():
    with pytest.raises(TypeError, match="neither true nor false"):
        bool(UNKNOWN)
    assert repr(UNKNOWN) == "UNKNOWN"


def test_an_expression_shows_its_source():
    assert repr(Expression("not contact")) == "<Expression 'not contact'>"
