"""One HTTP/1.1 connection of a client: requests in, replies out, and ways to break it off.

All of HTTP is h11's; this file moves the bytes and keeps them bounded.
"""

import asyncio
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from email.utils import formatdate
from http import HTTPStatus

import h11

# The longest valid message is under 4 KiB in JSON and under 15 KiB in a form.
BODY_MAX_BYTES = 64 * 1024
_READ_BYTES = 64 * 1024
# How long a refused upload is read to its end, so that its sender gets to see the reply.
_LINGER_S = 1.0


class RequestError(Exception):
    """A request that cannot be read, with the HTTP status that says why."""

    def __init__(self, http_status: int) -> None:
        super().__init__(f"HTTP {http_status}")
        self.http_status = http_status


class Connection:
    """One connection, for as many requests as the client likes to send one after another.

    Args:
        reader: where the client's bytes come from.
        writer: where ours go to.
        clock: Unix time, for the `Date` header.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        clock: Callable[[], float],
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._clock = clock
        self._http = h11.Connection(h11.SERVER)
        self._wants_body = True

    async def head(self) -> h11.Request | None:
        """Return the head of the next request, None when there is none to come.

        Raises:
            RequestError: what came is not HTTP.
        """
        if self._http.our_state is h11.DONE and self._http.their_state is h11.DONE:
            self._http.start_next_cycle()
        if self._http.our_state is not h11.IDLE or self._writer.is_closing():
            return None
        event = await self._next_event()
        if not isinstance(event, h11.Request):
            return None
        self._wants_body = event.method != b"HEAD"
        return event

    async def body(self) -> bytes:
        """Return the body of the request whose head was read last.

        Raises:
            RequestError: it is too long, or ends too early.
        """
        body = b""
        while isinstance(event := await self._next_event(), h11.Data):
            body += event.data
            if len(body) > BODY_MAX_BYTES:
                raise RequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return body

    async def _next_event(self) -> object:
        try:
            while (event := self._http.next_event()) is h11.NEED_DATA:
                if self._http.they_are_waiting_for_100_continue:
                    await self._send(h11.InformationalResponse(status_code=100, headers=[]))
                self._http.receive_data(await self._reader.read(_READ_BYTES))
        except h11.RemoteProtocolError as error:
            raise RequestError(error.error_status_hint) from error
        return event

    async def reply(
        self, http_status: int, content_type: str, body: bytes, *headers: tuple[str, str]
    ) -> None:
        """Send a whole reply, with a `Date`."""
        own_headers = [
            ("Date", formatdate(self._clock(), usegmt=True)),
            ("Content-Type", content_type),
            ("Content-Length", str(len(body))),
        ]
        reason = HTTPStatus(http_status).phrase.encode()
        await self._send(
            h11.Response(status_code=http_status, reason=reason, headers=[*own_headers, *headers]),
            h11.Data(data=body if self._wants_body else b""),
            h11.EndOfMessage(),
        )

    async def _send(self, *events: h11.Event) -> None:
        await self.send_raw(b"".join(self._http.send(event) or b"" for event in events))

    async def send_raw(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._writer.write(data)
        await self._writer.drain()

    async def refuse(self, error: RequestError) -> None:
        """Say why a request could not be read, and read on for a while.

        Closing while the client still sends would reset the connection, and the reply be lost.
        """
        if self._http.our_state in {h11.IDLE, h11.SEND_RESPONSE}:
            body = f"{error}\n".encode()
            await self.reply(error.http_status, "text/plain", body, ("Connection", "close"))
            self._writer.write_eof()
            with suppress(TimeoutError):
                await asyncio.wait_for(self.wait_until_gone(), _LINGER_S)

    async def wait_until_gone(self) -> None:
        """Return when the client has closed its side; what it sends until then is thrown away."""
        while await self._reader.read(_READ_BYTES):
            pass

    def reset(self) -> None:
        """Break the connection off with a TCP RST."""
        # Lingering for zero seconds makes close() send RST instead of FIN: socket(7), SO_LINGER.
        self._writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
        self._writer.transport.abort()

    def close(self) -> None:
        """Close the connection after what was sent."""
        self._writer.close()

    def abort(self) -> None:
        """Close the connection at once."""
        self._writer.transport.abort()
