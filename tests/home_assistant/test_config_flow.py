"""A channel is added and gets a new secret; the dialogs say what is wrong and show no secret."""

from __future__ import annotations

from typing import Any

import pytest
from builders import SECRET, TITLE, TOKEN, channel_entry, user_token
from homeassistant.config_entries import (
    SOURCE_USER,
    ConfigEntryState,
    FlowType,
)
from homeassistant.data_entry_flow import FlowResultType
from kilo import Kilo, async_set_up

from custom_components.kilopush.const import DOMAIN

NEW_SECRET = 64 * "6"
OTHER_TOKEN = "c_" + 40 * "b"
CHANNEL = {"name": TITLE, "token": TOKEN, "secret": SECRET}


@pytest.fixture
def kilo(aioclient_mock):
    return Kilo(aioclient_mock)


def suggested(form: Any) -> dict[str, Any]:
    """Return what a form offers to the reader."""
    fields = form["data_schema"].schema
    offered = {str(field): (field.description or {}).get("suggested_value") for field in fields}
    return {field: value for field, value in offered.items() if value not in {None, ""}}


async def async_begin(hass) -> Any:
    return await hass.config_entries.flow.async_init(DOMAIN, context={"source": SOURCE_USER})


async def async_enter(hass, form, **entered) -> Any:
    result = await hass.config_entries.flow.async_configure(form["flow_id"], entered)
    await hass.async_block_till_done()
    return result


async def test_a_channel_is_added_without_a_network(hass, aioclient_mock):
    result = await async_enter(hass, await async_begin(hass), **CHANNEL)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == TITLE
    assert result["data"] == {"token": TOKEN, "secret": SECRET}
    assert result["result"].state is ConfigEntryState.LOADED
    assert aioclient_mock.call_count == 0


async def test_the_first_recipient_is_asked_for_at_once(hass):
    result = await async_enter(hass, await async_begin(hass), **CHANNEL)
    kind, flow_id = result["next_flow"]
    assert kind is FlowType.CONFIG_SUBENTRIES_FLOW
    form = await hass.config_entries.subentries.async_configure(flow_id)
    assert form["step_id"] == "user"
    assert form["description_placeholders"]["channel"] == TITLE


async def test_blanks_around_what_is_copied_do_no_harm(hass):
    padded = {field: f" {value}\n" for field, value in CHANNEL.items()}
    result = await async_enter(hass, await async_begin(hass), **padded)
    assert result["title"] == TITLE
    assert result["data"] == {"token": TOKEN, "secret": SECRET}


async def test_the_id_of_a_channel_does_not_tell_its_token(hass):
    result = await async_enter(hass, await async_begin(hass), **CHANNEL)
    entry = result["result"]
    assert entry.unique_id == channel_entry().unique_id
    assert entry.unique_id not in TOKEN


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("name", " ", "name_invalid"),
        ("name", TOKEN, "name_invalid"),
        ("name", SECRET, "name_invalid"),
        ("token", user_token("Anna"), "token_invalid"),
        ("token", TOKEN[:-1], "token_invalid"),
        ("token", TOKEN[:-1] + "ä", "token_invalid"),
        ("secret", SECRET + "5", "secret_invalid"),
        ("secret", "", "secret_invalid"),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field_and_can_be_put_right(
    hass, field, value, error
):
    form = await async_enter(hass, await async_begin(hass), **{**CHANNEL, field: value})
    assert form["type"] is FlowResultType.FORM
    assert form["errors"] == {field: error}
    result = await async_enter(hass, form, **CHANNEL)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_everything_that_is_wrong_is_said_at_once(hass):
    form = await async_enter(hass, await async_begin(hass), name="", token="c", secret="s")
    assert form["errors"].keys() == {"name", "token", "secret"}


async def test_a_form_offers_the_name_again_but_no_secret(hass):
    form = await async_enter(hass, await async_begin(hass), **{**CHANNEL, "token": "c_1"})
    assert suggested(form) == {"name": TITLE}


async def test_a_token_that_was_entered_as_a_name_is_not_shown_again(hass):
    form = await async_enter(hass, await async_begin(hass), **{**CHANNEL, "name": TOKEN})
    assert suggested(form) == {}


async def test_a_channel_is_added_once(hass):
    channel_entry().add_to_hass(hass)
    result = await async_enter(hass, await async_begin(hass), **CHANNEL)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "already_configured"


async def test_several_channels_may_be_added(hass):
    channel_entry().add_to_hass(hass)
    result = await async_enter(hass, await async_begin(hass), **{**CHANNEL, "token": OTHER_TOKEN})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_refused_secret_is_asked_for_again(hass, kilo):
    entry = channel_entry("Anna")
    await async_set_up(hass, entry)
    form = await entry.start_reauth_flow(hass)
    assert form["step_id"] == "reauth_confirm"
    assert form["description_placeholders"]["name"] == TITLE
    result = await async_enter(hass, form, secret=f" {NEW_SECRET} ")
    assert result["reason"] == "reauth_successful"
    assert entry.data == {"token": TOKEN, "secret": NEW_SECRET}


async def test_a_new_secret_is_used_at_once(hass, kilo):
    entry = channel_entry("Anna")
    await async_set_up(hass, entry)
    before = entry.runtime_data
    await async_enter(hass, await entry.start_reauth_flow(hass), secret=NEW_SECRET)
    assert entry.state is ConfigEntryState.LOADED
    assert entry.runtime_data is not before
    await entry.runtime_data.async_test(user_token("Anna"))
    assert kilo.posts[-1]["secret"] == NEW_SECRET


async def test_the_same_secret_entered_again_is_tried_again(hass, kilo):
    entry = channel_entry("Anna")
    await async_set_up(hass, entry)
    before = entry.runtime_data
    await async_enter(hass, await entry.start_reauth_flow(hass), secret=SECRET)
    assert entry.runtime_data is not before


async def test_a_secret_of_the_wrong_shape_is_asked_for_again_without_being_shown(hass):
    entry = channel_entry()
    entry.add_to_hass(hass)
    form = await async_enter(hass, await entry.start_reauth_flow(hass), secret="short")
    assert form["errors"] == {"secret": "secret_invalid"}
    assert suggested(form) == {}
    result = await async_enter(hass, form, secret=NEW_SECRET)
    assert result["reason"] == "reauth_successful"


@pytest.mark.parametrize("more", [{}, {"token": TOKEN}, {"token": " "}])
async def test_a_secret_can_be_changed_before_it_is_refused(hass, more):
    entry = channel_entry()
    entry.add_to_hass(hass)
    form = await entry.start_reconfigure_flow(hass)
    assert suggested(form) == {}
    result = await async_enter(hass, form, secret=NEW_SECRET, **more)
    assert result["reason"] == "reconfigure_successful"
    assert entry.data == {"token": TOKEN, "secret": NEW_SECRET}


async def test_a_channel_does_not_become_another_one(hass):
    entry = channel_entry()
    entry.add_to_hass(hass)
    form = await entry.start_reconfigure_flow(hass)
    result = await async_enter(hass, form, secret=NEW_SECRET, token=OTHER_TOKEN)
    assert result["reason"] == "account_mismatch"
    assert result["description_placeholders"] == {"name": TITLE}
    assert entry.data["secret"] == SECRET


@pytest.mark.parametrize(
    ("entered", "errors"),
    [
        ({"secret": "short"}, {"secret": "secret_invalid"}),
        ({"secret": NEW_SECRET, "token": "c_1"}, {"token": "token_invalid"}),
    ],
)
async def test_a_change_with_a_mistake_can_be_put_right(hass, entered, errors):
    entry = channel_entry()
    entry.add_to_hass(hass)
    form = await async_enter(hass, await entry.start_reconfigure_flow(hass), **entered)
    assert form["errors"] == errors
    assert suggested(form) == {}
    result = await async_enter(hass, form, secret=NEW_SECRET, token=TOKEN)
    assert result["reason"] == "reconfigure_successful"
