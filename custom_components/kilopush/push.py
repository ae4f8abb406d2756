"""One attempt over HTTP: words in, a verdict out. No retries, no waiting, no raising."""

from __future__ import annotations

import asyncio
import os
from typing import TYPE_CHECKING

import aiohttp
from homeassistant.helpers.aiohttp_client import async_get_clientsession

from .const import ENV_API_URL
from .core import protocol

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

    from .core.protocol import Verdict
    from .outbox.compose import Words

# Longer than any healthy reply, shorter than a person's patience with a smoke alarm.
_CONNECT_TIMEOUT_S = 10.0
_TOTAL_TIMEOUT_S = 30.0
_REPLY_MAX_BYTES = 16_384  # the API answers in about a hundred

_NEVER_WRITTEN = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ClientHttpProxyError,
    aiohttp.InvalidURL,
)

# A fresh connection each time: on one that was kept, nobody could tell whether a lost message had
# been read, and all of 300 a day can afford it.
_HEADERS = {"Content-Type": "application/json", "Connection": "close"}


class Push:
    """The send API for one channel."""

    def __init__(self, hass: HomeAssistant, token: str, secret: str) -> None:
        """Set what every message is sent with. Nothing is sent yet."""
        self._session = async_get_clientsession(hass)
        self._token = token
        self._secret = secret

    async def async_post(self, to: str, words: Words) -> Verdict:
        """POST words to a user token and return what came of it. Never raises."""
        try:
            body = protocol.encode(
                to, self._token, self._secret, words.text, words.url, words.silent
            )
        except protocol.ProtocolError as error:
            return protocol.Verdict(protocol.REJECTED, None, str(error))
        try:
            async with asyncio.timeout(_TOTAL_TIMEOUT_S):
                return await self._async_exchange(body)
        except _NEVER_WRITTEN as error:
            return protocol.unsent(f"no connection: {type(error).__name__}")
        except TimeoutError:
            return protocol.lost(f"no reply within {_TOTAL_TIMEOUT_S:.0f} s")
        except Exception as error:  # noqa: BLE001  (an alarm may not stay on the way for ever)
            # Only the kind is told: the text of an unknown error may hold anything.
            return protocol.lost(f"the connection broke: {type(error).__name__}")

    async def async_ask_time(self) -> int | None:
        """Return the Unix time on the clock of the API, None if it does not say. Costs nothing."""
        timeout = aiohttp.ClientTimeout(total=_CONNECT_TIMEOUT_S)
        try:
            async with self._session.head(api_url(), headers=_HEADERS, timeout=timeout) as response:
                return protocol.parse_date(response.headers.get("Date", ""))
        except Exception:  # noqa: BLE001  (an alarm may not wait for the time)
            return None

    async def _async_exchange(self, body: bytes) -> Verdict:
        timeout = aiohttp.ClientTimeout(total=None, connect=_CONNECT_TIMEOUT_S)
        async with self._session.post(
            api_url(), data=body, headers=_HEADERS, timeout=timeout, allow_redirects=False
        ) as response:
            reply = b""
            async for chunk in response.content.iter_any():
                reply += chunk
                if len(reply) > _REPLY_MAX_BYTES:
                    break
            return protocol.classify(response.status, reply, response.headers.get("Date", ""))


def api_url() -> str:
    """Return the address of the send API."""
    return os.environ.get(ENV_API_URL) or protocol.API_URL
