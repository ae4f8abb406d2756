"""With a bridge, messages go through it; without its answer they go directly."""

from __future__ import annotations

import json
from unittest.mock import patch

import pytest
from builders import ANNA, BEN, channel_entry, person
from homeassistant.core import CoreState
from kilo import Kilo, async_set_up
from pytest_homeassistant_custom_component.common import async_fire_mqtt_message

from custom_components.kilopush import bridge
from custom_components.kilopush.outbox.model import Outcome, Priority, Request


@pytest.fixture
def kilo(aioclient_mock):
    return Kilo(aioclient_mock)


@pytest.fixture
def expected_lingering_timers():
    """Home Assistant's MQTT integration has one that outlives it."""
    return True


@pytest.fixture
def quick(monkeypatch):
    """Wait for no answer longer than a moment."""
    monkeypatch.setattr(bridge, "ANSWER_S", 0.1)


@pytest.fixture
async def channel(hass, kilo, mqtt_mock):
    entry = channel_entry(person("Anna", bridge_name="anna"), "Ben", via_bridge=True)
    channel = await async_set_up(hass, entry)
    async_fire_mqtt_message(hass, "kilopush/status", "online", retain=True)
    return channel


def asked(mqtt_mock):
    """Return what the bridge was asked to send."""
    return [
        json.loads(call.args[1])
        for call in mqtt_mock.async_publish.call_args_list
        if call.args[0] == "kilopush/send/homeassistant"
    ]


def answer(hass, mqtt_mock):
    """Let the bridge accept whatever it is asked."""

    async def accept(topic, payload, *args: object, **kwargs: object) -> None:
        if topic.startswith("kilopush/send/"):
            async_fire_mqtt_message(hass, f"kilopush/accepted/{json.loads(payload)['id']}", "")

    mqtt_mock.async_publish.side_effect = accept


async def send(channel, name, **fields):
    ids = [one.id for one in channel.recipients.values() if one.name in name]
    results = await channel.async_send(ids, Request(message="door", **fields))
    return [result.outcome for result in results.values()]


async def test_what_the_bridge_accepts_is_its_to_deliver(hass, kilo, channel, mqtt_mock):
    answer(hass, mqtt_mock)
    assert await send(channel, ["Anna"], url="https://example.org/", title="Home") == [
        Outcome.BRIDGE
    ]
    (request,) = asked(mqtt_mock)
    assert request["message"] == "Home\n\ndoor"
    assert (request["to"], request["priority"]) == ("anna", "normal")
    assert request["url"] == "https://example.org/"
    assert kilo.texts == []
    assert channel.overview.pending == 0


async def test_who_is_not_known_to_the_bridge_gets_the_message_directly(
    hass, kilo, channel, mqtt_mock
):
    answer(hass, mqtt_mock)
    assert await send(channel, ["Anna", "Ben"]) == [Outcome.BRIDGE, Outcome.SENT]
    assert kilo.texts_to(BEN) == ["door"]
    assert kilo.texts_to(ANNA) == []


@pytest.mark.usefixtures("quick")
async def test_without_an_answer_the_message_goes_directly_and_says_that_it_may_be_known(
    kilo, channel
):
    assert await send(channel, ["Anna"], priority=Priority.CRITICAL) == [Outcome.SENT]
    assert kilo.texts == ["door (may be a repeat)"]


@pytest.mark.usefixtures("quick")
async def test_a_bridge_that_did_not_answer_is_not_waited_for_again(kilo, channel, mqtt_mock):
    await send(channel, ["Anna"])
    await send(channel, ["Anna"], title="second")
    assert len(asked(mqtt_mock)) == 1
    assert len(kilo.posts) == 2


@pytest.mark.parametrize("status", ["offline", ""])
async def test_a_bridge_that_says_it_is_gone_is_not_asked(hass, kilo, channel, mqtt_mock, status):
    async_fire_mqtt_message(hass, "kilopush/status", status)
    assert await send(channel, ["Anna"]) == [Outcome.SENT]
    assert asked(mqtt_mock) == []
    assert kilo.texts == ["door"]


async def test_a_broker_that_is_away_costs_no_time(kilo, channel, mqtt_mock):
    with patch("homeassistant.components.mqtt.is_connected", return_value=False):
        assert await send(channel, ["Anna"]) == [Outcome.SENT]
    assert kilo.texts == ["door"]


async def test_after_a_restart_the_bridge_is_asked_with_the_same_id(
    hass, kilo, channel, mqtt_mock, monkeypatch
):
    monkeypatch.setattr(bridge, "ANSWER_S", 30)
    sending = hass.async_create_task(send(channel, ["Anna"]))
    while not asked(mqtt_mock):
        await hass.async_add_executor_job(lambda: None)
    monkeypatch.setattr("custom_components.kilopush.channel._LANDING_S", 0.05)
    await hass.config_entries.async_unload(channel.entry.entry_id)
    answer(hass, mqtt_mock)
    await hass.config_entries.async_setup(channel.entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    first, *rest = [request["id"] for request in asked(mqtt_mock)]
    assert rest == [first]
    assert kilo.texts == []
    sending.cancel()


async def test_without_mqtt_the_option_does_no_harm(hass, kilo):
    assert hass.state is CoreState.running
    channel = await async_set_up(
        hass, channel_entry(person("Anna", bridge_name="anna"), via_bridge=True)
    )
    assert await send(channel, ["Anna"]) == [Outcome.SENT]
