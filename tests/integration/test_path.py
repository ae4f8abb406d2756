"""The whole way: MQTT in, templated alert out, over a real broker and real HTTP."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import pytest
from harness import Bridge, Listener, Mosquitto, publish, publish_many
from harness.bridge import PEOPLE, SECRETS, UNLIMITED
from harness.wait import wait_until

if TYPE_CHECKING:
    from kilopush_bridge.emulator import RunningEmulator


def texts(api: RunningEmulator) -> list[str]:
    return [record.fields["message"] for record in api.delivered]


def test_an_alarm_arrives_once_and_its_end_once(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.start()
    for payload in ('{"water_leak": true}', '{"water_leak": true}', '{"battery": 3}'):
        publish(broker.port, "zigbee2mqtt/cellar", payload)
    api.wait_for_delivered(1)
    for payload in ('{"battery": 3}', '{"water_leak": false}', '{"water_leak": false}'):
        publish(broker.port, "zigbee2mqtt/cellar", payload)
    api.wait_for_delivered(2)
    assert texts(api) == ["Water at cellar", "cellar is dry after 0 s"]
    assert api.delivered[0].fields["to"] == PEOPLE["me"]
    assert api.delivered[0].fields["silent"] == "0"


def test_the_bridge_says_that_it_is_online_and_offline(broker: Mosquitto, bridge: Bridge):
    with Listener(broker.port, "kilopush/#") as listener:
        bridge.start()
        wait_until(lambda: listener.last("kilopush/status") == "online")
        bridge.stop()
        wait_until(lambda: listener.last("kilopush/status") == "offline")
        bridge.start()
        wait_until(lambda: listener.last("kilopush/status") == "online")
        bridge.kill()
        wait_until(
            lambda: listener.last("kilopush/status") == "offline",
            what="the broker publishing the will",
        )


def test_a_stop_ends_the_bridge_also_while_it_still_starts(broker: Mosquitto, bridge: Bridge):
    for moment in range(12):
        bridge.start()
        time.sleep(0.001 * (moment % 3))
        assert bridge.stop() == 0


def test_the_bridge_reports_what_it_has_done(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    with Listener(broker.port, "kilopush/bridge") as listener:
        bridge.start()
        publish(broker.port, "zigbee2mqtt/cellar", '{"water_leak": true}')
        api.wait_for_delivered(1)
        report = wait_until(
            lambda: (
                (text := listener.last("kilopush/bridge"))
                and json.loads(text)["firing"]
                and json.loads(text)
            )
        )
    assert report["pending"] == 0 or report["channels"]["home"]["spent"] == 1
    assert report["dead"] == 0


def test_a_request_is_accepted_by_its_id_once_it_is_stored(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.start()
    with Listener(broker.port, "kilopush/accepted/#") as listener:
        request = json.dumps(
            {
                "message": "doorbell",
                "to": "family",
                "id": "bell-1",
                "url": "https://example.org/cam",
            }
        )
        publish(broker.port, "kilopush/send/door", request)
        wait_until(lambda: listener.last("kilopush/accepted/bell-1") is not None)
        publish(
            broker.port, "kilopush/send/door", request
        )  # the same again: accepted again, sent once
        wait_until(lambda: len(listener.messages) == 2)
    api.wait_for_delivered(2)
    publish(broker.port, "kilopush/send", "plain text with {{ braces }}")
    api.wait_for_delivered(3)
    assert sorted(texts(api)) == ["doorbell", "doorbell", "plain text with {{ braces }}"]
    assert {record.fields["to"] for record in api.delivered[:2]} == set(PEOPLE.values())
    assert api.delivered[0].fields["url"] == "https://example.org/cam"


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ('{"mesage": "x"}', "`mesage` is no field"),
        ('{"message": ""}', "must be a text"),
        ('{"message": "x", "to": "u_1"}', "no person or group"),
        ('{"message": "x", "priority": "urgent"}', "`priority` must be one of"),
        ('{"message": "x", "id": "a/b"}', "`id` must be"),
        ('{"message": ', "starts like JSON"),
        (b"\xff\xfe", "not UTF-8"),
    ],
)
def test_a_malformed_request_is_refused_with_its_reason(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge, payload: str | bytes, why: str
):
    bridge.start()
    publish(broker.port, "kilopush/send/test", payload)
    wait_until(lambda: why in bridge.log, what=f"{why} in the log")
    publish(broker.port, "kilopush/send/test", "still alive")
    api.wait_for_delivered(1)
    assert texts(api) == ["still alive"]


def test_a_retained_request_is_refused(broker: Mosquitto, api: RunningEmulator, bridge: Bridge):
    publish(broker.port, "kilopush/send/test", "again and again", retain=True)
    bridge.start()
    wait_until(lambda: "it is retained" in bridge.log)
    assert not api.requests


def test_a_sender_without_a_grant_may_ask_sixty_times_an_hour(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.write_config(broker.url, tail=UNLIMITED)
    bridge.start()
    publish_many(broker.port, [("kilopush/send/loop", f"n {number}") for number in range(65)])
    wait_until(lambda: bridge.log.count("more than 60 in an hour") == 5)
    api.wait_for_delivered(60)
    publish(broker.port, "kilopush/send/other", "others are not affected")
    api.wait_for_delivered(61)


def test_topics_under_the_own_prefix_never_reach_rules(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    everything = """
  everything:
    topic: "#"
    event: "true"
    message: "{{ topic }}"
"""
    bridge.write_config(broker.url, everything)
    bridge.start()
    publish(broker.port, "kilopush/status/x", "1")
    publish(broker.port, "kilopush", "1")
    publish(broker.port, "kilopushy", "1")
    api.wait_for_delivered(1)
    assert texts(api) == ["kilopushy"]


def test_no_secret_is_in_the_log_or_on_mqtt(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    with Listener(broker.port, "kilopush/#") as listener:
        bridge.write_config(broker.url, tail="log: {level: debug, format: json}")
        bridge.start()
        api.fault("garbage", times=1)
        publish(broker.port, "zigbee2mqtt/cellar", '{"water_leak": true}')
        publish(broker.port, "kilopush/send/test", '{"message": "hello", "id": "1"}')
        api.wait_for_delivered(2)
        bridge.stop()
        said = bridge.log + repr(listener.messages) + bridge.command("status").stdout
    assert not [secret for secret in SECRETS if secret in said]
