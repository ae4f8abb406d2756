"""Promise D1 under SIGKILL: what the broker delivered at QoS 1 is not lost, at any instruction."""

from __future__ import annotations

import os
import random
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from harness import Bridge, Mosquitto, publish, publish_many
from harness.bridge import UNLIMITED
from harness.wait import wait_until

from kilopush_bridge.failpoints import POINTS

if TYPE_CHECKING:
    from kilopush_bridge.emulator import RunningEmulator

EVENTS = """
  event:
    topic: events/+number
    event: value == 'now'
    priority: high
    message: "event {{ number }}"
"""


def texts(api: RunningEmulator) -> list[str]:
    return [record.fields["message"].split(" (")[0] for record in api.delivered]


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_each_step_between_publish_and_post_loses_nothing(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge, point: str
):
    bridge.start()
    bridge.stop()  # the session exists from now on
    bridge.start(failpoint=point)
    publish(broker.port, "zigbee2mqtt/cellar", '{"water_leak": true}')
    assert bridge.wait_ended() == -9
    bridge.start()
    api.wait_for_delivered(1)
    publish(broker.port, "zigbee2mqtt/cellar", '{"water_leak": false}')
    wait_until(lambda: any("dry" in text for text in texts(api)))
    told = [record.fields["message"] for record in api.delivered]
    first = "Water at cellar"
    assert told[:-1] == {
        # claimed with the commit, but not sent: nobody can know
        "after_commit": [f"{first} (may be a repeat)"],
        "after_ack": [f"{first} (may be a repeat)"],
        "after_claim": [f"{first} (may be a repeat)"],
        "after_post": [first, f"{first} (may be a repeat)"],
    }.get(point, [first])
    assert told[-1].startswith("cellar is dry after")


@pytest.mark.timeout(400)
def test_two_hundred_random_kills_under_load_lose_no_alert(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    seed = int(os.environ.get("KILOPUSH_SEED", str(random.randrange(10**6))))
    print(f"seed {seed}")
    chance = random.Random(seed)
    kills = int(os.environ.get("KILOPUSH_KILLS", "200"))
    bridge.write_config(broker.url, EVENTS, tail=UNLIMITED)
    bridge.start()
    stop = threading.Event()
    published: list[int] = []

    def load() -> None:
        while not stop.is_set():
            numbers = range(len(published), len(published) + 20)
            publish_many(broker.port, [(f"events/{number}", "now") for number in numbers])
            published.extend(numbers)
            time.sleep(0.05)

    thread = threading.Thread(target=load)
    thread.start()
    try:
        for _ in range(kills):
            time.sleep(chance.random() * 0.25)
            bridge.kill()
            bridge.start(wait=False)
            if chance.random() < 0.5:  # half of them early, while it starts and replays
                wait_until(lambda: bridge.has_ended or bridge.log.endswith("\n"), 10)
    finally:
        stop.set()
        thread.join(30)
    expected = {f"event {number}" for number in published}
    wait_until(lambda: expected <= set(texts(api)), 120, "every event arriving")
    assert not bridge.has_ended
    repeats = sum(Counter(texts(api)).values()) - len(expected)
    print(f"{len(expected)} events, {kills} kills, {repeats} repeats")
