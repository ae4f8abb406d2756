"""Payloads that no device should send, and some do: counted, never a crash, never an alert."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from harness import Bridge, Listener, Mosquitto, publish, publish_many
from harness.wait import wait_until

if TYPE_CHECKING:
    from kilopush_bridge.emulator import RunningEmulator

HOSTILE: list[bytes] = [
    b"",
    b"null",
    b"nan",
    b"NaN",
    b"None",
    b"[]",
    b"[1, 2, 3]",
    b"42",
    b"-0.0",
    b"1e999",
    b"true",
    b'"a text"',
    b"{",
    b'{"water_leak": null}',
    b'{"water_leak": "unknown"}',
    b'{"water_leak": [true]}',
    b'{"water_leak": {"value": true}}',
    b'{"Water_Leak": true}',
    b"\xff\xfe\x00not utf-8",
    b"\xef\xbb\xbf",
    b"\x00" * 100,
    b"[" * 100_000,
    b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    b'{"water_leak": true, "padding": "' + b"x" * 300_000 + b'"}',
    b'{"water_leak": ' + b"9" * 5_000 + b".nonsense}",
    os.urandom(5_000),
    "💧".encode() * 1_000,
]


def test_odd_payloads_are_counted_and_change_nothing(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.start()
    publish_many(broker.port, [("zigbee2mqtt/odd", payload) for payload in HOSTILE])
    with Listener(broker.port, "kilopush/bridge") as listener:
        publish(broker.port, "zigbee2mqtt/good", '{"water_leak": true}')
        api.wait_for_delivered(1)
        report = wait_until(
            lambda: (
                (text := listener.last("kilopush/bridge"))
                and (found := json.loads(text))["firing"]
                and found
            )
        )
    assert [record.fields["message"] for record in api.delivered] == ["Water at good"]
    assert report["received"] == len(HOSTILE) + 1
    assert report["unknown_payloads"] >= 3  # not UTF-8, and larger than a quarter megabyte
    assert "Traceback" not in bridge.log


def test_odd_topics_do_no_harm(broker: Mosquitto, api: RunningEmulator, bridge: Bridge):
    everything = '  all:\n    topic: "#"\n    event: value == \'go\'\n    message: "{{ topic }}"\n'
    bridge.write_config(broker.url, everything)
    bridge.start()
    topics = ["/", "a//b", "ä/💧", "with space/x", "x" * 1_000, "a/" * 99 + "b", "kilopus"]
    publish_many(broker.port, [(topic, "go") for topic in topics])
    api.wait_for_delivered(len(topics))
    sent = [record.fields["message"] for record in api.delivered]
    assert sorted(text[:20] for text in sent) == sorted(topic[:20] for topic in topics)
    assert "Traceback" not in bridge.log
