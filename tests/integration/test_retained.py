"""Promise R1: retained messages and restarts. Stored state x replay x occasion."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from harness import Bridge, Mosquitto, publish
from harness.bridge import HEAD
from harness.wait import wait_until

if TYPE_CHECKING:
    from kilopush_bridge.emulator import RunningEmulator

RULE = """
  leak:
    topic: z/+device
    when: water_leak
    priority: critical
    message: "leak {{ device }}"
    recovered: "dry {{ device }}"
"""
TWO_RULES = """
  door:
    topic: z/+device
    when: not contact
    priority: normal
    message: "{{ device }} open"
    recovered: "{{ device }} closed"
  window:
    topic: w/+device
    when: not contact
    priority: high
    to: family
    message: "window {{ device }} open"
  siren:
    topic: z/+device
    when: siren
    priority: critical
    message: "siren {{ device }}"
"""
ALARM, OK = '{"water_leak": true}', '{"water_leak": false}'
REPLAYS = {"ok": OK, "alarm": ALARM, "missing": '{"battery": 3}', "null": '{"water_leak": null}'}


def texts(api: RunningEmulator) -> list[str]:
    return [record.fields["message"] for record in api.delivered]


def expected(stored: str, replay: str) -> list[str]:
    """What one replay against one stored state must send, beyond what was sent before."""
    if replay == "alarm" and stored != "firing":
        return ["leak a (found at start)"]
    if replay == "ok" and stored == "firing":
        return ["dry a (found at start)"]
    return []


@pytest.mark.parametrize("occasion", ["start", "reconnect"])
@pytest.mark.parametrize("replay", list(REPLAYS))
@pytest.mark.parametrize("stored", ["none", "ok", "firing"])
def test_a_replay_is_compared_with_the_stored_state(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge, stored: str, replay: str, occasion: str
):
    bridge.write_config(broker.url, RULE)
    bridge.start()
    if stored in ("firing", "ok"):
        publish(broker.port, "z/a", ALARM)
        api.wait_for_delivered(1)
    if stored == "ok":
        publish(broker.port, "z/a", OK)
        api.wait_for_delivered(2)
    before = len(texts(api))
    connections = bridge.log.count("connected to")
    if occasion == "start":
        bridge.stop()
        _leave_retained(broker, REPLAYS[replay], forget_session=False)
        bridge.start()
    else:
        _leave_retained(broker, REPLAYS[replay], forget_session=True, bridge=bridge)
        wait_until(lambda: bridge.log.count("connected to") > connections, 40)
    wanted = expected(stored, replay)
    if wanted:
        wait_until(lambda: len(texts(api)) >= before + len(wanted), 15)
    time.sleep(0.3)
    assert texts(api)[before:] == wanted


def _leave_retained(
    broker: Mosquitto, payload: str, *, forget_session: bool, bridge: Bridge | None = None
) -> None:
    """Leave a retained message that the bridge sees as a replay only, not as a live message."""
    from harness.wait import wait_until as wait

    if not forget_session:
        # the session of a stopped bridge would queue it: take the session away, keep the message
        broker.stop()
        (broker._folder / "mosquitto.db").unlink(missing_ok=True)
        broker.start()
        publish(broker.port, "z/a", payload, retain=True)
        return
    assert bridge is not None
    assert bridge.process is not None
    import signal

    bridge.process.send_signal(signal.SIGSTOP)  # it sees nothing of this
    broker.stop()
    (broker._folder / "mosquitto.db").unlink(missing_ok=True)
    broker.start()
    publish(broker.port, "z/a", payload, retain=True)
    bridge.process.send_signal(signal.SIGCONT)
    wait(lambda: True)


def test_what_is_found_at_start_comes_as_one_summary_and_criticals_at_once(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.write_config(broker.url, TWO_RULES)
    for topic, payload in (
        ("z/front", '{"contact": false}'),
        ("z/back", '{"contact": false}'),
        ("w/attic", '{"contact": false}'),
        ("z/garage", '{"contact": true, "siren": true}'),
    ):
        publish(broker.port, topic, payload, retain=True)
    began_s = time.monotonic()
    bridge.start()
    api.wait_for_delivered(1)
    assert texts(api) == ["siren garage (found at start)"]
    api.wait_for_delivered(3, timeout_s=8)
    assert time.monotonic() - began_s > 2
    summaries = {
        record.fields["to"]: set(record.fields["message"].splitlines())
        for record in api.delivered[1:]
    }
    everything = {
        f"{line} (found at start)" for line in ("front open", "back open", "window attic open")
    }
    assert set(map(frozenset, summaries.values())) == {
        frozenset(everything),
        frozenset({"window attic open (found at start)"}),
    }


def test_a_first_start_with_everything_in_order_is_silent(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.write_config(broker.url, TWO_RULES)
    publish(broker.port, "z/front", '{"contact": true}', retain=True)
    bridge.start()
    time.sleep(2.5)
    assert not api.requests


def test_an_event_ignores_replays_unless_the_rule_says_fire(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    rules = """
  quiet:
    topic: e/one
    event: value == 'now'
    message: quiet
  loud:
    topic: e/one
    event: value == 'now'
    retained: fire
    message: loud
"""
    publish(broker.port, "e/one", "now", retain=True)
    bridge.write_config(broker.url, rules, HEAD)
    bridge.start()
    api.wait_for_delivered(1)
    time.sleep(0.3)
    assert texts(api) == ["loud"]


def test_a_removed_rule_ends_silently(broker: Mosquitto, api: RunningEmulator, bridge: Bridge):
    bridge.write_config(broker.url, RULE)
    bridge.start()
    publish(broker.port, "z/a", ALARM)
    api.wait_for_delivered(1)
    bridge.stop()
    bridge.write_config(broker.url, RULE.replace("leak:", "renamed:"))
    bridge.start()
    assert bridge.status()["firing"] == []
    assert len(texts(api)) == 1
