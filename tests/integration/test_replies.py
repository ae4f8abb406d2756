"""Each reply of the API, and an API on a bad day: what arrives, and what the commands show."""

from __future__ import annotations

import json
import time
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from harness import Bridge, Mosquitto, free_port, publish, publish_many
from harness.bridge import HEAD, LEAK, PEOPLE, PING, SECRET, TOKEN, UNLIMITED
from harness.wait import wait_until

from kilopush_bridge.emulator import World, running_emulator

if TYPE_CHECKING:
    from kilopush_bridge.emulator import RunningEmulator

FAMILY = """
  family leak:
    topic: family/+device
    when: water_leak
    priority: critical
    to: family
    message: "Family: water at {{ device }}"
"""


def texts(api: RunningEmulator) -> list[str]:
    return [record.fields["message"] for record in api.delivered]


def queue(bridge: Bridge) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(bridge.command("queue", "list", "--json").stdout)
    return rows


def leak(broker: Mosquitto) -> None:
    publish(broker.port, "zigbee2mqtt/cellar", '{"water_leak": true}')


def settled(bridge: Bridge, api: RunningEmulator, requests: int = 1) -> None:
    """Wait until the replies to so many requests are stored."""
    api.wait_for(requests)
    wait_until(
        lambda: (
            bridge.rows("SELECT count(*) FROM attempts WHERE outcome IS NOT NULL")[0][0] >= requests
        )
    )


# The world, and what `status` and `queue list` show of one critical: its state, and who is held.
REPLIES = {
    "200": (World(per_day=None), "sent", {}),
    "4003": (World(per_day=None, channels={TOKEN: "0" * 64}), "pending", {"forbidden": None}),
    "4023": (World(per_day=None, blocked=frozenset({PEOPLE["me"]})), "pending", {"blocked": "me"}),
    "4024": (
        World(per_day=None, blacklist=frozenset({(PEOPLE["me"], TOKEN)})),
        "withdrawn",
        {},
    ),
    "4029": (World(per_day=0), "pending", {"quota": None, "quota_critical": None}),
    "4005": (World(per_day=None, text_limit=3), "pending", {}),  # tried three times first
}


@pytest.mark.parametrize("reply", list(REPLIES))
def test_what_a_reply_does_at_once_is_what_the_commands_show(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge, reply: str
):
    world, state, held = REPLIES[reply]
    api.world = world
    bridge.start()
    leak(broker)
    settled(bridge, api)
    status = bridge.status()
    assert {one["kind"]: one["person"] for one in status["holds"]} == held
    assert status["alerts"] == {
        "accepted": 1,
        **dict.fromkeys(("sent", "digested", "pending", "dead", "withdrawn"), 0),
        state: 1,
    }
    assert status["firing"][0]["key"] == "zigbee2mqtt/cellar"
    listed = [(row["state"], row["priority"], row["person"]) for row in queue(bridge)]
    assert listed == ([] if state == "sent" else [(state, "critical", "me")])
    assert bridge.command("status").stdout.count("Held: ") == len(held)


@pytest.mark.parametrize("fault", ["500", "drop", "garbage", "garbage_body", "reset"])
def test_after_a_lost_reply_an_alarm_comes_again_and_says_so(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge, fault: Any
):
    bridge.start()
    api.fault(fault)
    leak(broker)
    api.wait_for(2, timeout_s=8)
    settled(bridge, api, 2)
    assert texts(api)[-1] == "Water at cellar (may be a repeat)"
    status = bridge.status()
    assert (status["alerts"]["sent"], status["holds"]) == (1, [])
    assert status["channels"]["home"]["spent"] == 2


def test_a_silent_api_holds_up_neither_a_new_alarm_nor_the_reading(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.start()
    api.fault("silent")
    publish(broker.port, "test/1", "ping")
    api.wait_for(1)
    began_s = time.monotonic()
    publish_many(broker.port, [("test/2", "ping"), ("zigbee2mqtt/cellar", '{"water_leak": true}')])
    wait_until(lambda: "Water at cellar" in texts(api))
    assert time.monotonic() - began_s < 3
    assert bridge.status()["alerts"]["pending"] == 2


def test_while_the_api_is_away_nothing_is_spent_and_then_everything_arrives_criticals_first(
    tmp_path: Any, broker: Mosquitto
):
    port = free_port()
    url = f"http://127.0.0.1:{port}/v1/messages/send"
    with Bridge(tmp_path / "bridge", broker.url, url, FAMILY + LEAK + PING) as bridge:
        bridge.start()
        publish_many(broker.port, [(f"test/{number}", "ping") for number in range(3)])
        leak(broker)
        publish(broker.port, "family/attic", '{"water_leak": true}')
        wait_until(lambda: bridge.status()["alerts"]["accepted"] == 6)
        wait_until(lambda: bridge.status()["holds"])
        status = bridge.status()
        assert {one["kind"] for one in status["holds"]} == {"unreachable"}
        assert status["channels"]["home"]["spent"] == 0
        assert [row["priority"] for row in queue(bridge)] == ["critical"] * 3 + ["normal"] * 3
        bridge.stop()
        _let_time_pass(bridge)
        with running_emulator(World(per_day=None), port=port) as api:
            bridge.start()
            api.wait_for_delivered(6, timeout_s=10)
            said = [text.split(" (")[0] for text in texts(api)]
            # side by side with the first of the rest, which then waits for its turn
            criticals = {"Water at cellar": 1, "Family: water at attic": 2}
            assert Counter(said[:4]) == {**criticals, "ping 0": 1}
            assert said[4:] == ["ping 1", "ping 2"]
            assert not any("repeat" in text for text in texts(api))
            wait_until(lambda: bridge.status()["holds"] == [])


def _let_time_pass(bridge: Bridge) -> None:
    """Make everything due, instead of waiting for half a minute."""
    import sqlite3

    connection = sqlite3.connect(bridge.state)
    with connection:
        connection.execute("UPDATE holds SET next_at_s = 0")
        connection.execute("UPDATE deliveries SET due_at_s = 0")
    connection.close()


def test_a_refused_channel_is_released_by_a_new_secret_at_the_next_start(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    new = "9" * 64
    api.world = World(per_day=None, channels={TOKEN: new})
    bridge.start()
    leak(broker)
    settled(bridge, api)
    bridge.stop()
    bridge.start()  # the same secret: still held
    time.sleep(1.2)
    assert len(api.requests) == 1
    bridge.stop()
    bridge.write_config(broker.url, head=HEAD.replace(SECRET, new))
    bridge.start()
    api.wait_for_delivered(1)
    assert texts(api)[0].startswith("Water at cellar")
    assert SECRET not in bridge.log
    assert new not in bridge.log


def test_who_has_put_the_channel_on_the_blacklist_is_left_alone_and_the_others_hear_of_it_once(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    api.world = replace(api.world, blacklist=frozenset({(PEOPLE["me"], TOKEN)}))
    bridge.write_config(broker.url, FAMILY)
    bridge.start()
    for number in range(3):
        publish(broker.port, f"family/{number}", '{"water_leak": true}')
    api.wait_for_delivered(4)
    time.sleep(0.5)
    assert {record.fields["to"] for record in api.delivered} == {PEOPLE["anna"]}
    notices = [text for text in texts(api) if "no longer gets alerts" in text]
    assert len(notices) == 1
    assert "me no longer gets alerts from channel home" in notices[0]
    assert bridge.status()["alerts"]["withdrawn"] == 3


def test_a_message_that_is_refused_for_good_can_be_retried_by_hand(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    api.world = replace(api.world, text_limit=3)
    bridge.start()
    publish(broker.port, "test/1", "ping")
    settled(bridge, api)
    for requests in (2, 3):
        bridge.stop()
        _let_time_pass(bridge)
        bridge.start()
        settled(bridge, api, requests)
    (dead,) = queue(bridge)
    assert (dead["state"], dead["tries"]) == ("dead", 3)
    assert dead["reason"].startswith("refused: ")
    api.world = replace(api.world, text_limit=1000)
    bridge.command("queue", "retry", str(dead["id"]))
    api.wait_for_delivered(1)
    assert texts(api) == ["ping 1"]


def test_a_used_up_quota_lets_the_alarm_through_as_soon_as_there_is_room(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    api.world = World(per_day=0)
    bridge.start()
    leak(broker)
    settled(bridge, api)
    publish(broker.port, "zigbee2mqtt/attic", '{"water_leak": true}')
    publish(broker.port, "test/1", "ping")
    wait_until(lambda: _waiting(bridge) == ["Water at cellar", "Water at attic", "ping 1"])
    assert len(api.requests) == 1  # both wait: the alarm for a minute, the rest for a quarter
    bridge.stop()
    _let_time_pass(bridge)
    api.world = World(per_day=None)
    bridge.start()
    api.wait_for_delivered(2)
    assert texts(api)[0] == "Water at cellar\nWater at attic"
    assert "ping 1" in texts(api)[1]


def _waiting(bridge: Bridge) -> list[str]:
    """What waits, most urgent first; what the bridge says about itself left out."""
    return [row["text"] for row in queue(bridge) if row["name"] != "budget"]


def test_a_stop_under_load_acknowledges_what_it_stores_so_that_no_event_comes_twice(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.write_config(broker.url, tail=UNLIMITED)
    bridge.start()
    for round_ in range(3):
        numbers = range(round_ * 200, round_ * 200 + 200)
        publish_many(broker.port, [(f"test/{number}", "ping") for number in numbers])
        bridge.stop()
        bridge.start()
    wait_until(lambda: bridge.status()["alerts"]["sent"] >= 600, 15)
    assert set(Counter(texts(api)).values()) == {1}
    assert len(api.delivered) == 600
