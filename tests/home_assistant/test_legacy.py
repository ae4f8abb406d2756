"""What cannot send to entities has actions of the old kind, for those who want them."""

from __future__ import annotations

from unittest.mock import patch

import pytest
from builders import ANNA, BEN, channel_entry, person
from homeassistant.core_config import async_process_ha_core_config
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.setup import async_setup_component
from kilo import OPTED_OUT, Kilo, async_set_up

from custom_components.kilopush import notify
from custom_components.kilopush.const import CONF_LEGACY_ACTIONS

ACTIONS = {"kilopush_home", "kilopush_home_anna", "kilopush_home_ben"}


@pytest.fixture
def kilo(aioclient_mock):
    return Kilo(aioclient_mock)


@pytest.fixture
def entry():
    return channel_entry("Anna", "Ben", **{CONF_LEGACY_ACTIONS: True})


async def test_nobody_has_these_actions_who_does_not_want_them(hass, kilo):
    await async_set_up(hass, channel_entry("Anna", "Ben"))
    assert not ACTIONS & _actions(hass)


async def test_there_is_an_action_for_the_channel_and_one_for_each_person(hass, kilo, entry):
    await async_set_up(hass, entry)
    assert _actions(hass) >= ACTIONS


async def test_the_action_of_the_channel_reaches_everyone(hass, kilo, entry):
    await async_set_up(hass, entry)
    await _call(hass, "kilopush_home", "Fire", title="Alarm")
    assert kilo.texts_to(ANNA) == kilo.texts_to(BEN) == ["Alarm\n\nFire"]


async def test_the_action_of_a_person_reaches_only_that_person(hass, kilo, entry):
    await async_set_up(hass, entry)
    await _call(hass, "kilopush_home_anna", "Fire")
    assert [post["to"] for post in kilo.posts] == [ANNA]


async def test_targets_are_names_of_people(hass, kilo, entry):
    await async_set_up(hass, entry)
    await _call(hass, "kilopush_home", "Fire", target=["ben"])
    assert [post["to"] for post in kilo.posts] == [BEN]


async def test_a_target_that_nobody_knows_is_an_error_that_names_it(hass, kilo, entry):
    await async_set_up(hass, entry)
    with pytest.raises(ServiceValidationError) as error:
        await _call(hass, "kilopush_home", "Fire", target=["Anna", "Carl"])
    assert error.value.translation_key == "target_unknown"
    assert error.value.translation_placeholders == {"name": "carl"}
    assert kilo.posts == []


async def test_two_people_of_one_name_have_two_actions(hass, kilo):
    people = [person("Anna"), person("Ben") | {"title": "Anna"}]
    await async_set_up(hass, channel_entry(*people, **{CONF_LEGACY_ACTIONS: True}))
    await _call(hass, "kilopush_home_anna", "One")
    await _call(hass, "kilopush_home_anna_2", "Two")
    assert (kilo.texts_to(ANNA), kilo.texts_to(BEN)) == (["One"], ["Two"])


async def test_data_carry_all_that_the_new_action_can(hass, kilo, entry):
    channel = await async_set_up(hass, entry)
    await async_process_ha_core_config(hass, {"external_url": "https://home.example"})
    data = {
        "url": "/lovelace/cellar",
        "silent": True,
        "priority": "critical",
        "key": "cellar",
        "too_long": "split",
        "time_to_live": "00:10:00",
    }
    with patch.object(channel, "async_send", wraps=channel.async_send) as send:
        await _call(hass, "kilopush_home_anna", "Water", data=data)
    (_, request), _ = send.call_args
    assert (request.priority.word, request.key, request.too_long) == ("critical", "cellar", "split")
    assert request.time_to_live_s == 600
    assert (kilo.posts[0]["url"], kilo.posts[0]["silent"]) == (
        "https://home.example/lovelace/cellar",
        "1",
    )


@pytest.mark.parametrize(
    "data",
    [
        {"push": {"sound": "alarm.wav"}},
        {"priority": 1},
        {"url": "camera"},
        {"time_to_live": "soon"},
    ],
)
async def test_data_for_other_services_do_not_keep_a_message_back(hass, kilo, entry, data, caplog):
    await async_set_up(hass, entry)
    for _ in range(2):
        await _call(hass, "kilopush_home_anna", "Fire", data=data | {"silent": True})
    assert kilo.texts == ["Fire", "Fire"]
    assert [post["silent"] for post in kilo.posts] == ["1", "1"]
    assert "url" not in kilo.posts[0]
    assert caplog.text.count("of the data is ignored") == 1


async def test_a_page_without_an_address_of_home_assistant_does_not_keep_it_back(hass, kilo, entry):
    await async_set_up(hass, entry)
    hass.config.internal_url = hass.config.external_url = hass.config.api = None
    await _call(hass, "kilopush_home_anna", "Fire", data={"url": "/lovelace/cellar"})
    assert kilo.texts == ["Fire"]


async def test_a_message_that_failed_is_an_error(hass, kilo, entry):
    await async_set_up(hass, entry)
    kilo.answers[ANNA] = OPTED_OUT
    with pytest.raises(HomeAssistantError, match="Anna"):
        await _call(hass, "kilopush_home", "Fire")
    assert kilo.texts_to(BEN) == ["Fire"]


async def test_the_actions_work_after_a_reload(hass, kilo, entry):
    await async_set_up(hass, entry)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    await _call(hass, "kilopush_home", "Fire")
    assert len(kilo.posts) == 2


async def test_the_actions_go_when_the_channel_is_unloaded(hass, kilo, entry):
    await async_set_up(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)
    assert not ACTIONS & _actions(hass)


async def test_the_actions_go_at_once_when_the_option_is_turned_off(hass, kilo, entry):
    await async_set_up(hass, entry)
    hass.config_entries.async_update_entry(entry, options={CONF_LEGACY_ACTIONS: False})
    await hass.async_block_till_done()
    assert not ACTIONS & _actions(hass)


async def test_a_new_person_has_an_action_at_once_and_a_removed_one_has_none(hass, kilo, entry):
    await async_set_up(hass, entry)
    first = next(iter(entry.subentries))
    hass.config_entries.async_remove_subentry(entry, first)
    await hass.async_block_till_done()
    assert ACTIONS & _actions(hass) == {"kilopush_home", "kilopush_home_ben"}


async def test_a_second_channel_of_the_same_name_does_not_take_the_actions_over(
    hass, kilo, entry, caplog
):
    await async_set_up(hass, entry)
    await async_set_up(hass, channel_entry("Carl", **{CONF_LEGACY_ACTIONS: True}))
    assert "rename this channel" in caplog.text
    await _call(hass, "kilopush_home", "Fire")
    assert {post["to"] for post in kilo.posts} == {ANNA, BEN}


async def test_actions_that_come_too_late_for_their_channel_are_not_made(hass, kilo, entry):
    await async_set_up(hass, entry)
    service = await notify.async_get_service(hass, {}, {"entry_id": entry.entry_id})
    await service.async_setup(hass, "kilopush_late", "kilopush_late")
    await hass.config_entries.async_unload(entry.entry_id)
    await service.async_register_services()
    assert "kilopush_late" not in _actions(hass)


async def test_a_channel_in_yaml_or_one_that_is_gone_has_no_actions(hass, kilo):
    assert await notify.async_get_service(hass, {"platform": "kilopush"}) is None
    assert await notify.async_get_service(hass, {}, {"entry_id": "gone"}) is None


async def test_the_alert_integration_reaches_the_phone_and_says_when_it_is_over(hass, kilo, entry):
    await async_set_up(hass, entry)
    alert = {
        "name": "Cellar",
        "entity_id": "binary_sensor.leak",
        "repeat": 30,
        "title": "Water",
        "message": "In the cellar",
        "done_message": "Dry again",
        "notifiers": ["kilopush_home_anna"],
        "data": {"priority": "critical", "tag": "for-another-service"},
    }
    assert await async_setup_component(hass, "alert", {"alert": {"cellar": alert}})
    for state in ("on", "off"):
        hass.states.async_set("binary_sensor.leak", state)
        await hass.async_block_till_done()
    assert kilo.texts_to(ANNA) == ["Water\n\nIn the cellar", "Water\n\nDry again"]


async def test_a_group_in_yaml_reaches_its_members_with_data_of_each(hass, kilo, entry):
    group = {
        "platform": "group",
        "name": "Parents",
        "services": [
            {"action": "kilopush_home_anna", "data": {"data": {"silent": True}}},
            {"action": "kilopush_home_ben"},
        ],
    }
    assert await async_setup_component(hass, "notify", {"notify": [group]})
    await async_set_up(hass, entry)
    await _call(hass, "parents", "Fire")
    assert {post["to"]: post["silent"] for post in kilo.posts} == {ANNA: "1", BEN: "0"}


def _actions(hass):
    return set(hass.services.async_services_for_domain("notify"))


async def _call(hass, action, message, **fields):
    await hass.services.async_call("notify", action, {"message": message, **fields}, blocking=True)
    await hass.async_block_till_done()
