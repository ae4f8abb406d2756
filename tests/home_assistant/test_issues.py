"""What only a person can put right is a repair for as long as it is wrong, and no longer."""

from __future__ import annotations

import pytest
from builders import ANNA, BEN, channel_entry, subentry_of
from homeassistant.config_entries import SOURCE_REAUTH
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from kilo import BLOCKED, FORBIDDEN, OPTED_OUT, SENT, USED_UP, Kilo, async_notify, async_set_up

from custom_components.kilopush.const import DOMAIN


@pytest.fixture
def kilo(aioclient_mock):
    return Kilo(aioclient_mock)


async def test_who_has_blocked_the_channel_is_a_repair_until_a_message_arrives(hass, kilo):
    await async_set_up(hass, channel_entry("Anna", "Ben"))
    kilo.answers[ANNA] = OPTED_OUT
    await _fail(hass, "notify.anna")
    (issue,) = _issues(hass)
    assert issue.translation_key == "blocked_by_recipient"
    assert issue.translation_placeholders == {"name": "Anna", "title": "Home"}
    kilo.answers[ANNA] = SENT
    await async_notify(hass, "notify.anna", "Fire")
    assert _issues(hass) == []


async def test_a_blocked_recipient_or_channel_is_a_repair(hass, kilo):
    await async_set_up(hass, channel_entry("Anna"))
    kilo.answer = BLOCKED
    await _fail(hass, "notify.anna")
    (issue,) = _issues(hass)
    assert issue.translation_key == "channel_blocked"


async def test_a_used_up_day_is_a_repair_of_the_channel(hass, kilo):
    entry = channel_entry("Anna")
    await async_set_up(hass, entry)
    kilo.answer = USED_UP
    await async_notify(hass, "notify.anna", "Fire")
    (issue,) = _issues(hass)
    assert issue.issue_id == f"quota_exhausted_{entry.entry_id}"
    assert issue.translation_placeholders["title"] == "Home"


async def test_a_refused_secret_is_asked_for_once(hass, kilo):
    entry = channel_entry("Anna", "Ben")
    await async_set_up(hass, entry)
    kilo.answer = FORBIDDEN
    await _fail(hass, "notify.anna")
    await _abort(hass, _reauth(hass, entry))
    await _fail(hass, "notify.ben")
    assert _reauth(hass, entry) == []
    assert _issues(hass) == []


async def test_it_is_asked_for_again_if_it_is_refused_after_it_worked(hass, kilo):
    entry = channel_entry("Anna", "Ben")
    await async_set_up(hass, entry)
    kilo.answers[ANNA] = FORBIDDEN
    await _fail(hass, "notify.anna")
    await _abort(hass, _reauth(hass, entry))
    await async_notify(hass, "notify.ben", "Fire")
    kilo.answer = FORBIDDEN
    await _fail(hass, "notify.ben")
    assert len(_reauth(hass, entry)) == 1


async def test_a_person_with_a_token_of_the_past_is_a_repair_and_no_wrong_secret(hass, kilo):
    entry = channel_entry("Anna", "Ben")
    await async_set_up(hass, entry)
    kilo.answers[ANNA] = FORBIDDEN
    await _fail(hass, "notify.anna")
    assert len(_reauth(hass, entry)) == 1
    await async_notify(hass, "notify.ben", "Fire")
    assert _reauth(hass, entry) == []
    (issue,) = _issues(hass)
    assert issue.translation_key == "recipient_unknown"
    assert issue.translation_placeholders["name"] == "Anna"


async def test_a_repair_that_somebody_ignores_stays_ignored_over_a_reload(hass, kilo):
    entry = channel_entry("Anna")
    await async_set_up(hass, entry)
    kilo.answer = OPTED_OUT
    await _fail(hass, "notify.anna")
    (issue,) = _issues(hass)
    ir.async_ignore_issue(hass, DOMAIN, issue.issue_id, ignore=True)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    (issue,) = _issues(hass)
    assert issue.dismissed_version is not None


async def test_the_repair_of_a_removed_person_goes_with_the_person(hass, kilo):
    entry = channel_entry("Anna", "Ben")
    await async_set_up(hass, entry)
    kilo.answers[ANNA] = OPTED_OUT
    await _fail(hass, "notify.anna")
    hass.config_entries.async_remove_subentry(entry, subentry_of(entry, "Anna").subentry_id)
    await hass.async_block_till_done()
    assert _issues(hass) == []


async def test_the_repairs_of_a_removed_channel_go_with_it_and_those_of_others_stay(hass, kilo):
    entry = channel_entry("Anna")
    await async_set_up(hass, entry)
    kilo.answer = OPTED_OUT
    await _fail(hass, "notify.anna")
    ir.async_create_issue(
        hass,
        DOMAIN,
        "of_another",
        is_fixable=False,
        severity=ir.IssueSeverity.WARNING,
        translation_key="quota_exhausted",
    )
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert [issue.issue_id for issue in _issues(hass)] == ["of_another"]


async def test_no_repair_holds_a_token(hass, kilo):
    await async_set_up(hass, channel_entry("Anna", "Ben"))
    kilo.answer = OPTED_OUT
    await _fail(hass, "notify.home_everyone")
    assert len(_issues(hass)) == 2
    assert not any(token in str(issue) for issue in _issues(hass) for token in (ANNA, BEN))


async def _fail(hass, entity_id):
    with pytest.raises(HomeAssistantError):
        await async_notify(hass, entity_id, "Fire")
    await hass.async_block_till_done()


async def _abort(hass, flows):
    assert len(flows) == 1
    hass.config_entries.flow.async_abort(flows[0]["flow_id"])


def _issues(hass):
    issues = ir.async_get(hass).issues.values()
    return [issue for issue in issues if issue.domain == DOMAIN]


def _reauth(hass, entry):
    return list(entry.async_get_active_flows(hass, {SOURCE_REAUTH}))
