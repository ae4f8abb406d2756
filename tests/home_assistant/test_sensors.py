"""What a channel has sent, has left and keeps back is to be seen, for people and automations."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import Mock, patch

import aiohttp
import pytest
from builders import ANNA, channel_entry
from homeassistant.const import STATE_OFF, STATE_ON, STATE_UNKNOWN
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from kilo import FORBIDDEN, OPTED_OUT, UNSENDABLE, Kilo, async_notify, async_set_up
from pytest_homeassistant_custom_component.common import async_fire_time_changed

PROBLEM = "binary_sensor.home_problem"


@pytest.fixture
def kilo(aioclient_mock):
    return Kilo(aioclient_mock)


@pytest.fixture
def everything_enabled():
    with patch(
        "homeassistant.helpers.entity.Entity.entity_registry_enabled_default", return_value=True
    ):
        yield


async def test_one_sees_how_many_messages_were_sent_and_are_left(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    left = int(hass.states.get("sensor.home_ordinary_messages_left").state)
    await async_notify(hass, "notify.anna", "Fire")
    await hass.async_block_till_done()
    assert hass.states.get("sensor.home_messages_sent_today").state == "1"
    assert int(hass.states.get("sensor.home_ordinary_messages_left").state) == left - 1


async def test_the_count_of_the_day_starts_again_at_midnight(hass, kilo, freezer):
    await hass.config.async_set_time_zone("Europe/Berlin")
    freezer.move_to("2026-11-23 22:50:00+00:00")
    await async_set_up(hass, channel_entry("Anna"))
    await async_notify(hass, "notify.anna", "Fire")
    state = hass.states.get("sensor.home_messages_sent_today")
    assert (state.state, state.attributes["last_reset"]) == ("1", "2026-11-23T00:00:00+01:00")
    await _wait(hass, freezer, minutes=30)
    state = hass.states.get("sensor.home_messages_sent_today")
    assert (state.state, state.attributes["last_reset"]) == ("0", "2026-11-24T00:00:00+01:00")


async def test_a_channel_without_limit_has_no_number_of_messages_left(hass, kilo):
    await async_set_up(hass, channel_entry("Anna", unlimited=True))
    assert hass.states.get("sensor.home_ordinary_messages_left").state == STATE_UNKNOWN


async def test_one_sees_what_waits(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    kilo.error = aiohttp.ClientConnectorError(Mock(), OSError("no route"))
    await async_notify(hass, "notify.anna", "Fire")
    state = hass.states.get("sensor.home_messages_waiting")
    assert (state.state, state.attributes["in_digest"]) == ("1", 0)


async def test_one_sees_the_last_error_and_its_time(hass, kilo, everything_enabled):
    await async_set_up(hass, channel_entry("Anna"))
    assert hass.states.get("sensor.home_last_error").state == STATE_UNKNOWN
    assert hass.states.get("sensor.home_last_error").attributes["time"] is None
    kilo.answer = OPTED_OUT
    with pytest.raises(HomeAssistantError):
        await async_notify(hass, "notify.anna", "Fire")
    state = hass.states.get("sensor.home_last_error")
    assert state.state == "opted_out"
    assert state.attributes["detail"] == "as the test wants it"
    assert dt_util.utcnow() - state.attributes["time"] < timedelta(minutes=1)


async def test_the_last_error_is_for_those_who_ask_for_it(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    entity = er.async_get(hass).async_get("sensor.home_last_error")
    assert entity.disabled_by is er.RegistryEntryDisabler.INTEGRATION


async def test_a_problem_says_what_is_wrong_and_with_whom(hass, kilo):
    await async_set_up(hass, channel_entry("Anna", "Ben"))
    assert hass.states.get(PROBLEM).state == STATE_OFF
    kilo.answers[ANNA] = OPTED_OUT
    with pytest.raises(HomeAssistantError):
        await async_notify(hass, "notify.anna", "Fire")
    state = hass.states.get(PROBLEM)
    assert state.state == STATE_ON
    assert state.attributes["troubles"] == [{"trouble": "opted_out", "recipient": "Anna"}]
    assert state.attributes["withdrawn"] == 1


async def test_a_problem_of_the_channel_names_nobody(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    kilo.answer = FORBIDDEN
    with pytest.raises(HomeAssistantError):
        await async_notify(hass, "notify.anna", "Fire")
    attributes = hass.states.get(PROBLEM).attributes
    assert attributes["troubles"] == [{"trouble": "secret", "recipient": None}]


async def test_the_problem_is_over_when_a_message_arrives_again(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    kilo.answer = OPTED_OUT
    with pytest.raises(HomeAssistantError):
        await async_notify(hass, "notify.anna", "Fire")
    kilo.answer = 200
    await async_notify(hass, "notify.anna", "Fire")
    assert hass.states.get(PROBLEM).state == STATE_OFF


async def test_a_message_that_was_given_up_is_a_problem_for_a_day(hass, kilo, freezer):
    await async_set_up(hass, channel_entry("Anna"))
    await _give_one_up(hass, kilo, freezer)
    assert hass.states.get(PROBLEM).state == STATE_ON
    assert hass.states.get(PROBLEM).attributes["dead"] == 1
    await _wait(hass, freezer, hours=23)
    await _give_one_up(hass, kilo, freezer)
    await _wait(hass, freezer, hours=23)
    assert hass.states.get(PROBLEM).state == STATE_ON
    await _wait(hass, freezer, hours=2)
    assert hass.states.get(PROBLEM).state == STATE_OFF


async def _give_one_up(hass, kilo, freezer):
    """Three refusals are the end of a message."""
    kilo.answer = UNSENDABLE
    await hass.services.async_call(
        "notify", "send_message", {"entity_id": "notify.anna", "message": "Fire"}
    )
    for seconds in (0, 11, 61):
        await _wait(hass, freezer, seconds=seconds)
    kilo.answer = 200


async def _wait(hass, freezer, **time):
    freezer.tick(timedelta(**time))
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
