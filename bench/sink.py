"""An HTTP server that answers 200 to every POST and notes when each text came."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from email.utils import formatdate
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

REPLY_BODY = b'{"response": {"status": 200}}'
REPLY_HEAD = (
    b"HTTP/1.1 200 OK\r\nDate: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
)


class Sink:
    """The server, in a thread of its own; `arrivals` holds `(time, text)` in order."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[float, str]] = []
        self.url = ""
        self._is_up = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), daemon=True)

    def time_of(self, text: str) -> float | None:
        """Return when a text came, None if it has not."""
        return next((at_s for at_s, one in reversed(self.arrivals) if one == text), None)

    async def _serve(self) -> None:
        self._loop, self._is_over = asyncio.get_running_loop(), asyncio.Event()
        server = await self._loop.create_server(lambda: _Exchange(self.arrivals), "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1/messages/send"
        self._is_up.set()
        await self._is_over.wait()
        server.close()

    def __enter__(self) -> Self:
        self._thread.start()
        self._is_up.wait()
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._loop.call_soon_threadsafe(self._is_over.set)
        self._thread.join()


class _Exchange(asyncio.Protocol):
    """One connection: as little HTTP as the clients here need."""

    def __init__(self, arrivals: list[tuple[float, str]]) -> None:
        self._arrivals = arrivals
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (request := self._next_request()) is not None:
            is_post, body = request
            if is_post:
                self._arrivals.append((time.time(), _text_of(body)))
            head = REPLY_HEAD % (formatdate(usegmt=True).encode(), len(REPLY_BODY))
            self._transport.write(head + REPLY_BODY if is_post else head)

    def _next_request(self) -> tuple[bool, bytes] | None:
        """Return whether it is a POST, and its body. A HEAD asks for the time and has none."""
        head, gap, rest = self._buffer.partition(b"\r\n\r\n")
        length = _content_length(head)
        if not gap or len(rest) < length:
            return None
        self._buffer = rest[length:]
        return head.startswith(b"POST"), rest[:length]


def _content_length(head: bytes) -> int:
    _, _, after = head.lower().partition(b"content-length:")
    return int(after.split(b"\r\n", 1)[0] or 0)


def _text_of(body: bytes) -> str:
    """Return what a person would read: KILO.Push gets JSON, mqttwarn sends the bare text."""
    return str(json.loads(body)["message"]) if body.startswith(b"{") else body.decode()
