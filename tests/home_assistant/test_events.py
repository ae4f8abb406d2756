"""Automations hear what became of each message to each person."""

from __future__ import annotations

from unittest.mock import Mock

import aiohttp
import pytest
from builders import ANNA, channel_entry
from homeassistant.const import STATE_UNKNOWN
from homeassistant.exceptions import HomeAssistantError
from kilo import FORBIDDEN, OPTED_OUT, Kilo, async_notify, async_send, async_set_up

from custom_components.kilopush.outbox.model import EventType

ANNAS = "event.anna_delivery"
BENS = "event.ben_delivery"


@pytest.fixture
def kilo(aioclient_mock):
    return Kilo(aioclient_mock)


async def test_a_message_that_arrived_is_an_event_of_its_person_only(hass, kilo):
    await async_set_up(hass, channel_entry("Anna", "Ben"))
    await async_send(hass, "notify.anna", "Cellar", title="Water", priority="high")
    event = hass.states.get(ANNAS)
    assert event.state != STATE_UNKNOWN
    assert event.attributes["event_type"] == "sent"
    assert event.attributes["title"] == "Water"
    assert event.attributes["priority"] == "high"
    assert hass.states.get(BENS).state == STATE_UNKNOWN


async def test_a_withdrawn_message_says_why(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    kilo.answers[ANNA] = OPTED_OUT
    with pytest.raises(HomeAssistantError):
        await async_notify(hass, "notify.anna", "Fire")
    attributes = hass.states.get(ANNAS).attributes
    assert (attributes["event_type"], attributes["reason"]) == ("withdrawn", "as the test wants it")


async def test_a_message_that_has_to_wait_is_an_event(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    kilo.error = aiohttp.ClientConnectorError(Mock(), OSError("no route"))
    await async_notify(hass, "notify.anna", "Fire")
    assert hass.states.get(ANNAS).attributes["event_type"] == "delayed"


async def test_a_refused_message_is_an_event(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    kilo.answer = FORBIDDEN
    with pytest.raises(HomeAssistantError):
        await async_notify(hass, "notify.anna", "Fire")
    assert hass.states.get(ANNAS).attributes["event_type"] == "refused"


async def test_an_automation_can_choose_among_all_events(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    assert hass.states.get(ANNAS).attributes["event_types"] == list(EventType)
