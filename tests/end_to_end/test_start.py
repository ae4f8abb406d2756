"""A new Home Assistant with the integration's folder in it, and nothing else of this repository."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from harness.browser import Browser

if TYPE_CHECKING:
    from pathlib import Path

    from harness.hass import HomeAssistant

pytestmark = pytest.mark.timeout(180)


def test_the_integration_is_offered_and_nothing_is_missing(house: HomeAssistant):
    assert "kilopush" in house.get("/api/config/config_entries/flow_handlers")
    assert house.flow("kilopush")["type"] == "form"
    assert "persistent_notification" in house.ws("get_services")  # what its page asks for first
    assert "Unable to set up" not in house.log
    assert "No module named" not in house.log


def test_it_ends_in_order_and_starts_again_with_its_user(house: HomeAssistant):
    assert house.stop() == 0
    house.start()
    assert house.get("/api/config")["state"] == "RUNNING"
    house.kill()
    house.start()
    assert house.get("/api/config")["state"] == "RUNNING"


def test_a_browser_shows_its_pages(house: HomeAssistant, tmp_path: Path):
    with Browser(house) as browser:
        browser.open("/config/integrations/dashboard", "Backup")
        browser.screenshot(tmp_path / "integrations.png")
        browser.open("/config/integrations/dashboard/add?domain=kilopush")
        browser.press("OK")
        browser.text("KILO.Push").wait_for(timeout=10_000)
    assert (tmp_path / "integrations.png").stat().st_size > 10_000
