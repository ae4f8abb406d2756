"""Home Assistant and kilopush-bridge on one channel: the bridge sends and counts for both.

A real broker, a real bridge, and Home Assistant's own MQTT integration between them.
"""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest
from end_to_end.channel import Channel, user_token
from harness import Bridge, Mosquitto, publish
from harness.bridge import PEOPLE
from harness.hass import HomeAssistant
from harness.wait import wait_until

from kilopush_bridge.emulator import World, running_emulator
from kilopush_bridge.model import Priority

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kilopush_bridge.emulator import RunningEmulator

pytestmark = pytest.mark.timeout(120)

_GRANT = "senders: {homeassistant: {priority: critical}}"
_STRANGER = "carl"  # whom the bridge does not know
_ANSWER_S = 5.0  # so long the bridge is waited for
_MQTT = {
    "broker": "127.0.0.1",
    "protocol": "5",
    "other_settings": {"set_client_cert": False, "set_ca_cert": "off", "transport": "tcp"},
}


class Town:
    """A house with Home Assistant and a bridge."""

    def __init__(
        self, house: HomeAssistant, bridge: Bridge, api: RunningEmulator, port: int
    ) -> None:
        self.house = house
        self.bridge = bridge
        self.api = api
        self.port = port
        self.channel = Channel(house, {})
        for name, token in PEOPLE.items():
            self.channel.add(name, token, bridge_name=name)
        self.channel.add(_STRANGER, user_token(9))
        self.channel.set_options(via_bridge=True)

    @property
    def bridge_is_there(self) -> bool:
        """Whether Home Assistant would ask it."""
        shown = self.house.diagnostics(self.channel.entry_id)["data"]
        return bool(shown["channel"]["is_bridge_there"])

    @property
    def own_posts(self) -> int:
        """What Home Assistant has counted as its own."""
        return len(self.channel.stored()["ledger"]["entries"])

    @property
    def bridge_posts(self) -> int:
        return int(self.bridge.status()["channels"]["home"]["spent"])

    def priorities_in_bridge(self, text: str) -> list[tuple[str, int]]:
        """Return by person how urgent the bridge takes a message to be."""
        rows = self.bridge.rows(
            "SELECT person, deliveries.priority, text FROM deliveries"
            " JOIN alerts ON alerts.id = alert_id ORDER BY person"
        )
        return [(person, priority) for person, priority, known in rows if known == text]

    def texts(self) -> list[str]:
        return [str(record.fields["message"]) for record in self.api.delivered]

    def wait_for(self, text: str) -> str:
        """Return the first message that begins so, as soon as it has arrived."""
        return wait_until(
            lambda: next((one for one in self.texts() if one.startswith(text)), ""), 10, text
        )

    def send(self, text: str, **fields: Any) -> tuple[str, float]:
        """Send to `me`; return what it came to and how long that took."""
        begun_s = time.monotonic()
        answer = self.channel.send(["me"], text, **fields)
        return answer["me"]["status"], time.monotonic() - begun_s


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    with (
        running_emulator(World()) as api,
        Mosquitto(folder / "broker") as broker,
        Bridge(folder / "bridge", broker.url, api.url) as bridge,
        HomeAssistant(folder / "house", env={"KILOPUSH_API_URL": api.url}) as house,
    ):
        bridge.write_config(broker.url, tail=_GRANT)
        house.flow("mqtt", {**_MQTT, "port": broker.port})
        yield Town(house, bridge, api, broker.port)


@pytest.fixture
def town(built: Town) -> Town:
    """The house with the bridge at work, whatever the test before has done to it."""
    built.bridge.kill()
    built.bridge.start()
    wait_until(lambda: built.bridge_is_there, 10, "Home Assistant seeing the bridge")
    return built


def test_the_bridge_sends_and_counts_what_home_assistant_hands_over(town: Town):
    own, of_bridge, left = town.own_posts, town.bridge_posts, town.channel.left
    status, took_s = town.send("Washing machine is done", title="Laundry")
    assert status == "bridge"
    assert took_s < _ANSWER_S
    assert town.wait_for("Laundry") == "Laundry\n\nWashing machine is done"
    wait_until(lambda: town.bridge_posts == of_bridge + 1, 10, "the bridge counting it")
    assert (town.own_posts, town.channel.left) == (own, left)
    assert town.channel.pending() == []


def test_a_critical_stays_critical_in_the_bridge(town: Town):
    status, _ = town.send("Smoke in the kitchen", priority="critical")
    assert status == "bridge"
    town.wait_for("Smoke in the kitchen")
    assert town.priorities_in_bridge("Smoke in the kitchen") == [("me", Priority.CRITICAL)]


def test_a_critical_for_everyone_goes_to_each_by_the_right_way_as_critical(town: Town):
    fields = {"message": "Gas in the cellar", "priority": "critical"}
    entity_id = {"entity_id": "notify.home_everyone"}
    answer = town.house.call("kilopush", "send_message", entity_id | fields, return_response=True)
    people = answer["notify.home_everyone"]["recipients"]
    statuses = {name: one["status"] for name, one in people.items()}
    assert statuses == dict.fromkeys(PEOPLE, "bridge") | {_STRANGER: "sent"}
    everybody = len(PEOPLE) + 1
    wait_until(lambda: town.texts().count("Gas in the cellar") == everybody, 10, "all arriving")
    assert town.priorities_in_bridge("Gas in the cellar") == [
        (name, Priority.CRITICAL) for name in sorted(PEOPLE)
    ]
    own = town.channel.stored()["ledger"]["entries"][-1]
    assert own["kind"] == "critical"


def test_a_bridge_that_hangs_is_waited_for_5_s_and_loses_nothing(town: Town):
    assert town.bridge.process is not None
    os.kill(town.bridge.process.pid, signal.SIGSTOP)  # its status stays "online"
    own = town.own_posts
    status, took_s = town.send("Window is open")
    assert status == "sent"
    assert _ANSWER_S <= took_s < _ANSWER_S + 2
    assert town.wait_for("Window is open") == "Window is open (may be a repeat)"
    assert town.own_posts == own + 1
    # It is not waited for again and again.
    status, took_s = town.send("Door is open")
    assert (status, town.wait_for("Door is open")) == ("sent", "Door is open")
    assert took_s < 2


def test_a_bridge_that_is_gone_while_its_status_says_online_loses_nothing(town: Town):
    town.bridge.kill()
    wait_until(lambda: not town.bridge_is_there, 10, "the status offline")
    publish(town.port, "kilopush/status", "online", retain=True)
    wait_until(lambda: town.bridge_is_there, 10, "the status online")
    status, took_s = town.send("Freezer is warm", priority="critical")
    assert status == "sent"
    assert _ANSWER_S <= took_s < _ANSWER_S + 2
    assert town.wait_for("Freezer is warm") == "Freezer is warm (may be a repeat)"


def test_a_bridge_that_has_ended_is_not_waited_for(town: Town):
    assert town.bridge.stop() == 0
    wait_until(lambda: not town.bridge_is_there, 10, "the status offline")
    status, took_s = town.send("Letter box is full")
    assert status == "sent"
    assert took_s < 2
    assert town.wait_for("Letter box is full") == "Letter box is full"
