"""The emulator on the network: asyncio sockets around `Service`, one task per connection."""

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from typing import Self
from urllib.parse import urlsplit

import h11

from kilopush_bridge.emulator import control
from kilopush_bridge.emulator.faults import Fault, FaultKind
from kilopush_bridge.emulator.replies import go_wrong, reply_error, reply_json, reply_status
from kilopush_bridge.emulator.service import Record, Service
from kilopush_bridge.emulator.wire import Connection, RequestError
from kilopush_bridge.emulator.world import World

# Source: KILO.Push API document, "Request".
SEND_PATH = "/v1/messages/send"


class Emulator:
    """A KILO.Push of one's own, from `async with` to its end.

    ```python
    async with Emulator() as emulator:
        emulator.fault("500", times=3)
        ...  # something posts to emulator.url
        assert emulator.delivered[0].fields["message"] == "Water in the cellar"
    ```

    Args:
        world: who exists and how it counts; by default everybody, 300 a day.
        clock: Unix time, for the quota and the `Date` header.
        host: address to listen on.
        port: TCP port; 0 takes a free one.
        on_request: called with each record as it comes, before the sender gets the reply.
    """

    def __init__(
        self,
        world: World | None = None,
        *,
        clock: Callable[[], float] = time.time,
        host: str = "127.0.0.1",
        port: int = 0,
        on_request: Callable[[Record], None] | None = None,
    ) -> None:
        self._service = Service(world or World())
        self._clock = clock
        self._address = (host, port)
        self._on_request = on_request
        self._server: asyncio.Server | None = None
        self._connections: dict[asyncio.Task[None], Connection] = {}
        self._arrival = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the address cannot be had, for example because the port is taken.
        """
        host, port = self._address
        self._server = await asyncio.start_server(self._connect, host, port)
        self._address = (host, self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Close the port and every connection; nothing is left running."""
        if self._server is None:
            return
        self._server.close()
        for task, connection in self._connections.items():
            connection.abort()
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    @property
    def url(self) -> str:
        """The address to post to, complete."""
        host, port = self._address
        # "All addresses" is for listening; it is no address to send to.
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
        return f"http://{f'[{host}]' if ':' in host else host}:{port}{SEND_PATH}"

    @property
    def world(self) -> World:
        """Who exists and how it counts; put another one to change it."""
        return self._service.world

    @world.setter
    def world(self, world: World) -> None:
        self._service.world = world

    @property
    def requests(self) -> list[Record]:
        """All requests to the send address, oldest first; the last 10,000 of them."""
        return list(self._service.records)

    @property
    def delivered(self) -> list[Record]:
        """Those of `requests` whose message reached the phone."""
        return [record for record in self._service.records if record.accepted]

    def fault(self, kind: FaultKind, *, times: int | None = 1, delay_s: float = 0.0) -> None:
        """Let the next requests go wrong, after those that were already told to.

        Args:
            kind: what goes wrong; see `FaultKind`.
            times: for how many requests; None is until `clear_faults`.
            delay_s: how long "slow" waits before it replies.

        Raises:
            ValueError: there is no such fault.
        """
        self._service.faults.add(Fault(kind, delay_s), times)

    def clear_faults(self) -> None:
        """Let all be well again, for requests that come from now on."""
        self._service.faults.clear()

    async def wait_for(self, count: int, timeout_s: float = 5.0) -> list[Record]:
        """Return `requests` as soon as there are so many of them.

        Raises:
            TimeoutError: there were fewer; says how many.
        """
        await self._wait_until(lambda: self._service.total, count, timeout_s, "requests")
        return self.requests

    async def wait_for_delivered(self, count: int, timeout_s: float = 5.0) -> list[Record]:
        """Return `delivered` as soon as there are so many of them.

        Raises:
            TimeoutError: there were fewer; says how many.
        """
        await self._wait_until(lambda: self._service.accepted, count, timeout_s, "deliveries")
        return self.delivered

    async def _wait_until(
        self, current: Callable[[], int], count: int, timeout_s: float, what: str
    ) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                while current() < count:
                    await self._arrival.wait()
        except TimeoutError:
            message = f"{current()} of {count} {what} within {timeout_s} s"
            raise TimeoutError(message) from None

    def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Not a coroutine, so that no task exists, however shortly, that stop() does not know.
        connection = Connection(reader, writer, self._clock)
        task = asyncio.create_task(self._converse(connection))
        self._connections[task] = connection
        task.add_done_callback(self._connections.pop)

    async def _converse(self, connection: Connection) -> None:
        try:
            with suppress(ConnectionError):  # the client went away: nothing to do about it
                await self._serve(connection)
        finally:
            connection.close()

    async def _serve(self, connection: Connection) -> None:
        try:
            while (head := await connection.head()) is not None:
                await self._answer(connection, head)
        except RequestError as error:
            await connection.refuse(error)

    async def _answer(self, connection: Connection, head: h11.Request) -> None:
        method, path = head.method.decode(), _path(head.target.decode())
        if (method, path) == ("POST", SEND_PATH):
            await self._receive(connection, head, self._service.faults.take())
            return
        body = await connection.body()
        if path.startswith(control.PREFIX):
            await reply_json(connection, *control.answer(self._service, method, path, body))
        elif path == SEND_PATH:
            await reply_error(connection, HTTPStatus.METHOD_NOT_ALLOWED, ("Allow", "POST"))
        else:
            await reply_error(connection, HTTPStatus.NOT_FOUND)

    async def _receive(
        self, connection: Connection, head: h11.Request, fault: Fault | None
    ) -> None:
        is_unread = fault is not None and fault.kind == "drop_before"
        body = b"" if is_unread else await connection.body()
        content_type = dict(head.headers).get(b"content-type", b"").decode("latin-1")
        record = self._service.receive(content_type, body, self._clock(), fault)
        self._announce(record)
        if fault is None:
            await reply_status(connection, record)
        else:
            await go_wrong(connection, fault, record)

    def _announce(self, record: Record) -> None:
        self._arrival.set()  # wakes who waits now;
        self._arrival = asyncio.Event()  # who comes later waits for the next
        if self._on_request is not None:
            self._on_request(record)


def _path(target: str) -> str:
    # A client that takes the emulator for its proxy sends the whole address.
    try:
        return urlsplit(target).path
    except ValueError:
        return target
