"""A headless browser before a Home Assistant, logged in."""

from __future__ import annotations

import json
import os
import shutil
import time
from typing import TYPE_CHECKING, Any, Self

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from pathlib import Path

    from playwright.sync_api import Locator, Page

    from harness.hass import HomeAssistant

# Room for the side bar and two columns of cards; twice the points, for pictures in the documents.
WIDTH, HEIGHT, SCALE = 1280, 800, 2
_ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars"]


def browser_program() -> str:
    """Return where Chromium is; without it, fail in CI and skip elsewhere."""
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next(filter(None, map(shutil.which, names)), None)
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("chromium is not installed; in CI that is a failure")
        pytest.skip("chromium is not installed: apt-get install chromium")
    return program


class Browser:
    """One page of one browser; text is found inside Home Assistant's components too."""

    def __init__(self, house: HomeAssistant, *, language: str = "en", dark: bool = False) -> None:
        self._house = house
        self._language = language
        self._dark = dark
        self.page: Page

    def open(self, path: str, text: str | None = None, timeout_s: float = 30) -> Page:
        """Open a page of Home Assistant; wait until it is there, and `text` on it."""
        self.page.goto(self._house.url + path, timeout=1000 * timeout_s)
        self.wait_ready(text, timeout_s)
        return self.page

    def wait_ready(self, text: str | None = None, timeout_s: float = 30) -> None:
        """Wait until nothing loads any more."""
        timeout_ms = 1000 * timeout_s
        self.page.locator("home-assistant-main").wait_for(timeout=timeout_ms)
        if text is not None:
            self.text(text).wait_for(timeout=timeout_ms)
        self.page.wait_for_function(_IS_QUIET, timeout=timeout_ms)

    def text(self, text: str, *, exact: bool = False) -> Locator:
        return self.page.get_by_text(text, exact=exact).first

    def fill(self, *values: str) -> None:
        """Write into the text fields of the open form, from the top; an empty value is left."""
        fields = self.page.locator("ha-form input")
        fields.first.wait_for(timeout=10_000)
        for number, value in enumerate(values):
            if value:
                fields.nth(number).fill(value)

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name).first.click(timeout=10_000)

    def screenshot(self, path: Path, of: str | None = None) -> None:
        """Draw what is seen; `of` is a selector of the one part to draw."""
        self.page.wait_for_function(_IS_QUIET, timeout=30_000)
        time.sleep(0.3)  # the last animation
        path.parent.mkdir(parents=True, exist_ok=True)
        if of is None:
            self.page.screenshot(path=path, animations="disabled", caret="hide")
        else:
            self.page.locator(of).first.screenshot(path=path, animations="disabled", caret="hide")

    def __enter__(self) -> Self:
        program = browser_program()
        self._playwright = sync_playwright().start()
        try:
            self._browser = self._playwright.chromium.launch(
                executable_path=program, args=_ARGUMENTS
            )
            context = self._browser.new_context(
                viewport={"width": WIDTH, "height": HEIGHT},
                device_scale_factor=SCALE,
                locale=self._language,
                timezone_id="Europe/Amsterdam",
                color_scheme="dark" if self._dark else "light",
                reduced_motion="reduce",
            )
            context.add_init_script(_remembered(self._stored()))
            self.page = context.new_page()
        except BaseException:
            self._playwright.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._browser.close()
        self._playwright.stop()

    def _stored(self) -> dict[str, Any]:
        house = self._house
        tokens = {
            **house.tokens,
            "hassUrl": house.url,
            "clientId": house.client_id,
            "expires": int(1000 * (time.time() + house.tokens["expires_in"])),
        }
        return {"hassTokens": tokens, "selectedLanguage": self._language}


# Home Assistant shows a spinner inside components, which no selector of the document reaches.
_IS_QUIET = """() => {
  const busy = (root) => [...root.querySelectorAll('*')].some((one) =>
    /^(ha-spinner|ha-circular-progress|hass-loading-screen|ha-init-page)$/i.test(one.tagName)
      ? one.getClientRects().length > 0
      : one.shadowRoot && busy(one.shadowRoot));
  return document.readyState === 'complete' && !busy(document);
}"""


def _remembered(values: dict[str, Any]) -> str:
    lines = [
        f"localStorage.setItem({json.dumps(key)}, {json.dumps(json.dumps(value))});"
        for key, value in values.items()
    ]
    return "\n".join(lines)
