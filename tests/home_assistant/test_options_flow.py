"""The options of a channel hold together, or the dialog says what does not."""

from __future__ import annotations

from typing import Any

import pytest
from builders import channel_entry
from homeassistant.data_entry_flow import FlowResultType
from kilo import async_set_up
from pytest_homeassistant_custom_component.common import MockConfigEntry

SECTION_OF = {
    "unlimited": "quota",
    "daily_limit": "quota",
    "keep_for_critical": "quota",
    "other_senders": "others",
    "share": "others",
    "digest_at": "digest",
    "digests": "digest",
    "via_bridge": "bridge",
    "topic_prefix": "bridge",
    "legacy_actions": "actions",
}
DEFAULTS = {
    "unlimited": False,
    "daily_limit": 300,
    "keep_for_critical": 60,
    "other_senders": 20,
    "digest_at": ["07:00:00", "19:00:00"],
    "digests": 12,
    "via_bridge": False,
    "topic_prefix": "kilopush",
    "legacy_actions": False,
}


async def async_open(hass, *people: str, **options: Any) -> tuple[MockConfigEntry, Any]:
    entry = channel_entry(*people, **options)
    entry.add_to_hass(hass)
    return entry, await hass.config_entries.options.async_init(entry.entry_id)


async def async_enter(hass, form, **changes: Any) -> Any:
    entered: dict[str, dict[str, Any]] = {section: {} for section in SECTION_OF.values()}
    for field, value in changes.items():
        entered[SECTION_OF[field]][field] = value
    result = await hass.config_entries.options.async_configure(form["flow_id"], entered)
    await hass.async_block_till_done()
    return result


def offered(form: Any) -> dict[str, Any]:
    """Return what stands in the fields of a form."""
    values = form["data_schema"]({section: {} for section in SECTION_OF.values()})
    shown = {field: value for fields in values.values() for field, value in fields.items()}
    others = form["data_schema"].schema["others"].schema.schema
    suggestions = {str(field): field.description for field in others if field.description}
    return shown | {field: given["suggested_value"] for field, given in suggestions.items()}


def open_sections(form: Any) -> set[str]:
    sections = form["data_schema"].schema.items()
    return {str(name) for name, section in sections if not section.options["collapsed"]}


async def test_the_fields_show_what_holds_without_any_choice(hass):
    _, form = await async_open(hass)
    times = {"digest_at": ["07:00", "19:00"], "share": None}
    assert offered(form) == DEFAULTS | times


async def test_the_fields_show_what_was_chosen(hass):
    chosen = DEFAULTS | {"daily_limit": 500, "share": 200, "digest_at": ["06:30:15"]}
    _, form = await async_open(hass, **chosen)
    assert offered(form) == chosen


async def test_what_is_left_alone_stays_as_it_is(hass):
    entry, form = await async_open(hass, keep_for_critical=100)
    result = await async_enter(hass, form)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == DEFAULTS | {"keep_for_critical": 100}


async def test_a_new_limit_holds_at_once(hass):
    entry = channel_entry("Anna")
    await async_set_up(hass, entry)
    left = entry.runtime_data.overview.left
    form = await hass.config_entries.options.async_init(entry.entry_id)
    await async_enter(hass, form, daily_limit=500)
    assert entry.runtime_data.overview.left == left + 200


async def test_numbers_are_stored_as_whole_numbers(hass):
    entry, form = await async_open(hass)
    await async_enter(hass, form, daily_limit=500.0, share=100.0)
    assert isinstance(entry.options["daily_limit"], int)
    assert isinstance(entry.options["share"], int)


async def test_a_share_that_is_taken_out_is_gone(hass):
    entry, form = await async_open(hass, share=100)
    await async_enter(hass, form)
    assert "share" not in entry.options


async def test_times_are_put_in_order_and_each_counts_once(hass):
    entry, form = await async_open(hass)
    await async_enter(hass, form, digest_at=["19:00", " 7:30 ", "19:00:00"])
    assert entry.options["digest_at"] == ["07:30:00", "19:00:00"]


async def test_blanks_around_the_topic_prefix_do_no_harm(hass):
    entry, form = await async_open(hass)
    await async_enter(hass, form, topic_prefix=" house/push ")
    assert entry.options["topic_prefix"] == "house/push"


async def test_a_bridge_can_be_chosen_where_mqtt_is_set_up(hass):
    MockConfigEntry(domain="mqtt").add_to_hass(hass)
    entry, form = await async_open(hass)
    await async_enter(hass, form, via_bridge=True)
    assert entry.options["via_bridge"] is True


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"digest_at": ["07:00", "soon"]}, "digest_at_invalid"),
        ({"digest_at": ["24:00"]}, "digest_at_invalid"),
        ({"digest_at": []}, "digest_at_count"),
        ({"digest_at": [f"07:{minute:02}" for minute in range(25)]}, "digest_at_count"),
        ({"topic_prefix": ""}, "topic_prefix_invalid"),
        ({"topic_prefix": "/"}, "topic_prefix_invalid"),
        ({"topic_prefix": "house/"}, "topic_prefix_invalid"),
        ({"topic_prefix": "house/+"}, "topic_prefix_invalid"),
        ({"topic_prefix": "#"}, "topic_prefix_invalid"),
        ({"topic_prefix": "$SYS"}, "topic_prefix_invalid"),
        ({"via_bridge": True}, "mqtt_missing"),
        ({"keep_for_critical": 268}, "nothing_left"),
        ({"daily_limit": 50}, "nothing_left"),
        ({"digests": 2}, "too_few_digests"),
        ({"share": 301}, "share_too_large"),
        ({"share": 3}, "share_too_small"),
    ],
)
async def test_what_does_not_hold_together_is_said_and_can_be_put_right(hass, changes, error):
    entry, form = await async_open(hass, "Anna", "Ben", "Cleo")
    form = await async_enter(hass, form, **changes)
    assert form["errors"] == {"base": error}
    assert entry.options == {}
    result = await async_enter(hass, form, **{field: DEFAULTS.get(field, 100) for field in changes})
    assert result["type"] is FlowResultType.CREATE_ENTRY


@pytest.mark.parametrize(
    "changes",
    [
        {"keep_for_critical": 267},
        {"digests": 3},
        {"share": 300},
        {"share": 5},
        {"unlimited": True, "digests": 1, "share": 999, "daily_limit": 1},
    ],
)
async def test_what_just_holds_together_is_taken(hass, changes):
    entry, form = await async_open(hass, "Anna", "Ben", "Cleo")
    result = await async_enter(hass, form, **changes)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert entry.options == DEFAULTS | changes


async def test_what_an_error_is_about_is_in_sight(hass):
    _, form = await async_open(hass)
    assert open_sections(form) == {"quota"}
    form = await async_enter(hass, form, topic_prefix="#")
    assert open_sections(form) == set(SECTION_OF.values())


async def test_an_error_tells_the_figures_it_is_about(hass):
    _, form = await async_open(hass, "Anna", "Ben")
    form = await async_enter(hass, form, digests=1, daily_limit=200, share=90)
    assert form["description_placeholders"] == {
        "people": "2",
        "kept": "81",
        "daily_limit": "200",
        "digests": "1",
        "share": "90",
    }


async def test_after_an_error_the_fields_show_what_was_entered(hass):
    _, form = await async_open(hass)
    changes = {"daily_limit": 50, "share": 40, "digest_at": ["08:00"]}
    form = await async_enter(hass, form, **changes)
    assert offered(form) == DEFAULTS | changes
