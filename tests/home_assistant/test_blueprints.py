"""The blueprints that come with the integration: they tell what they promise, and when."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from builders import ANNA, BEN, channel_entry
from homeassistant.core import CoreState
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from kilo import OPTED_OUT, SENT, Kilo, async_notify, async_set_up
from pytest_homeassistant_custom_component.common import async_fire_time_changed

if TYPE_CHECKING:
    from freezegun.api import FrozenDateTimeFactory
    from homeassistant.core import HomeAssistant

    from custom_components.kilopush.channel import Channel

BLUEPRINTS = Path(__file__).parents[2] / "custom_components/kilopush/blueprints/automation"
NAMES = sorted(path.stem for path in BLUEPRINTS.glob("*.yaml"))
NOON = "2026-11-02 12:00:00+00:00"
CRITICAL, HIGH, NORMAL, DIGEST = "critical", "high", "normal", "digest"


class House:
    """A Home Assistant with one automation made of a blueprint, in a time that a test sets."""

    def __init__(
        self, hass: HomeAssistant, kilo: Kilo, channel: Channel, freezer: FrozenDateTimeFactory
    ) -> None:
        self.hass = hass
        self.kilo = kilo
        self.channel = channel
        self.sent: list[tuple[str, str]] = []  # priority and message of each action
        self._freezer = freezer

    async def async_automate(
        self, name: str, *, people: str | list[str] = "notify.anna", **inputs: Any
    ) -> None:
        """Make an automation, as the editor of Home Assistant does."""
        folder = Path(self.hass.config.path("blueprints/automation/kilopush"))
        shutil.copytree(BLUEPRINTS, folder, dirs_exist_ok=True)
        use = {"path": f"kilopush/{name}.yaml", "input": {"people": people, **inputs}}
        automation = {"alias": "Told", "id": "told", "use_blueprint": use}
        assert await async_setup_component(self.hass, "automation", {"automation": [automation]})
        await self.hass.async_block_till_done()
        assert self.hass.states.get("automation.told").state == "on"

    def begin_start(self) -> None:
        """Be a Home Assistant that is starting."""
        self.hass.set_state(CoreState.not_running)

    async def async_end_start(self) -> None:
        await self.hass.async_start()
        await self.async_settle()

    async def async_see(self, entity_id: str, *states: str, name: str = "") -> None:
        """Let an entity have these states, one after the other."""
        for state in states:
            known = self.hass.states.get(entity_id)
            attributes = {"friendly_name": name} if name else known.attributes if known else {}
            self.hass.states.async_set(entity_id, state, attributes)
            await self.async_settle()

    async def async_press(self, entity_id: str) -> None:
        """Let a button, a tag or an event happen now."""
        await self.async_see(entity_id, dt_util.utcnow().isoformat(timespec="milliseconds"))

    async def async_wait(self, minutes: float) -> None:
        """Let time pass, and whatever is due happen in it."""
        for _ in range(max(1, round(minutes * 2))):
            self._freezer.tick(30)
            async_fire_time_changed(self.hass)
            await self.async_settle()

    async def async_settle(self) -> None:
        """Wait until all messages have ended; runs that wait themselves are not waited for."""
        quiet = 0
        while quiet < 10:
            is_busy = bool(self.channel._tasks or self.channel._audience.waiters)
            quiet = 0 if is_busy else quiet + 1
            # Not a sleep: its time stands still.
            await (self.hass.async_add_executor_job(int) if is_busy else asyncio.sleep(0))

    @property
    def texts(self) -> list[str]:
        """What the phones showed, without the title."""
        return [text.partition("\n\n")[2] for text in self.kilo.texts]


@pytest.fixture
async def house(hass, aioclient_mock, freezer):
    freezer.move_to(NOON)
    kilo = Kilo(aioclient_mock)
    house = House(hass, kilo, await async_set_up(hass, channel_entry("Anna", "Ben")), freezer)
    add = house.channel._outbox.add

    def note(request, *args: object):
        deliveries = add(request, *args)
        house.sent.append((deliveries[0].priority.word, request.message))
        return deliveries

    house.channel._outbox.add = note
    return house


# --- all of them ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", NAMES)
def test_only_entities_of_kilopush_are_offered_for_who_is_told(name):
    people = _inputs(name)["people"]["selector"]["entity"]
    assert people["filter"] == [{"integration": "kilopush", "domain": "notify"}]


@pytest.mark.parametrize("name", NAMES)
def test_every_input_has_a_name_and_every_text_can_be_changed(name):
    inputs = _inputs(name)
    assert all(one["name"] and one["selector"] for one in inputs.values())
    assert inputs["title"]["default"]


def test_there_is_a_blueprint_for_leaks_doors_batteries_and_alarms():
    assert NAMES == ["alarm_with_acknowledge", "battery_low", "door_left_open", "leak"]


def _inputs(name: str) -> dict[str, Any]:
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!input", lambda loader, node: f"!input {node.value}")
    text = (BLUEPRINTS / f"{name}.yaml").read_text()
    found = {}
    for key, one in yaml.load(text, Loader)["blueprint"]["input"].items():
        found |= one.get("input", {key: one})
    return found


# --- leak -----------------------------------------------------------------------------------------

CELLAR, KITCHEN = "binary_sensor.cellar", "binary_sensor.kitchen"


@pytest.fixture
async def leaks(house):
    await house.async_see(CELLAR, "off", name="Cellar")
    await house.async_see(KITCHEN, "off", name="Kitchen")
    await house.async_automate("leak", sensors=[CELLAR, KITCHEN])
    return house


async def test_water_is_a_critical_message_and_dry_again_a_normal_one(leaks):
    await leaks.async_see(CELLAR, "on")
    assert leaks.kilo.posts[0]["message"] == "Water\n\nWater at Cellar"
    assert leaks.kilo.posts[0]["to"] == ANNA
    await leaks.async_wait(20)
    await leaks.async_see(CELLAR, "off")
    assert leaks.sent == [(CRITICAL, "Water at Cellar"), (NORMAL, "Cellar is dry again")]
    assert len(leaks.texts) == 2


async def test_every_sensor_is_an_alarm_of_its_own(leaks):
    await leaks.async_see(CELLAR, "on")
    await leaks.async_see(KITCHEN, "on")
    assert leaks.sent == [(CRITICAL, "Water at Cellar"), (CRITICAL, "Water at Kitchen")]


async def test_a_sensor_that_flaps_does_not_use_up_what_is_kept_for_alarms(leaks):
    await async_notify(leaks.hass, "notify.ben", "The time is known from here on")
    leaks.sent.clear()
    for _ in range(3):
        await leaks.async_see(CELLAR, "on", "off")
    assert [word for word, _ in leaks.sent if word != NORMAL] == [CRITICAL, HIGH, HIGH]


async def test_a_sensor_that_comes_back_dry_is_no_news(leaks):
    await leaks.async_see(CELLAR, "unavailable", "unknown", "off")
    assert leaks.sent == []


async def test_a_sensor_that_comes_back_wet_is_told(leaks):
    await leaks.async_see(CELLAR, "unavailable", "on")
    assert leaks.sent == [(CRITICAL, "Water at Cellar (found when it came back)")]


async def test_unavailable_is_neither_wet_nor_dry(leaks):
    await leaks.async_see(CELLAR, "on", "unavailable", "unknown")
    assert len(leaks.sent) == 1


async def test_what_is_wet_at_the_start_of_home_assistant_is_told(house):
    house.begin_start()
    await house.async_see(CELLAR, "on", name="Cellar")
    await house.async_see(KITCHEN, "on", name="Kitchen")
    await house.async_see("binary_sensor.bath", "off")
    await house.async_automate("leak", sensors=[CELLAR, KITCHEN, "binary_sensor.bath"])
    assert house.sent == []
    await house.async_end_start()
    assert house.sent == [
        (CRITICAL, "Water at Cellar (found when it came back)"),
        (CRITICAL, "Water at Kitchen (found when it came back)"),
    ]
    await house.async_see(CELLAR, "off")
    assert house.sent[-1] == (NORMAL, "Cellar is dry again")


async def test_water_reaches_everyone_although_somebody_has_blocked_the_channel(house):
    house.kilo.answers[ANNA] = OPTED_OUT
    await house.async_see(CELLAR, "off", name="Cellar")
    people = ["notify.anna", "notify.ben"]
    await house.async_automate("leak", people=people, sensors=[CELLAR])
    await house.async_see(CELLAR, "on")
    await house.async_see(CELLAR, "off")
    assert [text.partition("\n\n")[2] for text in house.kilo.texts_to(BEN)] == [
        "Water at Cellar",
        "Cellar is dry again",
    ]


async def test_water_is_critical_for_each_of_several_people(house):
    await async_notify(house.hass, "notify.ben", "The time is known from here on")
    house.sent.clear()
    await house.async_see(CELLAR, "off", name="Cellar")
    await house.async_automate("leak", people=["notify.anna", "notify.ben"], sensors=[CELLAR])
    await house.async_see(CELLAR, "on")
    assert [word for word, _ in house.sent] == [CRITICAL, CRITICAL]


async def test_running_it_by_hand_tells_what_is_wet_now(leaks):
    await leaks.async_see(KITCHEN, "on")
    await _run_by_hand(leaks.hass)
    assert [message for _, message in leaks.sent] == [
        "Water at Kitchen",
        "Water at Kitchen (found when it came back)",
    ]


async def test_the_words_can_be_changed(house):
    await house.async_see(CELLAR, "off", name="Keller")
    texts = {"title": "Wasser", "wet": "{name} nass", "dry": "{name} trocken"}
    await house.async_automate("leak", sensors=[CELLAR], **texts)
    await house.async_see(CELLAR, "on", "off")
    assert house.kilo.texts == ["Wasser\n\nKeller nass", "Wasser\n\nKeller trocken"]


async def _run_by_hand(hass: HomeAssistant) -> None:
    await hass.services.async_call(
        "automation", "trigger", {"entity_id": "automation.told"}, blocking=True
    )


# --- door -----------------------------------------------------------------------------------------

DOOR = "binary_sensor.door"


async def _with_door(house: House, **inputs: Any) -> None:
    await house.async_see(DOOR, "off", name="Front door")
    await house.async_automate("door_left_open", doors=[DOOR], **inputs)


async def test_a_door_is_told_after_its_time_and_once(house):
    await _with_door(house, minutes=10)
    await house.async_see(DOOR, "on")
    await house.async_wait(9)
    assert house.sent == []
    await house.async_wait(2)
    assert house.sent == [(HIGH, "Front door has been open for 10 min")]
    await house.async_wait(60)
    assert len(house.sent) == 1


async def test_a_door_that_is_closed_in_time_is_not_told(house):
    await _with_door(house, minutes=10)
    await house.async_see(DOOR, "on")
    await house.async_wait(9)
    await house.async_see(DOOR, "off", "on")
    await house.async_wait(9)
    await house.async_see(DOOR, "off")
    await house.async_wait(9)
    assert house.sent == []


async def test_a_door_that_was_unavailable_is_counted_from_its_return(house):
    await _with_door(house, minutes=10)
    await house.async_see(DOOR, "on")
    await house.async_wait(9)
    await house.async_see(DOOR, "unavailable", "on")
    await house.async_wait(9)
    assert house.sent == []
    await house.async_wait(2)
    assert len(house.sent) == 1


async def test_an_unavailable_door_is_not_open(house):
    await _with_door(house, minutes=10)
    await house.async_see(DOOR, "unavailable")
    await house.async_wait(30)
    await house.async_see(DOOR, "unknown")
    await house.async_wait(30)
    assert house.sent == []


@pytest.mark.parametrize(("only_while", "at_home"), [("nobody", "0"), ("somebody", "2")])
async def test_a_door_is_told_while_the_right_people_are_at_home(house, only_while, at_home):
    await house.async_see("zone.home", at_home)
    await _with_door(house, minutes=10, only_while=only_while, priority="low")
    await house.async_see(DOOR, "on")
    await house.async_wait(11)
    assert [word for word, _ in house.sent] == ["low"]


async def test_a_door_is_told_when_the_last_person_leaves_later(house):
    await house.async_see("zone.home", "1")
    await _with_door(house, minutes=10, only_while="nobody")
    await house.async_see(DOOR, "on")
    await house.async_wait(30)
    assert house.sent == []
    await house.async_see("zone.home", "0")
    assert house.sent == [(HIGH, "Front door has been open for 30 min")]


async def test_a_door_that_is_closed_before_the_last_person_leaves_is_not_told(house):
    await house.async_see("zone.home", "1")
    await _with_door(house, minutes=10, only_while="nobody")
    await house.async_see(DOOR, "on")
    await house.async_wait(30)
    await house.async_see(DOOR, "off")
    await house.async_see("zone.home", "0")
    assert house.sent == []


async def test_a_door_that_was_unavailable_while_somebody_was_at_home_is_told_once(house):
    await house.async_see("zone.home", "1")
    await _with_door(house, minutes=10, only_while="nobody")
    await house.async_see(DOOR, "on")
    await house.async_wait(11)
    await house.async_see(DOOR, "unavailable", "on")
    await house.async_wait(11)
    await house.async_see("zone.home", "0")
    assert len(house.sent) == 1


async def test_a_door_that_is_open_at_the_start_is_told_after_its_time(house):
    house.begin_start()
    await house.async_see("binary_sensor.window", "on", name="Window")
    await house.async_see(DOOR, "on", name="Front door")
    await house.async_automate("door_left_open", doors=[DOOR, "binary_sensor.window"], minutes=10)
    await house.async_end_start()
    await house.async_wait(5)
    await house.async_see("binary_sensor.window", "off", "on")
    await house.async_wait(6)
    assert house.sent == [(HIGH, "Front door has been open for 10 min")]
    await house.async_wait(5)
    assert house.sent[1:] == [(HIGH, "Window has been open for 10 min")]


# --- battery --------------------------------------------------------------------------------------

REMOTE, LOCK = "sensor.remote_battery", "sensor.lock_battery"


async def _with_batteries(house: House, **inputs: Any) -> None:
    await house.async_see(REMOTE, "50", name="Remote")
    await house.async_see(LOCK, "50", name="Lock")
    await house.async_automate("battery_low", batteries=[REMOTE, LOCK], **inputs)


async def test_a_battery_is_told_once_in_a_digest(house):
    await _with_batteries(house)
    await house.async_see(REMOTE, "16", "14", "13", "unavailable", "unknown", "12", "14")
    assert house.sent == [(DIGEST, "Remote: 14 %")]
    assert house.kilo.posts == []
    assert house.channel.overview.in_digest == 1


async def test_every_battery_is_told_and_again_after_it_was_changed(house):
    await _with_batteries(house, threshold=20)
    await house.async_see(REMOTE, "19")
    await house.async_see(LOCK, "19", "100", "18")
    messages = [message for _, message in house.sent]
    assert messages == ["Remote: 19 %", "Lock: 19 %", "Lock: 18 %"]


async def test_what_is_no_number_is_not_low(house):
    await _with_batteries(house)
    await house.async_see(REMOTE, "unavailable", "unknown", "full")
    assert house.sent == []


async def test_batteries_that_are_low_after_a_start_are_told_in_one_message(house):
    house.begin_start()
    await house.async_see("sensor.switch_battery", "unavailable", name="Switch")
    await _with_batteries(house)
    await house.async_see(REMOTE, "3")
    await house.async_see(LOCK, "4")
    await house.async_end_start()
    await house.async_wait(4)
    assert house.sent == []
    await house.async_wait(2)
    assert house.sent == [(DIGEST, "Remote: 3 %, Lock: 4 %")]


@pytest.mark.parametrize(("at_start", "level"), [(True, "50"), (False, "3")])
async def test_a_start_is_silent_if_nothing_is_low_or_nobody_wants_it(house, at_start, level):
    house.begin_start()
    await _with_batteries(house, at_start=at_start)
    await house.async_see(REMOTE, level)
    await house.async_end_start()
    await house.async_wait(6)
    assert house.sent == []


# --- alarm ----------------------------------------------------------------------------------------

SMOKE, BUTTON, TAG = "binary_sensor.smoke", "input_button.seen", "tag.hall"
BEFORE = "2026-11-01T08:00:00+00:00"


async def _with_alarm(house: House, **inputs: Any) -> None:
    await house.async_see(BUTTON, BEFORE)
    await house.async_see(TAG, "unknown")
    await house.async_see(SMOKE, "off", name="Smoke in the attic")
    await house.async_automate(
        "alarm_with_acknowledge", alarm=SMOKE, acknowledge=[BUTTON, TAG], **inputs
    )


async def test_an_alarm_is_repeated_at_10_30_and_120_minutes_and_then_every_two_hours(house):
    await _with_alarm(house)
    await house.async_see(SMOKE, "on")
    assert house.sent == [(CRITICAL, "Smoke in the attic")]
    for minutes in (10, 20, 90, 120, 120):
        await house.async_wait(minutes - 1)
        before = len(house.sent)
        await house.async_wait(1)
        assert len(house.sent) == before + 1
    assert house.sent[1:] == [
        (HIGH, f"Smoke in the attic (for {minutes} min)") for minutes in (10, 30, 120, 240, 360)
    ]
    assert len(house.texts) == 6


async def test_an_alarm_that_is_over_says_so_and_is_not_repeated(house):
    await _with_alarm(house)
    await house.async_see(SMOKE, "on")
    await house.async_wait(12)
    await house.async_see(SMOKE, "off")
    assert house.sent[2:] == [(HIGH, "Smoke in the attic is over after 12 min")]
    await house.async_wait(130)
    assert len(house.sent) == 3


@pytest.mark.parametrize("what", [BUTTON, TAG, "event.remote"])
async def test_who_acknowledges_is_not_reminded_and_hears_of_the_end(house, what):
    await house.async_see(what, "unknown")
    await house.async_see(SMOKE, "off", name="Smoke")
    await house.async_automate("alarm_with_acknowledge", alarm=SMOKE, acknowledge=[what])
    await house.async_see(SMOKE, "on")
    await house.async_wait(5)
    await house.async_press(what)
    await house.async_wait(200)
    assert house.sent == [(CRITICAL, "Smoke")]
    await house.async_see(SMOKE, "off")
    assert house.sent[1:] == [(HIGH, "Smoke is over after 205 min")]


async def test_an_alarm_can_be_acknowledged_after_a_reminder(house):
    await _with_alarm(house)
    await house.async_see(SMOKE, "on")
    await house.async_wait(11)
    await house.async_press(TAG)
    await house.async_wait(130)
    assert len(house.sent) == 2


async def test_a_button_that_comes_back_acknowledges_nothing(house):
    await _with_alarm(house)
    await house.async_see(SMOKE, "on")
    await house.async_see(BUTTON, "unavailable", BEFORE)
    await house.async_see(TAG, "unavailable", "unknown")
    await house.async_wait(11)
    assert len(house.sent) == 2


async def test_the_next_alarm_has_to_be_acknowledged_again(house):
    await _with_alarm(house)
    await house.async_see(SMOKE, "on")
    await house.async_wait(1)
    await house.async_press(BUTTON)
    await house.async_see(SMOKE, "off")
    await house.async_wait(30)
    await house.async_see(SMOKE, "on")
    await house.async_wait(11)
    assert [word for word, _ in house.sent] == [CRITICAL, HIGH, CRITICAL, HIGH]


async def test_an_alarm_that_is_unavailable_is_not_over_and_does_not_begin_anew(house):
    await _with_alarm(house)
    await house.async_see(SMOKE, "on", "unavailable", "unknown", "on")
    await house.async_wait(9)
    assert house.sent == [(CRITICAL, "Smoke in the attic")]
    await house.async_wait(2)
    await house.async_see(SMOKE, "off")
    assert [message for _, message in house.sent[1:]] == [
        "Smoke in the attic (for 10 min)",
        "Smoke in the attic is over after 11 min",
    ]


async def test_an_alarm_goes_on_although_one_message_failed(house):
    await _with_alarm(house)
    house.kilo.answer = OPTED_OUT
    await house.async_see(SMOKE, "on")
    house.kilo.answer = SENT
    await house.async_wait(11)
    await house.async_see(SMOKE, "off")
    assert len(house.sent) == 3


async def test_an_alarm_that_is_on_at_the_start_is_told_again(house):
    house.begin_start()
    await _with_alarm(house)
    await house.async_see(SMOKE, "on")
    await house.async_end_start()
    await house.async_wait(11)
    await house.async_see(SMOKE, "off")
    assert [message for _, message in house.sent] == [
        "Smoke in the attic (found when it came back)",
        "Smoke in the attic (for 10 min)",
        "Smoke in the attic is over after 11 min",
    ]


async def test_a_start_without_an_alarm_is_silent(house):
    house.begin_start()
    await _with_alarm(house)
    await house.async_end_start()
    assert house.sent == []


async def test_an_alarm_opens_the_link_that_one_sets(house):
    await _with_alarm(house, link="https://home.example/lovelace/alarm")
    await house.async_see(SMOKE, "on")
    assert house.kilo.posts[0]["url"] == "https://home.example/lovelace/alarm"
