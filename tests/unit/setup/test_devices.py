"""Who talks at a broker is told from topics and payloads that real devices send."""

import pytest

from kilopush_bridge.setup.devices import KINDS, kinds_in, names_of, rules_for


@pytest.mark.parametrize(
    ("topic", "payload", "name"),
    [
        ("zigbee2mqtt/bridge/state", b'{"state":"online"}', "Zigbee2MQTT"),
        ("zigbee2mqtt/bridge/state", b"online", "Zigbee2MQTT"),
        ("zigbee2mqtt/lamp/availability", b'{"state":"offline"}', "Zigbee2MQTT"),
        ("tele/plug/LWT", b"Offline", "Tasmota"),
        ("livingroom/status", b"online", "ESPHome"),
        ("shellyplus1pm-kitchen/online", b"false", "Shelly"),
        ("shellies/shellyflood-445566/online", b"true", "Shelly"),
        ("frigate/available", b"online", "Frigate"),
        ("homie/5/boiler/$state", b"ready", "Homie"),
    ],
)
def test_a_device_is_known_by_its_topic(topic, payload, name):
    assert names_of(kinds_in([(topic, payload)])) == (name,)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        ("homeassistant/status", b"online"),
        ("kilopush/status", b"online"),
        ("printer/status", b"printing"),
        ("printer/online", b"\xff"),
        ("a/b/c", b"x"),
    ],
)
def test_others_are_not_taken_for_one(topic, payload):
    assert kinds_in([(topic, payload)]) == ()


def test_few_rules_are_filled_up_with_examples_and_many_are_not():
    tasmota = [kind for kind in KINDS if kind.name == "Tasmota"]
    rules, examples = rules_for(tasmota)
    assert list(rules) == ["device offline"]
    assert list(examples) == ["water leak", "zigbee2mqtt down"]
    assert rules_for(KINDS)[1] == {}
