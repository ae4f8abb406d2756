"""People are added to a channel and changed, and a test message says whether they are reached."""

from __future__ import annotations

from typing import Any
from unittest.mock import Mock, patch

import aiohttp
import pytest
from builders import ANNA, BEN, TITLE, channel_entry, person, subentry_of, user_token
from homeassistant.config_entries import SOURCE_USER
from homeassistant.data_entry_flow import FlowResultType
from homeassistant.exceptions import HomeAssistantError
from kilo import BLOCKED, FORBIDDEN, OPTED_OUT, UNSENDABLE, USED_UP, Kilo, async_set_up

from custom_components.kilopush.channel import Channel
from custom_components.kilopush.const import SUBENTRY_RECIPIENT

PERSON = {"name": "Anna", "user_token": ANNA, "silent": False, "send_test": False}
TESTED = PERSON | {"send_test": True}
NEW_TOKEN = user_token("Anna, after the app was installed again")


@pytest.fixture
def kilo(aioclient_mock):
    return Kilo(aioclient_mock)


@pytest.fixture
async def entry(hass, kilo):
    entry = channel_entry()
    await async_set_up(hass, entry)
    return entry


@pytest.fixture
async def entry_with_anna(hass, kilo):
    entry = channel_entry(person("Anna", silent=True, bridge_name="anna"))
    await async_set_up(hass, entry)
    return entry


async def async_begin(hass, entry) -> Any:
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, SUBENTRY_RECIPIENT), context={"source": SOURCE_USER}
    )


async def async_change(hass, entry, name: str = "Anna") -> Any:
    return await entry.start_subentry_reconfigure_flow(hass, subentry_of(entry, name).subentry_id)


async def async_enter(hass, form, entered) -> Any:
    result = await hass.config_entries.subentries.async_configure(form["flow_id"], entered)
    await hass.async_block_till_done()
    return result


def offered(form: Any) -> dict[str, Any]:
    """Return what a form offers to the reader."""
    fields = form["data_schema"].schema
    found = {str(field): (field.description or {}).get("suggested_value") for field in fields}
    return {field: value for field, value in found.items() if value is not None}


async def test_a_recipient_is_added_without_a_network(hass, entry, kilo):
    result = await async_enter(hass, await async_begin(hass, entry), PERSON)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Anna"
    assert result["data"] == {"user_token": ANNA, "silent": False}
    assert kilo.posts == []


async def test_a_recipient_can_be_sent_to_at_once(hass, entry):
    await async_enter(hass, await async_begin(hass, entry), PERSON)
    assert hass.states.get("notify.anna") is not None


async def test_the_id_of_a_recipient_does_not_tell_the_token(hass, entry):
    await async_enter(hass, await async_begin(hass, entry), PERSON)
    assert subentry_of(entry, "Anna").unique_id == person("Anna")["unique_id"]
    assert person("Anna")["unique_id"] not in ANNA


async def test_blanks_around_what_is_copied_do_no_harm(hass, entry):
    padded = PERSON | {"name": " Anna ", "user_token": f"\t{ANNA}\n", "bridge_name": " anna "}
    result = await async_enter(hass, await async_begin(hass, entry), padded)
    assert result["title"] == "Anna"
    assert result["data"] == {"user_token": ANNA, "silent": False, "bridge_name": "anna"}


async def test_a_name_of_blanks_in_the_bridge_is_none(hass, entry):
    result = await async_enter(hass, await async_begin(hass, entry), PERSON | {"bridge_name": " "})
    assert "bridge_name" not in result["data"]


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("name", "", "name_invalid"),
        ("name", ANNA, "name_invalid"),
        ("user_token", "c_" + 40 * "a", "user_token_invalid"),
        ("user_token", ANNA[:-1], "user_token_invalid"),
        ("user_token", "", "user_token_invalid"),
    ],
)
async def test_what_is_wrong_is_said_beside_its_field_and_can_be_put_right(
    hass, entry, kilo, field, value, error
):
    form = await async_enter(hass, await async_begin(hass, entry), TESTED | {field: value})
    assert form["errors"] == {field: error}
    assert value not in offered(form).values() or value == ""
    assert kilo.posts == []
    result = await async_enter(hass, form, PERSON)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_person_is_added_to_a_channel_once(hass, entry_with_anna):
    form = await async_enter(hass, await async_begin(hass, entry_with_anna), PERSON)
    assert form["errors"] == {"user_token": "already_configured"}
    result = await async_enter(hass, form, PERSON | {"name": "Ben", "user_token": BEN})
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_nobody_is_added_for_whom_there_would_be_no_digest(hass, kilo):
    entry = channel_entry("Anna", "Ben", digests=2)
    await async_set_up(hass, entry)
    result = await async_begin(hass, entry)
    assert result["reason"] == "too_many_recipients"
    assert result["description_placeholders"] == {"digests": "2"}


async def test_a_channel_without_limit_has_room_for_everybody(hass, kilo):
    entry = channel_entry("Anna", "Ben", digests=2, unlimited=True)
    await async_set_up(hass, entry)
    assert (await async_begin(hass, entry))["type"] is FlowResultType.FORM


async def test_a_test_message_is_sent_and_counts(hass, entry, kilo):
    form = await async_begin(hass, entry)
    assert form["data_schema"]({"name": "Anna", "user_token": ANNA})["send_test"] is True
    left = entry.runtime_data.overview.left
    result = await async_enter(hass, form, TESTED)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert [post["to"] for post in kilo.posts] == [ANNA]
    assert entry.runtime_data.overview.left == left - 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (FORBIDDEN, "test_forbidden"),
        (UNSENDABLE, "test_invalid"),
        (BLOCKED, "test_blocked"),
        (OPTED_OUT, "test_opted_out"),
        (USED_UP, "test_quota"),
    ],
)
async def test_each_refusal_of_the_test_message_is_told_apart_and_can_be_got_over(
    hass, entry, kilo, answer, error
):
    kilo.answer = answer
    form = await async_enter(hass, await async_begin(hass, entry), TESTED)
    assert form["errors"] == {"base": error}
    assert form["description_placeholders"] == {
        "channel": TITLE,
        "detail": "as the test wants it",
    }
    kilo.answer = 200
    result = await async_enter(hass, form, TESTED)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert len(kilo.posts) == 2


@pytest.mark.parametrize(
    ("failure", "error"),
    [
        (aiohttp.ClientConnectorError(Mock(), OSError("no route")), "test_unreachable"),
        (aiohttp.ServerDisconnectedError(), "test_unclear"),
    ],
)
async def test_without_an_answer_one_can_go_on_without_the_test(hass, entry, kilo, failure, error):
    kilo.error = failure
    form = await async_enter(hass, await async_begin(hass, entry), TESTED)
    assert form["errors"] == {"base": error}
    result = await async_enter(hass, form, PERSON)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_test_that_fails_by_itself_is_no_dead_end(hass, entry, caplog):
    form = await async_begin(hass, entry)
    with patch.object(Channel, "async_test", side_effect=HomeAssistantError("disk full")):
        form = await async_enter(hass, form, TESTED)
    assert form["errors"] == {"base": "unknown"}
    assert "disk full" in caplog.text
    assert ANNA not in caplog.text
    result = await async_enter(hass, form, PERSON)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_a_channel_that_does_not_run_cannot_test(hass, entry, kilo):
    form = await async_begin(hass, entry)
    await hass.config_entries.async_unload(entry.entry_id)
    form = await async_enter(hass, form, TESTED)
    assert form["errors"] == {"base": "test_not_loaded"}
    assert kilo.posts == []
    await hass.config_entries.async_setup(entry.entry_id)
    result = await async_enter(hass, form, TESTED)
    assert result["type"] is FlowResultType.CREATE_ENTRY


async def test_after_a_failed_test_the_token_need_not_be_entered_again_and_is_not_shown(
    hass, entry, kilo
):
    kilo.answer = USED_UP
    form = await async_enter(
        hass, await async_begin(hass, entry), TESTED | {"silent": True, "bridge_name": "anna"}
    )
    assert offered(form) == {
        "name": "Anna",
        "silent": True,
        "bridge_name": "anna",
        "send_test": True,
    }
    entered = {"name": "Anna", "silent": True, "send_test": False}
    result = await async_enter(hass, form, entered)
    assert result["data"] == {"user_token": ANNA, "silent": True}


async def test_a_change_begins_with_what_is_set_but_never_shows_the_token(hass, entry_with_anna):
    form = await async_change(hass, entry_with_anna)
    assert form["step_id"] == "reconfigure"
    assert offered(form) == {"name": "Anna", "silent": True, "bridge_name": "anna"}


async def test_a_new_token_after_a_reinstall_is_tested_and_used(hass, entry_with_anna, kilo):
    entered = TESTED | {"user_token": NEW_TOKEN}
    result = await async_enter(hass, await async_change(hass, entry_with_anna), entered)
    assert result["reason"] == "reconfigure_successful"
    assert [post["to"] for post in kilo.posts] == [NEW_TOKEN]
    anna = subentry_of(entry_with_anna, "Anna")
    assert anna.data == {"user_token": NEW_TOKEN, "silent": False}
    assert anna.unique_id != person("Anna")["unique_id"]
    recipient = entry_with_anna.runtime_data.recipients[anna.subentry_id]
    assert recipient.user_token == NEW_TOKEN


async def test_a_person_is_renamed_without_the_token(hass, entry_with_anna):
    entered = {"name": "Anne", "silent": True, "bridge_name": "anna", "send_test": False}
    await async_enter(hass, await async_change(hass, entry_with_anna), entered)
    anne = subentry_of(entry_with_anna, "Anne")
    assert anne.data == person("Anna", silent=True, bridge_name="anna")["data"]
    assert anne.unique_id == person("Anna")["unique_id"]


async def test_a_change_that_the_test_refuses_changes_nothing(hass, entry_with_anna, kilo):
    kilo.answer = FORBIDDEN
    entered = TESTED | {"user_token": NEW_TOKEN}
    form = await async_enter(hass, await async_change(hass, entry_with_anna), entered)
    assert form["errors"] == {"base": "test_forbidden"}
    assert NEW_TOKEN not in offered(form).values()
    assert subentry_of(entry_with_anna, "Anna").data["user_token"] == ANNA
    kilo.answer = 200
    without_token = {"name": "Anna", "silent": False, "send_test": True}
    await async_enter(hass, form, without_token)
    assert subentry_of(entry_with_anna, "Anna").data["user_token"] == NEW_TOKEN


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("name", "", "name_invalid"),
        ("user_token", "u_1", "user_token_invalid"),
        ("user_token", BEN, "already_configured"),
    ],
)
async def test_a_change_with_a_mistake_can_be_put_right(hass, kilo, field, value, error):
    entry = channel_entry("Anna", "Ben")
    await async_set_up(hass, entry)
    form = await async_enter(hass, await async_change(hass, entry), PERSON | {field: value})
    assert form["errors"] == {field: error}
    result = await async_enter(hass, form, PERSON | {"user_token": NEW_TOKEN})
    assert result["reason"] == "reconfigure_successful"
    assert subentry_of(entry, "Anna").data["user_token"] == NEW_TOKEN
