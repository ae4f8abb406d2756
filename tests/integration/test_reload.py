"""SIGHUP and `--watch`: another configuration for a bridge that goes on running."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from harness import Bridge, Listener, Mosquitto, publish, publish_many
from harness.bridge import HEAD, LEAK, PEOPLE, PING, SECRET, TOKEN, UNLIMITED
from harness.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kilopush_bridge.emulator import RunningEmulator

DOOR = """
  door open:
    topic: zigbee2mqtt/+device
    when: not contact
    message: "{{ device }} is open"
    recovered: "{{ device }} is shut"
"""
BELL = """
  bell:
    topic: bell/+place
    event: value == 'ring'
    message: "bell at {{ place }}"
"""
ANY = """
  any room:
    topic: +room/+number
    event: value == 'ping' and 'late' in number
    message: "any {{ number }}"
"""
WET, DRY = '{"water_leak": true}', '{"water_leak": false}'
OPEN, SHUT = '{"contact": false}', '{"contact": true}'


def texts(api: RunningEmulator) -> list[str]:
    return [record.fields["message"] for record in api.delivered]


def fire(broker: Mosquitto, api: RunningEmulator, topic: str, payload: str) -> None:
    before = len(api.delivered)
    publish(broker.port, topic, payload)
    api.wait_for_delivered(before + 1)


def change(bridge: Bridge, broker: Mosquitto, alerts: str, head: str = HEAD, tail: str = "") -> str:
    """Write another configuration and reload it; return what the log says about it."""
    before = len(bridge.log)
    bridge.write_config(broker.url, alerts, head, tail)
    bridge.reload()
    return bridge.log[before:]


def connections(broker: Mosquitto) -> int:
    return broker.log.count(" as kilopush-")


# --- the session --------------------------------------------------------------------------------


@pytest.fixture
def storm(broker: Mosquitto) -> Iterator[tuple[threading.Thread, int]]:
    """Somebody who publishes all the time."""
    number = 600
    messages = [(f"test/{at}", "ping") for at in range(number)]
    thread = threading.Thread(
        target=publish_many, args=(broker.port, messages), kwargs={"every_s": 0.01}
    )
    thread.start()
    yield thread, number
    thread.join()


def test_under_traffic_nothing_is_lost_or_doubled_and_the_session_stays(
    broker: Mosquitto,
    api: RunningEmulator,
    bridge: Bridge,
    request: pytest.FixtureRequest,
):
    bridge.write_config(broker.url, LEAK + PING, HEAD, UNLIMITED)
    bridge.start()
    thread, number = request.getfixturevalue("storm")
    turn = 0
    while thread.is_alive():
        turn += 1
        change(bridge, broker, PING + (BELL if turn % 2 else DOOR), HEAD, UNLIMITED)
    api.wait_for_delivered(number, 60)
    time.sleep(1)
    assert turn > 4
    assert sorted(texts(api)) == sorted(f"ping {at}" for at in range(number))
    assert connections(broker) == 1
    assert bridge.log.count("connected to") == 1


def test_filters_that_begin_to_overlap_double_nothing(
    broker: Mosquitto,
    api: RunningEmulator,
    bridge: Bridge,
    request: pytest.FixtureRequest,
):
    bridge.write_config(broker.url, PING, HEAD, UNLIMITED)
    bridge.start()
    thread, number = request.getfixturevalue("storm")
    change(bridge, broker, PING + ANY, HEAD, UNLIMITED)
    both = [f"late-{at}" for at in range(20)]
    publish_many(broker.port, [(f"test/{one}", "ping") for one in both])
    thread.join()
    api.wait_for_delivered(number + 2 * len(both), 60)
    time.sleep(1)
    expected = [f"ping {at}" for at in range(number)]
    expected += [f"{word} {one}" for word in ("ping", "any") for one in both]
    assert sorted(texts(api)) == sorted(expected)


def test_a_narrower_filter_loses_nothing(
    broker: Mosquitto,
    api: RunningEmulator,
    bridge: Bridge,
    request: pytest.FixtureRequest,
):
    wide = PING.replace("test/+number", "test/#number")
    bridge.write_config(broker.url, wide, HEAD, UNLIMITED)
    bridge.start()
    thread, number = request.getfixturevalue("storm")
    wait_until(lambda: len(api.delivered) > 50)
    change(bridge, broker, PING, HEAD, UNLIMITED)
    thread.join()
    api.wait_for_delivered(number, 60)
    time.sleep(1)
    assert set(texts(api)) == {f"ping {at}" for at in range(number)}
    assert len(texts(api)) <= number + 3  # only in the very moment of the change
    assert "UNSUBSCRIBE from kilopush-" in broker.log


def test_new_filters_are_subscribed_and_gone_ones_taken_back(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.start()
    said = change(bridge, broker, LEAK + BELL)
    assert "new rules: bell; rules that are gone: ping" in said
    fire(broker, api, "bell/gate", "ring")
    assert texts(api) == ["bell at gate"]
    assert "UNSUBSCRIBE from kilopush-" in broker.log
    [(stored,)] = bridge.rows("SELECT value FROM facts WHERE name = 'filters'")
    assert "bell/+" in json.loads(stored)
    assert "test/+" not in json.loads(stored)
    assert connections(broker) == 1


def test_what_needs_a_restart_is_said_and_stays(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.start()
    before = len(bridge.log)
    other = f'{{url: "mqtt://localhost:{broker.port}", topic_prefix: other}}'
    bridge.write_config(other, LEAK + BELL)
    bridge.reload()
    said = wait_until(lambda: "WARNING" in bridge.log[before:] and bridge.log[before:])
    assert said.count("WARNING") == 1
    assert "these take a restart, and stay as they were: mqtt.url, mqtt.topic_prefix" in said
    with Listener(broker.port, "kilopush/accepted/#") as listener:
        publish(broker.port, "kilopush/send/x", '{"message": "hello", "id": "1"}')
        wait_until(lambda: listener.messages)
    fire(broker, api, "bell/gate", "ring")
    assert connections(broker) == 1


# --- rules --------------------------------------------------------------------------------------


def test_rules_that_stay_go_on_with_what_they_know(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.start()
    fire(broker, api, "zigbee2mqtt/cellar", WET)
    louder = LEAK.replace("Water at", "WATER at")
    assert "changed rules: water leak" in change(bridge, broker, louder + BELL)
    publish(broker.port, "zigbee2mqtt/cellar", WET)
    fire(broker, api, "zigbee2mqtt/attic", WET)
    fire(broker, api, "zigbee2mqtt/cellar", DRY)
    assert texts(api)[:2] == ["Water at cellar", "WATER at attic"]
    assert texts(api)[2].startswith("cellar is dry after ")


def test_the_alerts_of_a_rule_that_is_gone_end_silently(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.write_config(broker.url, LEAK + DOOR)
    bridge.start()
    fire(broker, api, "zigbee2mqtt/shed", OPEN)
    bridge.command("snooze", "door open", "1h")
    change(bridge, broker, LEAK)
    status = bridge.status()
    assert (status["firing"], status["snoozed"]) == ([], [])
    change(bridge, broker, LEAK + DOOR)
    fire(broker, api, "zigbee2mqtt/shed", OPEN)
    assert texts(api) == ["shed is open", "shed is open"]


def test_a_new_rule_looks_at_what_is_retained(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    publish(broker.port, "zigbee2mqtt/shed", OPEN, retain=True)
    bridge.start()
    change(bridge, broker, LEAK + DOOR)
    api.wait_for_delivered(1, 15)
    assert "shed is open" in texts(api)[0]


def test_the_end_of_a_cause_ends_its_mute(broker: Mosquitto, api: RunningEmulator, bridge: Bridge):
    cause = """
  hub down:
    topic: hub/state
    when: value == 'offline'
    message: "the hub is down"
"""
    symptom = DOOR + "    unless: hub down\n"
    bridge.write_config(broker.url, cause + symptom)
    bridge.start()
    fire(broker, api, "hub/state", "offline")
    publish(broker.port, "zigbee2mqtt/shed", OPEN)
    wait_until(lambda: any(one["muted"] for one in bridge.status()["firing"]))
    change(bridge, broker, DOOR)
    api.wait_for_delivered(2, 20)
    assert texts(api)[1].startswith("shed is open")


# --- everything else ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (LEAK + "  bell:\n    topic: bell\n    wehn: x\n    message: y\n", "did you mean `when`?"),
        ("  leak:\n   topic: [\n", "config.yaml:"),
    ],
)
def test_an_invalid_file_changes_nothing(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge, text: str, problem: str
):
    bridge.start()
    bridge.write_config(broker.url, text, HEAD.replace("to: me", "to: nobody"))
    bridge.reload(ends_with="the bridge goes on as it was")
    assert problem in bridge.log
    fire(broker, api, "test/1", "ping")
    fire(broker, api, "zigbee2mqtt/cellar", WET)
    assert texts(api) == ["ping 1", "Water at cellar"]


def test_a_rotated_secret_is_used_and_releases_what_it_held(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    other = "n3w" * 21 + "0"
    api.world = replace(api.world, channels={TOKEN: other})
    bridge.start()
    publish(broker.port, "test/1", "ping")
    wait_until(lambda: bridge.status()["holds"])
    publish(broker.port, "test/2", "ping")
    said = change(bridge, broker, LEAK + PING, HEAD.replace(SECRET, other))
    api.wait_for_delivered(2)
    assert sorted(texts(api)) == ["ping 1", "ping 2"]
    assert "other sections: channels" in said
    assert bridge.status()["holds"] == []
    assert other not in bridge.log


def test_people_senders_and_the_log_level_change(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.start()
    head = HEAD.replace(PEOPLE["me"], "u_" + "99" * 20)
    tail = f"{UNLIMITED}\nsenders: {{bell: {{per_hour: 1}}}}\nlog: {{level: debug}}"
    said = change(bridge, broker, LEAK + PING, head, tail)
    assert "other sections: budget, log, people, senders" in said
    fire(broker, api, "test/1", "ping")
    assert api.delivered[0].fields["to"] == "u_" + "99" * 20
    fire(broker, api, "kilopush/send/bell", "one")
    publish(broker.port, "kilopush/send/bell", "two")
    wait_until(lambda: "more than 1 in an hour" in bridge.log)


def test_a_change_of_any_of_its_files_is_noticed(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    person, secrets = bridge.folder / "person", bridge.folder / "secrets.yaml"
    person.write_text(PEOPLE["me"])
    secrets.write_text(f"mine: {SECRET}\n")
    head = HEAD.replace(f'"{SECRET}"', "!secret mine")
    head = head.replace(PEOPLE["me"], f'"${{file:{person}}}"')
    bridge.write_config(broker.url, PING, head)
    bridge.start("", "--watch")

    def reloads() -> int:
        return bridge.log.count("configuration reloaded")

    for at, write in enumerate(
        (
            lambda: bridge.write_config(broker.url, PING + BELL, head),
            lambda: person.write_text("u_" + "88" * 20),
            lambda: secrets.write_text(f"mine: {'n3w' * 21}0\n"),
        ),
        1,
    ):
        write()
        wait_until(lambda at=at: reloads() == at, 15, f"reload {at}")  # type: ignore[misc]
    fire(broker, api, "bell/gate", "ring")
    assert api.delivered[0].fields["to"] == "u_" + "88" * 20
    assert api.delivered[0].fields["secret"] == "n3w" * 21 + "0"
    time.sleep(5)
    assert reloads() == 3
