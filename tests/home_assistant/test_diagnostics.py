"""What somebody shows to strangers for help holds counts and settings, and no secret or name."""

from __future__ import annotations

import json

import pytest
from builders import ANNA, SECRET, TOKEN, channel_entry, person
from homeassistant.components.system_health import DOMAIN as SYSTEM_HEALTH
from homeassistant.components.system_health import get_info
from homeassistant.exceptions import HomeAssistantError
from homeassistant.setup import async_setup_component
from kilo import OPTED_OUT, Kilo, async_notify, async_send, async_set_up

from custom_components.kilopush.diagnostics import async_get_config_entry_diagnostics


@pytest.fixture
def kilo(aioclient_mock):
    aioclient_mock.get("https://push.kilo.chat")
    return Kilo(aioclient_mock)


async def test_diagnostics_tell_no_token_secret_text_or_name(hass, kilo):
    entry = channel_entry(person("Anna", bridge_name="annas_phone"), topic_prefix="our_house")
    await async_set_up(hass, entry)
    kilo.answer = OPTED_OUT
    with pytest.raises(HomeAssistantError):
        await async_notify(hass, "notify.anna", "Cellar", title="Water")
    shown = json.dumps(await async_get_config_entry_diagnostics(hass, entry))
    kept_back = (ANNA, SECRET, TOKEN, "Anna", "annas_phone", "our_house", "Home", "Cellar", "Water")
    assert [text for text in kept_back if text in shown] == []


async def test_diagnostics_tell_settings_and_counts(hass, kilo):
    entry = channel_entry("Anna", daily_limit=500)
    await async_set_up(hass, entry)
    await async_send(hass, "notify.anna", "Fire", priority="critical")
    shown = await async_get_config_entry_diagnostics(hass, entry)
    assert shown["options"]["daily_limit"] == 500
    assert [one["silent"] for one in shown["recipients"].values()] == [False]
    assert shown["channel"]["usage"]["critical"] == 1


async def test_system_information_shows_the_server_and_the_figures_of_all_channels(hass, kilo):
    await async_set_up(hass, channel_entry("Anna", unlimited=True))
    info = await _system_health(hass)
    assert info["can_reach_server"] == "ok"
    assert (info["channels"], info["left"], info["pending"]) == (1, "unlimited", "0")


async def test_system_information_tells_no_name(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    info = await _system_health(hass)
    assert int(info["left"]) > 0
    assert not any(name in str(info) for name in ("Anna", "Home", ANNA, TOKEN))


async def _system_health(hass):
    assert await async_setup_component(hass, SYSTEM_HEALTH, {})
    await hass.async_block_till_done()
    return (await get_info(hass))["kilopush"]
