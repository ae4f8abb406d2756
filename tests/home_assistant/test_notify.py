"""A message goes to a person, or to everyone, and whoever sends it hears if it does not."""

from __future__ import annotations

import asyncio
from unittest.mock import Mock

import aiohttp
import pytest
from builders import ANNA, BEN, channel_entry, subentry_of
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import device_registry as dr
from homeassistant.helpers import entity_registry as er
from kilo import FORBIDDEN, OPTED_OUT, Kilo, async_notify, async_send, async_set_up


@pytest.fixture
def kilo(aioclient_mock):
    return Kilo(aioclient_mock)


async def test_a_message_reaches_the_person_whom_it_is_for(hass, kilo):
    await async_set_up(hass, channel_entry("Anna", "Ben"))
    await async_notify(hass, "notify.anna", "Water in the cellar")
    assert kilo.texts_to(ANNA) == ["Water in the cellar"]
    assert kilo.texts_to(BEN) == []


async def test_a_title_stands_above_the_message(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    await async_notify(hass, "notify.anna", "Cellar", title="Water")
    assert kilo.texts == ["Water\n\nCellar"]


async def test_everyone_is_each_person_once(hass, kilo):
    await async_set_up(hass, channel_entry("Anna", "Ben"))
    await async_notify(hass, "notify.home_everyone", "Fire")
    assert kilo.texts_to(ANNA) == ["Fire"]
    assert kilo.texts_to(BEN) == ["Fire"]


async def test_who_has_blocked_the_channel_is_named_and_the_others_get_the_message(hass, kilo):
    await async_set_up(hass, channel_entry("Anna", "Ben"))
    kilo.answers[ANNA] = OPTED_OUT
    with pytest.raises(HomeAssistantError, match="Anna") as error:
        await async_notify(hass, "notify.home_everyone", "Fire")
    assert error.value.translation_key == "failed"
    assert error.value.translation_placeholders["name"] == "Anna"
    assert kilo.texts_to(BEN) == ["Fire"]


async def test_a_refused_secret_is_an_error_that_names_everyone(hass, kilo):
    await async_set_up(hass, channel_entry("Anna", "Ben"))
    kilo.answer = FORBIDDEN
    with pytest.raises(HomeAssistantError) as error:
        await async_notify(hass, "notify.home_everyone", "Fire")
    assert error.value.translation_placeholders["name"] == "Anna, Ben"


async def test_without_a_network_the_message_waits_and_nothing_becomes_unavailable(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    kilo.error = aiohttp.ClientConnectorError(Mock(), OSError("no route"))
    await async_notify(hass, "notify.anna", "Fire")
    assert channel.overview.pending == 1
    assert all(state.state != STATE_UNAVAILABLE for state in hass.states.async_all())


async def test_an_alarm_does_not_wait_behind_a_message_that_takes_long(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    on_its_way, kilo.wait_for = asyncio.Event(), asyncio.Event()
    kilo.on_post = lambda _: on_its_way.set()
    slow = hass.async_create_task(async_notify(hass, "notify.anna", "The wash is done"))
    await on_its_way.wait()
    answer, kilo.wait_for = kilo.wait_for, None
    assert (await async_send(hass, "notify.anna", "Fire", priority="critical"))["status"] == "sent"
    assert not slow.done()
    answer.set()
    await slow


async def test_the_state_is_the_time_of_the_last_message_that_went(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    kilo.answer = OPTED_OUT
    with pytest.raises(HomeAssistantError):
        await async_notify(hass, "notify.anna", "Fire")
    assert hass.states.get("notify.anna").state == STATE_UNKNOWN
    kilo.answer = 200
    await async_notify(hass, "notify.anna", "Fire")
    assert hass.states.get("notify.anna").state != STATE_UNKNOWN


async def test_a_channel_without_people_says_so(hass, kilo):
    await async_set_up(hass, channel_entry())
    with pytest.raises(ServiceValidationError) as error:
        await async_notify(hass, "notify.home_everyone", "Fire")
    assert error.value.translation_key == "no_recipients"


async def test_a_button_sends_a_test_message(hass, kilo):
    await async_set_up(hass, channel_entry("Anna", "Ben"))
    await hass.services.async_call(
        "button", "press", {"entity_id": "button.anna_send_test_message"}, blocking=True
    )
    assert [post["to"] for post in kilo.posts] == [ANNA]
    assert kilo.texts[0].startswith("Test message")


async def test_a_test_message_that_fails_is_an_error(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    kilo.answer = FORBIDDEN
    with pytest.raises(HomeAssistantError, match="Anna"):
        await hass.services.async_call(
            "button", "press", {"entity_id": "button.anna_send_test_message"}, blocking=True
        )


async def test_each_person_is_a_device_behind_that_of_the_channel(hass, kilo):
    entry = channel_entry("Anna", "Ben")
    await async_set_up(hass, entry)
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    channel = next(device for device in devices if device.name == "Home")
    people = [device for device in devices if device is not channel]
    assert sorted(device.name for device in people) == ["Anna", "Ben"]
    assert {device.via_device_id for device in people} == {channel.id}
    assert channel.via_device_id is None


async def test_who_is_renamed_keeps_all_entities(hass, kilo):
    entry = channel_entry("Anna")
    await async_set_up(hass, entry)
    before = _unique_ids(hass, entry)
    anna = subentry_of(entry, "Anna")
    hass.config_entries.async_update_subentry(entry, anna, title="Annette")
    await hass.async_block_till_done()
    assert _unique_ids(hass, entry) == before
    assert hass.states.get("notify.anna").attributes["friendly_name"] == "Annette"


async def test_who_is_removed_takes_device_and_entities_along(hass, kilo):
    entry = channel_entry("Anna", "Ben")
    await async_set_up(hass, entry)
    hass.config_entries.async_remove_subentry(entry, subentry_of(entry, "Anna").subentry_id)
    await hass.async_block_till_done()
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    assert sorted(device.name for device in devices) == ["Ben", "Home"]
    assert hass.states.get("notify.anna") is None
    await async_notify(hass, "notify.home_everyone", "Fire")
    assert [post["to"] for post in kilo.posts] == [BEN]


async def test_no_id_holds_a_token(hass, kilo):
    entry = channel_entry("Anna")
    await async_set_up(hass, entry)
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), entry.entry_id)
    ids = [*_unique_ids(hass, entry), *(str(device.identifiers) for device in devices)]
    assert not any(secret in id_ for id_ in ids for secret in (ANNA, *entry.data.values()))


def _unique_ids(hass, entry):
    entities = er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
    return {entity.unique_id for entity in entities}
