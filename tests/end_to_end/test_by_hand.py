"""The integration as a user meets it: every step by clicking in a browser.

One house for all steps, in the order of this file: a channel and a recipient are added, a message
is sent, the secret key is replaced, the day's messages are used up.

SCREENSHOTS=1 writes the pictures of the documents anew.
"""

from __future__ import annotations

import json
import os
import struct
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from end_to_end.channel import user_token
from harness.bridge import SECRET, TOKEN
from harness.browser import HEIGHT, WIDTH, Browser
from harness.hass import HomeAssistant
from harness.wait import wait_until

from kilopush_bridge.emulator import World, running_emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from playwright.sync_api import Locator, Page

    from kilopush_bridge.emulator import RunningEmulator

pytestmark = pytest.mark.timeout(180)

_ROOT = Path(__file__).parents[2]
_IMAGES = _ROOT / "docs" / "images"
_PICTURES = ("channel", "recipient", "send", "device", "reauth", "quota", "options")
_PICTURE_MAX_BYTES = 300_000
_NEW_SECRET = "new" + "7" * 61
_ANNA = user_token(1)
_DIALOG = "dialog.open"
_TALL = 1640  # room for what scrolls otherwise
_CRITICAL_RETRY_S = 60.0


class Hand:
    """A user before a browser, and what arrives on the phone."""

    def __init__(
        self, house: HomeAssistant, browser: Browser, api: RunningEmulator, folder: Path
    ) -> None:
        self.house = house
        self.browser = browser
        self.api = api
        self._folder = _IMAGES if os.environ.get("SCREENSHOTS") == "1" else folder
        self._strings = json.loads(
            (_ROOT / "custom_components" / "kilopush" / "strings.json").read_text()
        )

    @property
    def page(self) -> Page:
        return self.browser.page

    @property
    def inbox(self) -> list[str]:
        return [str(record.fields["message"]) for record in self.api.delivered]

    def said(self, key: str, **placeholders: str) -> str:
        """Return what the integration says to a user."""
        text: Any = self._strings
        for part in key.split("."):
            text = text[part]
        return str(text).format(**placeholders) if placeholders else str(text)

    def sees(self, text: str, timeout_s: float = 10) -> None:
        self.browser.text(text).wait_for(timeout=1000 * timeout_s)

    def picture(self, name: str, of: str = _DIALOG) -> None:
        """Draw a part of the page."""
        self.browser.screenshot(self._folder / f"home-assistant-{name}.png", of)

    def make_tall(self, height: int = _TALL) -> None:
        self.page.set_viewport_size({"width": WIDTH, "height": height})

    def open_integration(self) -> None:
        self.browser.open("/config/integrations/integration/kilopush", "KILO.Push")

    def send(self, message: str, title: str = "", priority: str = "") -> None:
        """Perform the action in the tools."""
        self.make_tall()
        # The page remembers what was filled in last.
        self.page.evaluate("localStorage.removeItem('panel-dev-action-state-service-data')")
        self.browser.open("/config/tools/action")
        self.page.locator("ha-service-picker").click()
        self.page.get_by_placeholder("Search").last.fill("kilopush.send")
        self.page.locator("ha-combo-box-item", has_text="kilopush.send_message").first.click()
        self.sees(self.said("services.send_message.description"))
        self.page.get_by_role("button", name="Add target").click()
        self.page.get_by_placeholder("Search").last.fill("Anna")
        self.page.locator("ha-combo-box-item", has_text="Notifications").first.click()
        self.page.locator("ha-target-picker-item-row").wait_for()
        self._row("message").locator("textarea").fill(message)
        if title:
            self._row("title").locator("ha-checkbox").click()
            self._row("title").locator("input").last.fill(title)
        if priority:
            self._row("priority").locator("ha-checkbox").click()
            self._row("priority").locator("ha-selector").click()
            label = self.said(f"selector.priority.options.{priority}")
            self.page.get_by_text(label).last.click()

    def _row(self, field: str) -> Locator:
        description = self.said(f"services.send_message.fields.{field}.description")
        return self.page.locator("ha-settings-row", has_text=description)


@pytest.fixture(scope="module")
def hand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hand]:
    folder = tmp_path_factory.mktemp("by_hand")
    world = World(per_day=None, channels={TOKEN: SECRET})
    with (
        running_emulator(world) as api,
        HomeAssistant(folder / "house", env={"KILOPUSH_API_URL": api.url}) as house,
        Browser(house) as browser,
    ):
        yield Hand(house, browser, api, folder)


@pytest.fixture(autouse=True)
def usual_height(request: pytest.FixtureRequest) -> None:
    if "hand" in request.fixturenames:
        request.getfixturevalue("hand").make_tall(HEIGHT)


def test_a_wrong_secret_key_is_said_and_the_form_recovers(hand: Hand):
    hand.browser.open("/config/integrations/dashboard")
    hand.browser.press("Add integration")
    hand.page.get_by_placeholder("Search").last.fill("KILO")
    hand.page.get_by_text("KILO.Push", exact=True).last.click()
    hand.sees(hand.said("config.step.user.title"))
    hand.browser.fill("Home", TOKEN, SECRET)
    hand.picture("channel")
    hand.browser.fill("", "", "not a secret key")
    hand.browser.press("Submit")
    hand.sees(hand.said("config.error.secret_invalid"))
    hand.browser.fill("", TOKEN, SECRET)
    hand.browser.press("Submit")
    hand.sees(hand.said("config_subentries.recipient.step.user.title"))
    assert [entry["title"] for entry in hand.house.entries()] == ["Home"]


def test_the_first_recipient_follows_at_once_and_gets_a_test_message(hand: Hand):
    hand.browser.fill("Anna", _ANNA)
    hand.picture("recipient")
    hand.browser.press("Submit")
    hand.sees("Created configuration for Anna")
    hand.browser.press("Finish")
    assert [(one.fields["to"], one.status) for one in hand.api.requests] == [(_ANNA, 200)]
    assert hand.inbox == ["Test message from Home Assistant"]


def test_a_message_is_sent_from_the_tools(hand: Hand):
    hand.send("Water under the dishwasher", title="Leak", priority="critical")
    hand.picture("send", "ha-card")
    hand.browser.press("Perform action")
    wait_until(lambda: len(hand.inbox) == 2, 10, "the message")
    assert hand.inbox[-1] == "Leak\n\nWater under the dishwasher"
    hand.sees("status: sent")


def test_the_page_of_the_channel_shows_what_was_sent_and_what_is_left(hand: Hand):
    hand.open_integration()
    hand.page.get_by_text("Channel •").click()
    hand.sees(hand.said("entity.sensor.sent_today.name"))
    rows = hand.page.locator("hui-sensor-entity-row")
    for key, figure in (("sent_today", "2"), ("left", "207"), ("pending", "0")):
        name = hand.said(f"entity.sensor.{key}.name")
        rows.filter(has_text=name).filter(has_text=figure).wait_for(timeout=10_000)
    hand.picture("device", "ha-config-device-page")


def test_the_button_of_a_recipient_sends_a_test_message(hand: Hand):
    hand.open_integration()
    hand.page.get_by_text("Recipient •").click()
    hand.sees(hand.said("entity.button.test.name"))
    hand.browser.press("Press")
    wait_until(lambda: len(hand.inbox) == 3, 10, "the test message")
    assert hand.inbox[-1].startswith("Test message from Home Assistant, ")


def test_a_replaced_secret_key_is_asked_for_and_frees_what_waited(hand: Hand):
    hand.api.world = replace(hand.api.world, channels={TOKEN: _NEW_SECRET})
    hand.send("The door bell rang")
    hand.browser.press("Perform action")
    hand.sees("Restricted access rights")  # what KILO.Push says
    hand.make_tall(HEIGHT)
    hand.browser.open("/config/integrations/dashboard", "Reconfigure")
    hand.browser.press("Reconfigure")
    hand.sees(hand.said("config.step.reauth_confirm.title", name="Home"))
    hand.browser.fill(_NEW_SECRET)
    hand.picture("reauth")
    assert "The door bell rang" not in hand.inbox
    hand.browser.press("Submit")
    hand.sees("Re-authentication was successful")
    wait_until(lambda: "The door bell rang" in hand.inbox, 10, "the message that waited")


def test_a_used_up_day_is_shown_under_repairs_and_the_alarm_waits(hand: Hand):
    hand.api.world = replace(hand.api.world, per_day=len(hand.inbox))
    hand.send("Smoke in the kitchen", priority="critical")
    hand.browser.press("Perform action")
    hand.sees("status: pending")
    hand.make_tall(HEIGHT)
    hand.browser.open("/config/repairs")
    hand.page.get_by_text(hand.said("issues.quota_exhausted.title", title="Home")).click()
    hand.sees("the daily limit is reached")
    hand.picture("quota")
    hand.open_integration()
    hand.page.get_by_text("Channel •").click()
    name = hand.said("entity.sensor.pending.name")
    row = hand.page.locator("hui-sensor-entity-row").filter(has_text=name)
    row.filter(has_text="1").wait_for(timeout=10_000)


def test_the_options_are_changed_in_a_dialog_of_sections(hand: Hand):
    hand.api.world = replace(hand.api.world, per_day=None)  # there is room again
    hand.open_integration()
    hand.make_tall()
    hand.page.get_by_role("button", name="Configure").first.click()
    hand.sees(hand.said("options.step.init.title"))
    hand.picture("options")
    limit = hand.said("options.step.init.sections.quota.data.daily_limit")
    hand.page.get_by_role("spinbutton", name=limit).fill("250")
    hand.browser.press("Submit")
    hand.sees("Options successfully saved")
    (entry,) = hand.house.entries()
    shown = hand.house.diagnostics(entry["entry_id"])["data"]["options"]
    assert shown["daily_limit"] == 250


def test_the_alarm_arrives_as_soon_as_there_is_room_again(hand: Hand):
    hand.api.world = replace(hand.api.world, per_day=None)
    wait_until(
        lambda: any(text.startswith("Smoke in the kitchen") for text in hand.inbox),
        _CRITICAL_RETRY_S + 10,
        "the alarm",
    )
    hand.browser.open("/config/repairs", "There are currently no repairs")


def test_no_secret_is_in_the_log(hand: Hand):
    assert [one for one in (TOKEN, SECRET, _NEW_SECRET, _ANNA) if one in hand.house.log] == []


@pytest.mark.parametrize("name", _PICTURES)
def test_the_documents_have_their_pictures(name: str):
    data = (_IMAGES / f"home-assistant-{name}.png").read_bytes()
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", data[16:24])
    assert 800 <= width <= 3000
    assert 400 <= height <= 4000
    assert len(data) <= _PICTURE_MAX_BYTES
