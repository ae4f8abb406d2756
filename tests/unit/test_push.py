"""Every way in which a POST can end, over real HTTP: what is told, and what may have arrived."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from kilopush_bridge import push as push_module
from kilopush_bridge.core.protocol import (
    BLOCKED,
    FORBIDDEN,
    OPTED_OUT,
    QUOTA,
    REJECTED,
    SENT,
    UNCLEAR,
    UNSENT,
)
from kilopush_bridge.emulator import Emulator, World
from kilopush_bridge.errors import UsageError
from kilopush_bridge.model import Batch, Delivery, Kind, Priority
from kilopush_bridge.push import Push

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

TOKEN, SECRET, USER = "c_" + "a1" * 20, "5e" * 32, "u_" + "b2" * 20
SENT_REPLY = b'{"response": {"status": 200}}'


def batch(text: str = "hello", url: str | None = None, person: str = "me") -> Batch:
    delivery = Delivery(
        id=1,
        alert_id=1,
        person=person,
        channel="home",
        kind=Kind.EVENT,
        priority=Priority.NORMAL,
        name="rule",
        text=text,
        url=url,
        silent=False,
        created_at_s=0,
    )
    return Batch((delivery,), text, url, silent=False)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(World()) as running:
        yield running


def make_push(url: str) -> Push:
    return Push(url, {"home": (TOKEN, SECRET)}, {"me": USER})


async def outcome(api_url: str, **changes: Any) -> tuple[str, str]:
    push = make_push(api_url)
    try:
        verdict = await push.send(batch(**changes))
    finally:
        await push.close()
    return verdict.outcome, verdict.detail


class Server:
    """Answers each connection with raw bytes: for what no emulator should do."""

    def __init__(
        self, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    ):
        self._serve = serve
        self.connections = 0

    async def __aenter__(self) -> str:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            try:
                await self._serve(reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        self._server = await asyncio.start_server(connected, "127.0.0.1", 0)
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def __aexit__(self, *_: object) -> None:
        self._server.close()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    size = next(
        (
            int(line.split(b":")[1])
            for line in head.lower().splitlines()
            if b"content-length" in line
        ),
        0,
    )
    return head + await reader.readexactly(size)


def replies(*pieces: bytes, pause_s: float = 0) -> Server:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause_s)

    return Server(serve)


def http(status: str, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


# --- what the API says ---------------------------------------------------------------------------


async def test_a_message_arrives_as_the_api_wants_it(emulator: Emulator):
    assert (await outcome(emulator.url, text="Wasser 💧", url="https://e.org"))[0] == SENT
    assert emulator.delivered[0].fields == {
        "to": USER,
        "token": TOKEN,
        "secret": SECRET,
        "message": "Wasser 💧",
        "silent": "0",
        "url": "https://e.org",
    }


@pytest.mark.parametrize(
    ("world", "wanted"),
    [
        (World(per_day=0), QUOTA),
        (World(blacklist=frozenset({(USER, TOKEN)})), OPTED_OUT),
        (World(blocked=frozenset({USER})), BLOCKED),
        (World(channels={TOKEN: "0" * 64}), FORBIDDEN),
        (World(text_limit=3), REJECTED),
    ],
)
async def test_each_refusal_is_told_apart(world: World, wanted: str):
    async with Emulator(world) as emulator:
        assert (await outcome(emulator.url))[0] == wanted


async def test_what_the_api_can_never_take_is_not_posted(emulator: Emulator):
    assert (await outcome(emulator.url, text=" "))[0] == REJECTED
    assert not emulator.requests


# --- what time it is -----------------------------------------------------------------------------

DATE, DATE_S = "Sun, 06 Nov 1994 08:49:37 GMT", 784111777


async def asked(api_url: str) -> int | None:
    push = make_push(api_url)
    try:
        return await push.ask_time()
    finally:
        await push.close()


@pytest.mark.parametrize(
    "reply",
    [http("200 OK", SENT_REPLY, f"Date: {DATE}"), http("502 Bad Gateway", b"", f"date: {DATE}")],
)
async def test_each_reply_says_what_time_it_is(reply: bytes):
    async with replies(reply) as address:
        push = make_push(f"http://{address}/")
        assert (await push.send(batch())).at_s == DATE_S
        await push.close()


async def test_the_time_can_be_asked_for_without_a_message_or_a_secret():
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await read_request(reader))
        writer.write(http("405 Method Not Allowed", b"", f"Date: {DATE}"))

    async with Server(serve) as address:
        assert await asked(f"http://{address}/") == DATE_S
    (request,) = requests
    assert request.startswith(b"HEAD / ")
    assert not [secret for secret in (TOKEN, SECRET, USER) if secret.encode() in request]


async def test_asking_for_the_time_costs_nothing(emulator: Emulator):
    assert await asked(emulator.url) is not None
    assert not emulator.requests


@pytest.mark.parametrize("headers", [(), ("Date: yesterday",)])
async def test_a_reply_may_say_nothing_of_the_time(headers: tuple[str, ...]):
    async with replies(http("200 OK", b"", *headers)) as address:
        assert await asked(f"http://{address}/") is None


@pytest.mark.parametrize("pause_s", [0, 1])
@pytest.mark.parametrize("reply", [b"garbage\r\n\r\n", b""])
async def test_an_api_that_cannot_say_the_time_is_no_error(
    monkeypatch: pytest.MonkeyPatch, reply: bytes, pause_s: float
):
    monkeypatch.setattr(push_module, "CONNECT_TIMEOUT_S", 0.1)
    async with replies(reply, pause_s=pause_s) as address:
        assert await asked(f"http://{address}/") is None
    assert await asked("http://127.0.0.1:1/") is None


# --- what goes wrong on the way ------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["500", "drop", "garbage", "garbage_body", "reset"])
async def test_after_the_last_byte_nobody_knows_whether_it_arrived(emulator: Emulator, fault: Any):
    emulator.fault(fault)
    assert (await outcome(emulator.url))[0] == UNCLEAR


async def test_a_connection_that_closes_on_the_head_may_have_taken_the_body(emulator: Emulator):
    emulator.fault("drop_before")
    assert (await outcome(emulator.url))[0] in (UNSENT, UNCLEAR)
    assert not emulator.delivered


@pytest.mark.parametrize("fault", ["silent", "slow"])
async def test_a_server_that_says_nothing_is_given_up(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch, fault: Any
):
    monkeypatch.setattr(push_module, "REPLY_TIMEOUT_S", 0.1)
    emulator.fault(fault, delay_s=1.0)
    assert await outcome(emulator.url) == (UNCLEAR, "no reply within 0 s")


async def test_a_reply_that_drips_without_end_is_given_up(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(push_module, "TOTAL_TIMEOUT_S", 0.2)
    drip = [http("200 OK", b"x" * 1000)[:-1000], *([b"x"] * 1000)]
    async with replies(*drip, pause_s=0.05) as address:
        assert (await outcome(f"http://{address}/"))[0] == UNCLEAR


async def test_a_reply_without_end_is_cut_and_still_classified():
    async with replies(http("500 Oops", b"x" * 5_000_000)) as address:
        assert (await outcome(f"http://{address}/"))[0] == UNCLEAR


async def test_a_redirect_is_never_followed(emulator: Emulator):
    redirect = http("307 Elsewhere", b"", f"Location: {emulator.url}")
    async with replies(redirect) as address:
        assert (await outcome(f"http://{address}/"))[0] == UNCLEAR
    assert not emulator.requests


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "http://name.invalid/",
        "https://127.0.0.1:{port}/",  # a server that does not speak TLS
        "http://" + "x" * 70 + ".invalid/",  # no such name can be
    ],
)
async def test_before_the_first_byte_it_certainly_did_not_arrive(emulator: Emulator, url: str):
    port = emulator.url.split(":")[2].split("/")[0]
    assert (await outcome(url.replace("{port}", port)))[0] == UNSENT
    assert not emulator.requests


async def test_a_kept_connection_that_the_server_has_closed_is_replaced():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(http("200 OK", SENT_REPLY))
        await writer.drain()  # and hangs up

    server = Server(serve)
    async with server as address:
        push = make_push(f"http://{address}/")
        for _ in range(3):
            assert (await push.send(batch())).outcome == SENT
            await asyncio.sleep(0.02)
        await push.close()
    assert server.connections == 3


async def test_a_kept_connection_that_breaks_after_the_request_leaves_a_doubt(emulator: Emulator):
    push = make_push(emulator.url)
    assert (await push.send(batch())).outcome == SENT
    emulator.fault("drop")
    assert (await push.send(batch())).outcome == UNCLEAR
    assert (await push.send(batch())).outcome == SENT
    await push.close()


async def test_cookies_are_not_kept(emulator: Emulator):
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(2):
            seen.append(await read_request(reader))
            writer.write(http("200 OK", SENT_REPLY, "Set-Cookie: a=b"))

    async with Server(serve) as address:
        push = make_push(f"http://{address}/")
        await push.send(batch())
        await push.send(batch())
        await push.close()
    assert len(seen) == 2
    assert b"ookie" not in seen[1]


async def test_an_error_that_nobody_expected_leaves_no_alarm_on_the_way(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    async def broken(*_args: object) -> None:
        raise RuntimeError(SECRET)

    push = make_push("http://127.0.0.1:1/")
    monkeypatch.setattr(push, "_exchange", broken)
    verdict = await push.send(batch())
    await push.close()
    assert (verdict.outcome, verdict.detail) == (UNSENT, "RuntimeError")
    assert SECRET not in caplog.text


async def test_being_stopped_is_no_verdict(emulator: Emulator):
    emulator.fault("silent")
    push = make_push(emulator.url)
    task = asyncio.create_task(push.send(batch()))
    await emulator.wait_for(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await push.close()


# --- proxies -------------------------------------------------------------------------------------


async def test_a_proxy_from_the_environment_is_used(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HTTP_PROXY", emulator.url.removesuffix("/v1/messages/send"))
    assert (await outcome("http://push.invalid/v1/messages/send"))[0] == SENT
    assert len(emulator.delivered) == 1


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 Connected\r\n\r\nthis is no TLS",
        b"",
    ],
)
async def test_what_fails_at_the_proxy_never_reached_the_api(
    monkeypatch: pytest.MonkeyPatch, reply: bytes
):
    async with replies(reply) as address:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hunter2@{address}")
        what, detail = await outcome("https://push.invalid/")
    assert what == UNSENT
    assert "hunter2" not in detail


@pytest.mark.parametrize("proxy", ["socks5://user:hunter2@127.0.0.1:1", "ftp://u:hunter2@x:1"])
def test_a_proxy_that_cannot_be_used_is_a_clear_error(monkeypatch: pytest.MonkeyPatch, proxy: str):
    monkeypatch.setenv("ALL_PROXY", proxy)
    with pytest.raises(UsageError, match="ALL_PROXY") as caught:
        make_push("http://127.0.0.1:1/")
    assert "hunter2" not in str(caught.value)


# --- secrets -------------------------------------------------------------------------------------


async def test_a_server_that_repeats_the_request_brings_no_secret_into_the_verdict():
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        writer.write(http("400 Bad", request.partition(b"\r\n\r\n")[2]))

    async with Server(echo) as address:
        _, detail = await outcome(f"http://{address}/")
    assert not [secret for secret in (TOKEN, SECRET, USER) if secret[:12] in detail]


def test_no_representation_shows_a_secret():
    push = make_push("http://127.0.0.1:1/")
    shown = repr(push) + repr(httpx.Request("POST", push._url))
    assert not [secret for secret in (TOKEN, SECRET, USER) if secret in shown]
