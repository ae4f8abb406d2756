"""One attempt over HTTP: whatever happens to it, a verdict comes of it."""

from __future__ import annotations

import json
from unittest.mock import Mock

import aiohttp
import pytest
from builders import ANNA, SECRET, TOKEN
from pytest_homeassistant_custom_component.test_util.aiohttp import AiohttpClientMockResponse

from custom_components.kilopush.core.protocol import (
    API_URL,
    QUOTA,
    REJECTED,
    SENT,
    UNCLEAR,
    UNSENT,
)
from custom_components.kilopush.outbox.compose import Words
from custom_components.kilopush.push import Push, api_url

WORDS = Words("Tür zu", "https://example.org/", silent=True)
REQUEST = Mock(real_url="https://example.org/?secret=" + SECRET)


async def post(hass, words=WORDS, to=ANNA):
    return await Push(hass, TOKEN, SECRET).async_post(to, words)


async def test_every_value_of_a_request_is_a_string(hass, aioclient_mock):
    aioclient_mock.post(API_URL, json={"response": {"status": 200}})
    assert (await post(hass)).outcome == SENT
    (call,) = aioclient_mock.mock_calls
    assert json.loads(call[2]) == {
        "to": ANNA,
        "token": TOKEN,
        "secret": SECRET,
        "message": "Tür zu",
        "url": "https://example.org/",
        "silent": "1",
    }


async def test_the_reply_and_its_date_are_read(hass, aioclient_mock):
    aioclient_mock.post(
        API_URL,
        status=400,
        json={"response": {"status": 4029}},
        headers={"Date": "Sun, 06 Nov 1994 08:49:37 GMT"},
    )
    verdict = await post(hass)
    assert (verdict.outcome, verdict.status, verdict.at_s) == (QUOTA, 4029, 784111777)


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (aiohttp.ClientConnectorError(Mock(), OSError("refused")), UNSENT),
        (aiohttp.ClientConnectorDNSError(Mock(), OSError("no such host")), UNSENT),
        (aiohttp.ClientConnectorCertificateError(Mock(), ValueError("expired")), UNSENT),
        (aiohttp.ConnectionTimeoutError(), UNSENT),
        (TimeoutError(), UNCLEAR),
        (aiohttp.ServerDisconnectedError(), UNCLEAR),
        (aiohttp.ClientOSError(104, "reset"), UNCLEAR),
        (aiohttp.ClientPayloadError("cut off"), UNCLEAR),
        (RuntimeError("nobody expected " + SECRET), UNCLEAR),
    ],
)
async def test_a_failed_attempt_says_whether_it_may_have_arrived(
    hass, aioclient_mock, caplog, error, outcome
):
    aioclient_mock.post(API_URL, exc=error)
    verdict = await post(hass)
    assert verdict.outcome == outcome
    assert SECRET not in verdict.detail + caplog.text
    assert verdict.status is None


async def test_a_reply_without_end_is_not_read_to_its_end(hass, aioclient_mock):
    async def answer(method, url, data):
        return AiohttpClientMockResponse(method, url, response=b" " * 1_000_000)

    aioclient_mock.post(API_URL, side_effect=answer)
    assert (await post(hass)).outcome == UNCLEAR


async def test_what_can_never_be_sent_is_not_tried(hass, aioclient_mock):
    assert (await post(hass, to="u_nobody")).outcome == REJECTED
    assert aioclient_mock.call_count == 0


async def test_the_environment_can_name_another_address(hass, aioclient_mock, monkeypatch):
    assert api_url() == API_URL
    monkeypatch.setenv("KILOPUSH_API_URL", "http://127.0.0.1:8711/v1/messages/send")
    aioclient_mock.post(
        "http://127.0.0.1:8711/v1/messages/send", json={"response": {"status": 200}}
    )
    assert (await post(hass)).outcome == SENT
