"""From alerts to messages: an alert is never lost to a template."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from kilopush_bridge.expressions import UNKNOWN, Expression, Template
from kilopush_bridge.model import Alert, Kind, Message, Priority
from kilopush_bridge.payload import read_payload
from kilopush_bridge.rules import ENGINE_NAMES, Rule
from kilopush_bridge.templates import FALLBACK_PAYLOAD_CHARS, Renderer
from kilopush_bridge.topics import parse_filter

NAMES = [*ENGINE_NAMES, "device"]
WORDS = ("message", "recovered", "url", "silent")


def make_rule(**overrides: Any) -> Rule:
    for word in WORDS:
        if isinstance(overrides.get(word), str):
            overrides[word] = Template(overrides[word], NAMES)
    defaults: dict[str, Any] = {
        "name": "water leak",
        "filters": (parse_filter("zigbee2mqtt/+device"),),
        "condition": Expression("water_leak"),
        "message": Template("Water at {{ device }}", NAMES),
        "to": ("me", "anna"),
        "channel": "home",
        "priority": Priority.NORMAL,
    }
    return Rule(**defaults | overrides)


def make_alert(
    rule: Rule | None = None, payload: bytes = b'{"water_leak": true}', kind: Kind = Kind.ALARM
) -> Alert:
    names = {
        "topic": "zigbee2mqtt/sink",
        "device": "sink",
        "value": read_payload(payload),
        "key": "zigbee2mqtt/sink",
        "lasted": "5 min",
        "count": 3,
        "now": "2026-03-01 14:05",
        "last_seen": "2026-03-01 14:00",
    }
    rule = rule or make_rule()
    return Alert(rule, kind, names["key"], names, names["topic"], payload, 1300.0, 1000.0)


def render(rule: Rule | None = None, **alert: Any) -> Message:
    return Renderer().render(make_alert(rule, **alert))


def test_a_message_says_everything_that_the_outbox_must_know():
    assert render() == Message(
        kind=Kind.ALARM,
        origin="rule",
        name="water leak",
        key="zigbee2mqtt/sink",
        text="Water at sink",
        to=("me", "anna"),
        channel="home",
        priority=Priority.NORMAL,
        at_s=1300.0,
        since_s=1000.0,
        topic="zigbee2mqtt/sink",
    )


def test_templates_read_the_payload_and_every_name_of_the_engine():
    names = " ".join(f"{{{{ {name} }}}}" for name in NAMES if name != "value")
    rule = make_rule(message=f"{names} {{{{ water_leak }}}} {{{{ value.water_leak }}}}")
    text = render(rule).text
    assert text == (
        "zigbee2mqtt/sink zigbee2mqtt/sink 5 min 2026-03-01 14:00 2026-03-01 14:05 3 sink true true"
    )


@pytest.mark.parametrize(
    "message", ["{{ battery }}", "{{ 1 + topic }}", " ", "{% if 0 %}x{% endif %}"]
)
def test_a_template_that_fails_gives_the_rule_the_topic_and_the_payload(message: str):
    assert render(make_rule(message=message)).text == (
        'water leak: zigbee2mqtt/sink {"water_leak": true}'
    )


def test_the_fallback_shows_the_start_of_a_long_payload_only():
    text = render(make_rule(message="{{ battery }}"), payload=b"x" * 5000).text
    assert text is not None
    assert text.endswith("xxx…")
    assert len(text) == len("water leak: zigbee2mqtt/sink ") + FALLBACK_PAYLOAD_CHARS


def test_the_fallback_of_an_empty_or_unreadable_payload_is_still_a_text():
    rule = make_rule(message="{{ value }} {{ battery }}")
    assert render(rule, payload=b"").text == "water leak: zigbee2mqtt/sink"
    assert read_payload(b"\xff") is UNKNOWN
    assert render(rule, payload=b"\xff").text == "water leak: zigbee2mqtt/sink \ufffd"


def test_a_recovery_has_its_own_words():
    rule = make_rule(recovered="{{ device }} is dry after {{ lasted }}")
    assert render(rule, kind=Kind.RECOVERY).text == "sink is dry after 5 min"


def test_a_recovery_that_fails_says_that_it_is_over():
    text = render(make_rule(recovered="{{ battery }}"), kind=Kind.RECOVERY).text
    assert text == 'over: water leak: zigbee2mqtt/sink {"water_leak": true}'


def test_a_recovery_without_words_has_no_text_and_needs_no_url():
    renderer = Renderer()
    message = renderer.render(make_alert(make_rule(url="{{ battery }}"), kind=Kind.RECOVERY))
    assert message.text is None
    assert message.url is None
    assert renderer.failures == 0


@pytest.mark.parametrize(
    ("priority", "kind", "becomes"),
    [
        (Priority.CRITICAL, Kind.ALARM, Priority.CRITICAL),
        (Priority.CRITICAL, Kind.EVENT, Priority.CRITICAL),
        (Priority.CRITICAL, Kind.RECOVERY, Priority.HIGH),
        (Priority.HIGH, Kind.RECOVERY, Priority.HIGH),
        (Priority.LOW, Kind.RECOVERY, Priority.LOW),
    ],
)
def test_only_an_alarm_itself_is_critical(priority: Priority, kind: Kind, becomes: Priority):
    assert render(make_rule(priority=priority), kind=kind).priority is becomes


@pytest.mark.parametrize(
    ("url", "sent"),
    [
        ("http://frigate.lan:5000/{{ device }}", "http://frigate.lan:5000/sink"),
        ("https://a/{{ device | urlencode }}", "https://a/sink"),
        ("ftp://a/{{ device }}", None),
        ("{{ device }}", None),
        ("http://a/{{ battery }}", None),
        ("http://a/b c", None),
    ],
)
def test_a_url_that_is_no_link_is_left_out_and_the_text_goes(url: str, sent: str | None):
    renderer = Renderer()
    message = renderer.render(make_alert(make_rule(url=url)))
    assert message.text == "Water at sink"
    assert message.url == sent
    assert renderer.failures == (sent is None)


@pytest.mark.parametrize(
    ("silent", "priority", "is_silent", "failures"),
    [
        (False, Priority.NORMAL, False, 0),
        (True, Priority.NORMAL, True, 0),
        (False, Priority.LOW, True, 0),
        ("{{ water_leak }}", Priority.NORMAL, True, 0),
        ("{{ not water_leak }}", Priority.NORMAL, False, 0),
        ("{{ not water_leak }}", Priority.LOW, True, 0),
        ("{% if water_leak %}yes{% endif %}", Priority.NORMAL, True, 0),
        ("{% if not water_leak %}yes{% endif %}", Priority.NORMAL, False, 0),
        ("{{ battery }}", Priority.NORMAL, False, 1),
        ("{{ device }}", Priority.NORMAL, False, 1),
    ],
)
def test_silent_is_a_boolean_or_a_template_and_doubt_is_loud(
    silent: bool | str, priority: Priority, is_silent: bool, failures: int
):
    renderer = Renderer()
    message = renderer.render(make_alert(make_rule(silent=silent, priority=priority)))
    assert message.silent is is_silent
    assert renderer.failures == failures


def test_each_rule_is_logged_once_and_every_failure_counted(caplog: pytest.LogCaptureFixture):
    renderer = Renderer()
    leak, smoke = (make_rule(name=name, message="{{ battery }}") for name in ("leak", "smoke"))
    with caplog.at_level(logging.WARNING):
        for rule in (leak, leak, smoke, leak):
            renderer.render(make_alert(rule, payload=b"a secret of the device"))
    assert renderer.failures == 4
    assert [record.args for record in caplog.records] == [
        ("leak", "message", "`battery` is missing"),
        ("smoke", "message", "`battery` is missing"),
    ]
    assert "secret" not in caplog.text
