"""KILO.Push for the tests of the platforms: it takes every message unless a test says otherwise."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMockResponse

from custom_components.kilopush.core.protocol import API_URL

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

    from homeassistant.core import HomeAssistant
    from pytest_homeassistant_custom_component.common import MockConfigEntry
    from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMocker
    from yarl import URL

    from custom_components.kilopush.channel import Channel

SENT = 200
UNSENDABLE = 4005
FORBIDDEN = 4003
BLOCKED = 4023
OPTED_OUT = 4024
USED_UP = 4029


class Kilo:
    """The API. ``posts`` is what it was sent; ``answers`` what it says for a user token."""

    def __init__(self, aioclient_mock: AiohttpClientMocker) -> None:
        self.posts: list[dict[str, str]] = []
        self.answers: dict[str, int] = {}
        self.answer = SENT  # for all others
        self.error: Exception | None = None
        self.wait_for: asyncio.Event | None = None  # no answer before it is set
        self.on_post: Callable[[dict[str, str]], None] = lambda _: None
        aioclient_mock.post(API_URL, side_effect=self._answer)

    @property
    def texts(self) -> list[str]:
        return [post["message"] for post in self.posts]

    def texts_to(self, user_token: str) -> list[str]:
        return [post["message"] for post in self.posts if post["to"] == user_token]

    async def _answer(self, method: str, url: URL, data: Any) -> AiohttpClientMockResponse:
        post = json.loads(data)
        if self.error is not None:
            raise self.error
        self.posts.append(post)
        self.on_post(post)
        if self.wait_for is not None:
            await self.wait_for.wait()
        status = self.answers.get(post["to"], self.answer)
        reply = {"response": {"status": status, "message": "as the test wants it"}}
        return AiohttpClientMockResponse(
            method, url, status=200 if status == SENT else 400, json=reply
        )


async def async_set_up(hass: HomeAssistant, entry: MockConfigEntry) -> Channel:
    """Set an entry up, and return its channel."""
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry.runtime_data


async def async_notify(hass: HomeAssistant, entity_id: str, message: str, **fields: Any) -> None:
    """Send as Home Assistant's own action does."""
    await hass.services.async_call(
        "notify",
        "send_message",
        {"entity_id": entity_id, "message": message, **fields},
        blocking=True,
    )


async def async_send(hass: HomeAssistant, entity_id: str, message: str, **fields: Any) -> Any:
    """Send as our own action does, and return what it came to for this entity."""
    response = await hass.services.async_call(
        "kilopush",
        "send_message",
        {"entity_id": entity_id, "message": message, **fields},
        blocking=True,
        return_response=True,
    )
    return response[entity_id]
