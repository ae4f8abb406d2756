"""Acknowledge and snooze: over MQTT, and on the command line with and without a bridge."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING, Any

import pytest
from harness import Bridge, Mosquitto, publish
from harness.bridge import HEAD, UNLIMITED
from harness.wait import wait_until

if TYPE_CHECKING:
    from kilopush_bridge.emulator import RunningEmulator

RULES = """
  water leak:
    topic: zigbee2mqtt/+device
    when: water_leak
    priority: critical
    message: "Water at {{ device }}"
    repeat: 2s
  door open:
    topic: zigbee2mqtt/+device
    when: not contact
    message: "{{ device }} is open"
    repeat: 2s
"""
GRANT = f"{UNLIMITED}\nsenders: {{panel: {{priority: critical}}}}"
SETTLED_S = 20  # after a start, no timer is believed for 10 s
OPEN, SHUT = '{"contact": false}', '{"contact": true}'


@pytest.fixture
def running(bridge: Bridge, broker: Mosquitto) -> Bridge:
    bridge.write_config(broker.url, RULES, HEAD, GRANT)
    return bridge.start()


def texts(api: RunningEmulator) -> list[str]:
    return [record.fields["message"] for record in api.delivered]


def fire(broker: Mosquitto, api: RunningEmulator, topic: str, payload: str) -> None:
    before = len(api.delivered)
    publish(broker.port, topic, payload)
    api.wait_for_delivered(before + 1)


def firing(bridge: Bridge) -> dict[str, dict[str, Any]]:
    return {one["rule"]: one for one in bridge.status()["firing"]}


def wait_refused(bridge: Bridge, times: int, why: str) -> None:
    wait_until(lambda: bridge.log.count("refused:") == times, what=f"refusal {times}")
    assert why in bridge.log


# --- over MQTT ----------------------------------------------------------------------------------


def test_an_acknowledged_alarm_is_not_repeated(
    broker: Mosquitto, api: RunningEmulator, running: Bridge
):
    fire(broker, api, "zigbee2mqtt/shed", OPEN)
    api.wait_for_delivered(2, SETTLED_S)
    assert texts(api)[1].startswith("shed is open (for ")
    publish(broker.port, "kilopush/ack/phone", "door open")
    wait_until(lambda: firing(running)["door open"]["acknowledged"])
    told = len(api.delivered)
    time.sleep(3)
    assert len(api.delivered) == told
    publish(broker.port, "zigbee2mqtt/shed", SHUT)
    wait_until(lambda: not firing(running))
    fire(broker, api, "zigbee2mqtt/shed", OPEN)
    assert not firing(running)["door open"]["acknowledged"]


def test_only_the_named_key_is_acknowledged(
    broker: Mosquitto, api: RunningEmulator, running: Bridge
):
    fire(broker, api, "zigbee2mqtt/shed", OPEN)
    fire(broker, api, "zigbee2mqtt/gate", OPEN)
    request = json.dumps({"rule": "door open", "key": "zigbee2mqtt/gate"})
    publish(broker.port, "kilopush/ack", request)

    def acknowledged() -> set[str]:
        return {one["key"] for one in running.status()["firing"] if one["acknowledged"]}

    assert wait_until(acknowledged) == {"zigbee2mqtt/gate"}


def test_a_snoozed_alarm_waits_and_is_told_when_the_snooze_ends(
    broker: Mosquitto, api: RunningEmulator, running: Bridge
):
    publish(broker.port, "kilopush/snooze/phone", "door open 1h")
    wait_until(lambda: running.status()["snoozed"])
    publish(broker.port, "zigbee2mqtt/shed", OPEN)
    muted = wait_until(lambda: firing(running).get("door open"))
    assert muted["muted"] == "snoozed"
    assert muted["until"] == running.status()["snoozed"][0]["until"]
    assert not api.delivered
    publish(broker.port, "kilopush/snooze/phone", "door open 0")
    api.wait_for_delivered(1)
    assert texts(api)[0].startswith("shed is open")
    assert running.status()["snoozed"] == []


def test_a_critical_is_silenced_by_those_who_have_a_grant_for_it(
    broker: Mosquitto, api: RunningEmulator, running: Bridge
):
    fire(broker, api, "zigbee2mqtt/cellar", '{"water_leak": true}')
    publish(broker.port, "kilopush/ack/phone", "water leak")
    wait_refused(running, 1, "`water leak` is critical: that needs a grant")
    publish(broker.port, "kilopush/snooze", "water leak 1h")
    wait_refused(running, 2, "`water leak` is critical")
    assert not firing(running)["water leak"]["acknowledged"]
    publish(broker.port, "kilopush/ack/panel", "water leak")
    wait_until(lambda: firing(running)["water leak"]["acknowledged"])
    publish(broker.port, "kilopush/snooze/panel", '{"rule": "water leak", "for": "1h"}')
    wait_until(lambda: running.status()["snoozed"])


@pytest.mark.parametrize(
    ("topic", "payload", "why"),
    [
        ("ack/x", "no such rule", "there is no rule `no such rule`"),
        ("ack/x", '{"rule": "door open", "fore": "2h"}', "`fore` is no field"),
        ("ack/x", '{"rule": ', "neither text nor JSON"),
        ("ack/x", b"\xff\xfe", "neither text nor JSON"),
        ("snooze/x", "door open", "no time to snooze"),
        ("snooze/x", "door open 2 weeks", "no time to snooze"),
        ("snooze/x", "door open 31d", "at most 30d"),
        ("snooze/x", '{"rule": ["door open"], "for": "1h"}', "there is no rule"),
    ],
)
def test_a_malformed_command_is_refused_with_its_reason(
    broker: Mosquitto, running: Bridge, topic: str, payload: str | bytes, why: str
):
    publish(broker.port, f"kilopush/{topic}", payload)
    wait_refused(running, 1, why)


def test_a_retained_command_is_refused(broker: Mosquitto, bridge: Bridge):
    publish(broker.port, "kilopush/snooze/x", "door open 1h", retain=True)
    bridge.write_config(broker.url, RULES, HEAD, GRANT)
    bridge.start()
    wait_refused(bridge, 1, "it is retained")
    assert bridge.status()["snoozed"] == []


# --- on the command line ------------------------------------------------------------------------


def test_the_command_line_asks_the_bridge_that_runs(
    broker: Mosquitto, api: RunningEmulator, running: Bridge
):
    fire(broker, api, "zigbee2mqtt/cellar", '{"water_leak": true}')
    done = json.loads(running.command("ack", "water leak", "--json").stdout)
    assert done == {
        "rule": "water leak",
        "keys": ["zigbee2mqtt/cellar"],
        "done_by": "the running bridge",
    }
    assert firing(running)["water leak"]["acknowledged"]
    assert "Firing: water leak (zigbee2mqtt/cellar)" in running.command("status").stdout
    told = running.command("snooze", "door open", "2h").stdout
    assert told.startswith("door open: snoozed for 2 h, until ")
    publish(broker.port, "zigbee2mqtt/shed", OPEN)
    wait_until(lambda: "door open" in firing(running))
    shown = running.command("status").stdout
    assert "Muted: door open (zigbee2mqtt/shed)" in shown
    assert "Snoozed: door open until " in shown
    assert running.command("snooze", "door open", "0").stdout == "door open: awake again\n"
    wait_until(lambda: "shed is open" in " ".join(texts(api)))


def test_the_command_line_does_it_itself_without_a_bridge(
    broker: Mosquitto, api: RunningEmulator, running: Bridge
):
    fire(broker, api, "zigbee2mqtt/shed", OPEN)
    running.stop()
    done = json.loads(running.command("ack", "door open", "--json").stdout)
    assert done["done_by"] == "this command"
    assert firing(running)["door open"]["acknowledged"]
    done = json.loads(running.command("snooze", "water leak", "1h", "--json").stdout)
    assert done["done_by"] == "this command"
    running.start()
    publish(broker.port, "zigbee2mqtt/cellar", '{"water_leak": true}')
    muted = wait_until(lambda: firing(running).get("water leak"))
    assert muted["muted"] == "snoozed"


@pytest.mark.parametrize("is_running", [True, False])
def test_what_cannot_be_is_said(broker: Mosquitto, running: Bridge, is_running: bool):
    if not is_running:
        running.stop()
    for arguments, code, why in (
        (("ack", "dor open"), 2, "there is no rule `dor open`; did you mean `door open`?"),
        (("ack", "door open"), 1, "nothing of `door open` fires"),
        (("snooze", "door open", "soon"), 2, "`soon` is no time to snooze"),
        (("snooze", "door open", "40d"), 2, "at most 30d"),
        (("snooze", "nothing", "1h"), 2, "there is no rule `nothing`; there are: "),
    ):
        done = running.command(*arguments, check=False)
        assert (done.returncode, done.stdout) == (code, "")
        assert why in done.stderr


def test_a_key_that_does_not_fire_is_named(
    broker: Mosquitto, api: RunningEmulator, running: Bridge
):
    fire(broker, api, "zigbee2mqtt/shed", OPEN)
    done = running.command("ack", "door open", "--key", "zigbee2mqtt/shad", check=False)
    assert done.returncode == 1
    assert "does not fire; did you mean `zigbee2mqtt/shed`?" in done.stderr
