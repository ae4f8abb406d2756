"""The action of our own carries all that KILO.Push can, and says what the message came to."""

from __future__ import annotations

from datetime import timedelta
from unittest.mock import Mock

import aiohttp
import probatio
import pytest
from builders import ANNA, BEN, channel_entry
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from kilo import OPTED_OUT, Kilo, async_send, async_set_up
from pytest_homeassistant_custom_component.common import async_fire_time_changed

ADDRESS = {"external_url": "https://home.example", "internal_url": "http://192.0.2.2:8123"}


@pytest.fixture
def kilo(aioclient_mock):
    return Kilo(aioclient_mock)


async def test_link_and_silence_arrive_on_the_phone(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    await async_send(
        hass, "notify.anna", "Look", title="Cat", url="https://example.org/cat", silent=True
    )
    post = kilo.posts[0]
    assert (post["message"], post["url"], post["silent"]) == (
        "Cat\n\nLook",
        "https://example.org/cat",
        "1",
    )


async def test_the_action_says_what_the_message_came_to_and_what_is_left(hass, kilo):
    channel = await async_set_up(hass, channel_entry("Anna"))
    result = await async_send(hass, "notify.anna", "Fire", priority="critical")
    assert result == {
        "status": "sent",
        "reason": "",
        "parts": 1,
        "left": channel.overview.left,
        "critical_left": channel.overview.critical_left,
        "pending": 0,
    }


async def test_for_everyone_it_says_so_of_each_person(hass, kilo):
    await async_set_up(hass, channel_entry("Anna", "Ben"))
    result = await async_send(hass, "notify.home_everyone", "Fire")
    sent = {"status": "sent", "reason": "", "parts": 1}
    assert result["recipients"] == {"Anna": sent, "Ben": sent}
    assert result["pending"] == 0


async def test_two_people_of_one_name_are_told_apart(hass, kilo):
    await async_set_up(hass, channel_entry("Anna", "anna"))
    result = await async_send(hass, "notify.home_everyone", "Fire")
    assert list(result["recipients"]) == ["Anna", "anna 2"]


async def test_a_message_that_waits_is_no_error(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    kilo.error = aiohttp.ClientConnectorError(Mock(), OSError("no route"))
    result = await async_send(hass, "notify.anna", "Fire")
    assert result["status"] == "pending"
    assert result["pending"] == 1


async def test_a_message_that_failed_is_an_error_although_an_answer_was_asked_for(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    kilo.answer = OPTED_OUT
    with pytest.raises(HomeAssistantError, match="Anna"):
        await async_send(hass, "notify.anna", "Fire")


async def test_of_several_entities_all_are_tried_before_one_fails(hass, kilo):
    await async_set_up(hass, channel_entry("Anna", "Ben"))
    kilo.answers[ANNA] = OPTED_OUT
    with pytest.raises(HomeAssistantError, match="Anna"):
        await hass.services.async_call(
            "kilopush",
            "send_message",
            {"entity_id": ["notify.anna", "notify.ben"], "message": "Fire"},
            blocking=True,
        )
    assert kilo.texts_to(BEN) == ["Fire"]


async def test_it_counts_as_the_last_notification_of_the_entity(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    before = hass.states.get("notify.anna").state
    await async_send(hass, "notify.anna", "Fire")
    assert hass.states.get("notify.anna").state != before


async def test_a_long_message_is_split_if_one_wants_that(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    result = await async_send(hass, "notify.anna", "word " * 300, too_long="split")
    assert result["parts"] == 2


async def test_a_page_of_home_assistant_becomes_a_link_that_opens_outside(hass, kilo):
    await async_process_ha_core_config(hass, ADDRESS)
    await async_set_up(hass, channel_entry("Anna"))
    await async_send(hass, "notify.anna", "Look", url="/lovelace/cameras")
    assert kilo.posts[0]["url"] == "https://home.example/lovelace/cameras"


async def test_a_page_without_an_address_of_home_assistant_is_an_error(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    hass.config.internal_url = hass.config.external_url = hass.config.api = None
    with pytest.raises(ServiceValidationError) as error:
        await async_send(hass, "notify.anna", "Look", url="/lovelace/cameras")
    assert error.value.translation_key == "url_without_address"
    assert kilo.posts == []


async def test_a_template_that_gives_no_link_leaves_it_out(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    await async_send(hass, "notify.anna", "Look", url=" ")
    assert "url" not in kilo.posts[0]


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        ({"message": " "}, "message_empty"),
        ({"message": "Look", "url": "//example.org"}, "url_invalid"),
        ({"message": "Look", "url": "ftp://example.org"}, "url_invalid"),
        ({"message": "word " * 300, "too_long": "error"}, "message_too_long"),
    ],
)
async def test_what_can_never_be_sent_is_an_error_at_once(hass, kilo, fields, key):
    await async_set_up(hass, channel_entry("Anna"))
    with pytest.raises(ServiceValidationError) as error:
        await async_send(hass, "notify.anna", **fields)
    assert error.value.translation_key == key
    assert kilo.posts == []


@pytest.mark.parametrize(
    "field",
    [
        {"priority": "urgent"},
        {"too_long": "burn"},
        {"silent": "perhaps"},
        {"time_to_live": {"seconds": 0}},
        {"colour": "red"},
    ],
)
async def test_a_field_that_nobody_knows_is_an_error(hass, kilo, field):
    await async_set_up(hass, channel_entry("Anna"))
    with pytest.raises(probatio.Invalid):
        await async_send(hass, "notify.anna", "Look", **field)
    assert kilo.posts == []


async def test_what_nobody_wants_to_know_later_is_no_message_later(hass, kilo, freezer):
    await async_set_up(hass, channel_entry("Anna"))
    kilo.error = aiohttp.ClientConnectorError(Mock(), OSError("no route"))
    await async_send(hass, "notify.anna", "The wash is done", time_to_live={"minutes": 5})
    freezer.tick(timedelta(minutes=6))
    kilo.error = None
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert hass.states.get("event.anna_delivery").attributes["event_type"] == "too_late"
    assert kilo.posts == []
