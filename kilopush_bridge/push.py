"""One attempt over HTTP: a batch in, a verdict out. No retries, no waiting, no raising.

Verified TLS, proxies from the environment, a time-out on everything. What cannot be told from the
reply is told by how far the request came: h11 and httpcore report when the body was written.
"""

from __future__ import annotations

import asyncio
import logging
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import TYPE_CHECKING, Any

import httpx

from kilopush_bridge import __version__
from kilopush_bridge.core import protocol
from kilopush_bridge.core.text import well_formed
from kilopush_bridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kilopush_bridge.core.protocol import Verdict
    from kilopush_bridge.model import Batch

log = logging.getLogger(__name__)

# Longer than any healthy reply, shorter than a person's patience with a smoke alarm.
CONNECT_TIMEOUT_S = 10.0
REPLY_TIMEOUT_S = 20.0
TOTAL_TIMEOUT_S = 40.0
REPLY_MAX_BYTES = 16_384  # the API answers in about a hundred


class Push:
    """The send API for the channels and people of a configuration.

    `channels` gives `(token, secret)` by name, `people` user tokens by name.

    Raises:
        UsageError: the environment names a proxy that cannot be used.
    """

    def __init__(
        self, api_url: str, channels: Mapping[str, tuple[str, str]], people: Mapping[str, str]
    ) -> None:
        self._url = api_url
        self._channels = dict(channels)
        self._people = dict(people)
        timeout = httpx.Timeout(REPLY_TIMEOUT_S, connect=CONNECT_TIMEOUT_S)
        # no limit on connections: a critical must not wait for one
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=4)
        try:
            self._client = httpx.AsyncClient(
                timeout=timeout,
                limits=limits,
                headers={"User-Agent": f"kilopush-bridge/{__version__}"},
                cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),  # no POST knows another
            )
        except (
            ImportError,
            ValueError,
            httpx.InvalidURL,
        ) as error:  # whose text may hold the proxy's password
            raise UsageError(
                "the proxy in HTTP_PROXY, HTTPS_PROXY or ALL_PROXY cannot be used: it must be an "
                "http:// or https:// address (for socks5://, pip install 'httpx[socks]')"
            ) from error

    def use(
        self, api_url: str, channels: Mapping[str, tuple[str, str]], people: Mapping[str, str]
    ) -> None:
        """Go on with these; what is gone stays known to the POSTs that are on their way."""
        self._url = api_url
        self._channels.update(channels)
        self._people.update(people)

    async def send(self, batch: Batch) -> Verdict:
        """POST a batch and return what came of it. Never raises, but for cancellation."""
        token, secret = self._channels[batch.channel]
        try:
            body = protocol.encode(
                self._people[batch.person],
                token,
                secret,
                well_formed(batch.text),
                batch.url,
                batch.silent,
            )
        except protocol.ProtocolError as error:
            return protocol.Verdict(protocol.REJECTED, None, str(error))
        return await self._post(body)

    async def ask_time(self) -> int | None:
        """Return the Unix time on the clock of the API, None if it does not say.

        A HEAD without token or message: it costs nothing, and the first alarm finds the
        connection open. Never raises, but for cancellation.
        """
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT_S):
                response = await self._client.head(self._url, headers={"Cache-Control": "no-cache"})
        except Exception as error:  # noqa: BLE001  (an alarm may not wait for the time)
            log.debug("the API does not say what time it is: %s", type(error).__name__)
            return None
        return protocol.parse_date(response.headers.get("date", ""))

    async def _post(self, body: bytes) -> Verdict:
        written = False

        async def trace(event: str, info: Mapping[str, Any]) -> None:
            nonlocal written
            # "started" is the safe side: from here on the API may have the whole request. A proxy
            # is asked with CONNECT first, which has an (empty) body, too.
            if event.endswith("send_request_body.started") and info["request"].method == b"POST":
                written = True

        try:
            async with asyncio.timeout(TOTAL_TIMEOUT_S):
                return await self._exchange(body, trace)
        except TimeoutError:
            problem = f"no reply within {TOTAL_TIMEOUT_S:.0f} s"
        except httpx.HTTPError as error:
            problem = _problem(error)
        except Exception as error:  # noqa: BLE001  (an alarm may not stay on the way for ever)
            # only the kind is told: the text of an unknown error may hold anything
            problem = type(error).__name__
            log.error("posting failed in a way that nobody expected: %s", problem)
        return protocol.lost(problem) if written else protocol.unsent(problem)

    async def _exchange(self, body: bytes, trace: Any) -> Verdict:
        async with self._client.stream(
            "POST",
            self._url,
            content=body,
            headers={"Content-Type": "application/json"},
            extensions={"trace": trace},
        ) as response:
            reply = b""
            async for chunk in response.aiter_bytes():
                reply += chunk
                if len(reply) > REPLY_MAX_BYTES:
                    break
            return protocol.classify(response.status_code, reply, response.headers.get("date", ""))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def _problem(error: httpx.HTTPError) -> str:
    """Return what went wrong without the request, which holds the secret."""
    kinds: tuple[tuple[type[Exception], str], ...] = (
        (httpx.ConnectTimeout, f"no connection within {CONNECT_TIMEOUT_S:.0f} s"),
        (httpx.TimeoutException, f"no reply within {REPLY_TIMEOUT_S:.0f} s"),
        (httpx.ConnectError, "no connection"),
        (httpx.ProxyError, "the proxy refused"),
        (httpx.RemoteProtocolError, "the connection ended without a valid reply"),
        (httpx.NetworkError, "the connection broke"),
    )
    what = next((text for kind, text in kinds if isinstance(error, kind)), type(error).__name__)
    cause = str(error) if isinstance(error, (httpx.ConnectError, httpx.ProxyError)) else ""
    return f"{what}: {cause}" if cause else what
