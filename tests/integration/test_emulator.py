"""The emulator as a client sees it: real sockets, real HTTP, a real process."""

import asyncio
import json
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import replace

import httpx
import pytest

from kilopush_bridge.emulator import Emulator, World, running_emulator

USER = "u_" + "1a" * 20
CHANNEL = "c_" + "2b" * 20
SECRET = "3c" * 32
SEND = {"to": USER, "token": CHANNEL, "secret": SECRET, "message": "Water in the cellar"}
NOON_S = 1_780_315_200.0  # 2026-06-01 12:00:00 UTC
DAY_S = 86_400


class Clock:
    """A clock that stands until it is told to go on."""

    def __init__(self) -> None:
        self.now_s = NOON_S

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def emulator(clock):
    async with Emulator(clock=clock) as emulator:
        yield emulator


@pytest.fixture
async def client():
    async with httpx.AsyncClient(trust_env=False) as client:
        yield client


async def status_of(client, emulator, **changes) -> int:
    reply = await client.post(emulator.url, json=SEND | changes)
    return reply.json()["response"]["status"]


@pytest.mark.parametrize("encoding", ["json", "data"])
async def test_a_message_is_delivered_from_json_and_from_a_form(emulator, client, encoding):
    reply = await client.post(emulator.url, **{encoding: SEND | {"silent": "1"}})
    assert (reply.status_code, reply.json()) == (200, {"response": {"status": 200}})
    assert emulator.delivered == emulator.requests
    assert emulator.delivered[0].fields == SEND | {"silent": "1"}


async def test_every_refusal_is_http_400_with_its_code_and_a_reason(emulator, client):
    emulator.world = World(
        per_day=0,
        channels={CHANNEL: SECRET},
        blocked=frozenset({"u_" + "0" * 40}),
        blacklist=frozenset({("u_" + "1" * 40, CHANNEL)}),
    )
    wrong = [
        ({"secret": "0" * 64}, 4003),
        ({"message": ""}, 4005),
        ({"to": "u_" + "0" * 40}, 4023),
        ({"to": "u_" + "1" * 40}, 4024),
        ({}, 4029),
    ]
    replies = [await client.post(emulator.url, json=SEND | changes) for changes, _ in wrong]
    replies.append(await client.post(emulator.url, content=b"{}"))
    codes = [reply.json()["response"]["status"] for reply in replies]
    assert codes == [*(code for _, code in wrong), 4000]
    assert {reply.status_code for reply in replies} == {400}
    assert all(reply.json()["response"]["message"] for reply in replies)
    assert [record.status for record in emulator.requests] == codes
    assert emulator.delivered == []


async def test_the_quota_is_full_until_midnight_of_the_zone(emulator, client, clock):
    emulator.world = World(per_day=2, zone="Europe/Berlin")  # 14:00 there
    assert [await status_of(client, emulator) for _ in range(3)] == [200, 200, 4029]
    clock.now_s = NOON_S + 10 * 3600 - 1
    assert await status_of(client, emulator) == 4029
    clock.now_s += 1
    assert await status_of(client, emulator) == 200


async def test_the_quota_is_full_until_24_hours_have_passed(emulator, client, clock):
    emulator.world = World(per_day=2, day="rolling")
    assert await status_of(client, emulator) == 200
    clock.now_s += 3600
    assert [await status_of(client, emulator) for _ in range(2)] == [200, 4029]
    clock.now_s = NOON_S + DAY_S
    assert [await status_of(client, emulator) for _ in range(2)] == [200, 4029]


async def test_each_channel_has_its_own_quota(emulator, client):
    emulator.world = World(per_day=1)
    assert await status_of(client, emulator) == 200
    assert await status_of(client, emulator, token="c_" + "5" * 40) == 200
    assert await status_of(client, emulator) == 4029


async def test_refused_messages_use_the_quota_only_if_asked(emulator, client):
    for count_refused, status in [(False, 200), (True, 4029)]:
        emulator.world = World(per_day=2, blocked=frozenset({USER}), count_refused=count_refused)
        assert [await status_of(client, emulator) for _ in range(2)] == [4023, 4023]
        assert await status_of(client, emulator, to="u_" + "7" * 40) == status


async def test_a_rotated_secret_counts_from_now_on(emulator, client):
    emulator.world = World(channels={CHANNEL: "0" * 64})
    assert await status_of(client, emulator) == 4003
    emulator.world = replace(emulator.world, channels={CHANNEL: SECRET})
    assert await status_of(client, emulator) == 200


async def test_the_date_header_is_the_emulators_clock_on_every_reply(emulator, client):
    emulator.fault("500")
    replies = [
        await client.post(emulator.url, json=SEND),
        await client.post(emulator.url, json=SEND),
        await client.get(emulator.url),
    ]
    assert [reply.status_code for reply in replies] == [500, 200, 405]
    assert {reply.headers["Date"] for reply in replies} == {"Mon, 01 Jun 2026 12:00:00 GMT"}


@pytest.mark.parametrize(
    ("kind", "error", "is_delivered"),
    [
        ("drop", httpx.RemoteProtocolError, True),
        ("drop_before", httpx.TransportError, False),
        ("silent", httpx.ReadTimeout, True),
        ("garbage", httpx.RemoteProtocolError, True),
        ("reset", httpx.ReadError, False),
    ],
)
async def test_a_fault_without_a_reply(emulator, client, kind, error, is_delivered):
    emulator.fault(kind)
    with pytest.raises(error):
        await client.post(emulator.url, json=SEND, timeout=0.2 if kind == "silent" else 5)
    assert [(record.status, record.fault) for record in emulator.requests] == [(kind, kind)]
    assert len(emulator.delivered) == is_delivered
    assert await status_of(client, emulator) == 200


async def test_a_dropped_message_uses_the_quota(emulator, client):
    emulator.world = World(per_day=1)
    emulator.fault("drop")
    with pytest.raises(httpx.RemoteProtocolError):
        await client.post(emulator.url, json=SEND)
    assert await status_of(client, emulator) == 4029


async def test_fault_500_is_not_delivered_and_keeps_the_connection(emulator, client):
    emulator.fault("500", times=2)
    replies = [await client.post(emulator.url, json=SEND) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [500, 500, 200]
    assert [record.status for record in emulator.requests] == ["500", "500", 200]
    assert len(emulator.delivered) == 1


async def test_fault_garbage_body_is_200_without_json(emulator, client):
    emulator.fault("garbage_body")
    reply = await client.post(emulator.url, json=SEND)
    assert reply.status_code == 200
    with pytest.raises(ValueError, match="Expecting value"):
        reply.json()


async def test_fault_slow_is_the_usual_reply_later(emulator, client):
    emulator.fault("slow", delay_s=0.1)
    start_s = time.monotonic()
    assert await status_of(client, emulator) == 200
    assert time.monotonic() - start_s >= 0.1
    assert (emulator.requests[0].status, emulator.requests[0].fault) == (200, "slow")


async def test_faults_come_in_order_and_last_until_cleared(emulator, client):
    emulator.fault("garbage_body")
    emulator.fault("500", times=None)
    replies = [await client.post(emulator.url, json=SEND) for _ in range(4)]
    assert [reply.status_code for reply in replies] == [200, 500, 500, 500]
    emulator.clear_faults()
    assert await status_of(client, emulator) == 200


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"kind": "fire"}, "unknown fault"),
        ({"kind": "500", "times": 0}, "at least 1"),
        ({"kind": "slow", "delay_s": -1}, "negative"),
        ({"kind": "slow", "delay_s": float("nan")}, "negative"),
    ],
)
async def test_a_fault_that_cannot_be_is_refused(emulator, arguments, problem):
    with pytest.raises(ValueError, match=problem):
        emulator.fault(**arguments)


async def test_other_paths_are_404_and_other_methods_405(emulator, client):
    other = emulator.url.replace("send", "receive")
    replies = [
        await client.post(other, json=SEND),
        await client.get(emulator.url),
        await client.head(emulator.url),
        await client.put(emulator.url, json=SEND),
    ]
    assert [reply.status_code for reply in replies] == [404, 405, 405, 405]
    assert emulator.requests == []


async def read_until_closed(emulator, data: bytes) -> bytes:
    url = httpx.URL(emulator.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(data)
    try:
        return await asyncio.wait_for(reader.read(), 3)
    finally:
        writer.close()
        await writer.wait_closed()


async def test_one_connection_serves_many_requests(emulator):
    head = b"POST /v1/messages/send HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    body = json.dumps(SEND).encode()
    length = b"Content-Length: %d\r\n" % len(body)
    both = (
        head + length + b"\r\n" + body + head + b"Connection: close\r\n" + length + b"\r\n" + body
    )
    replies = await read_until_closed(emulator, both)
    assert replies.count(b"HTTP/1.1 200 OK\r\n") == 2


async def test_a_chunked_body_is_read(emulator, client):
    async def chunks():
        for byte in json.dumps(SEND).encode():
            yield bytes([byte])

    reply = await client.post(
        emulator.url, content=chunks(), headers={"Content-Type": "application/json"}
    )
    assert reply.status_code == 200


async def test_who_waits_for_100_continue_gets_it(emulator):
    head = b"POST /v1/messages/send HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
    url = httpx.URL(emulator.url)
    reader, writer = await asyncio.open_connection(url.host, url.port)
    writer.write(head + b"Content-Length: 2\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 \r\n\r\n"
    writer.write(b"{}")
    assert await reader.readuntil(b"\r\n") == b"HTTP/1.1 400 Bad Request\r\n"
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("size_bytes", [64 * 1024 + 1, 1_000_000])
async def test_a_body_over_64_kib_is_413(emulator, client, size_bytes):
    reply = await client.post(emulator.url, content=b"x" * size_bytes)
    assert reply.status_code == 413
    assert await status_of(client, emulator) == 200


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"\x16\x03\x01 this is TLS\r\n\r\n", b"400"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 100_000, b"431"),
    ],
)
async def test_what_is_not_http_is_refused_in_http(emulator, data, status):
    assert (await read_until_closed(emulator, data)).startswith(b"HTTP/1.1 " + status)


async def test_an_address_with_its_host_is_understood_as_by_a_proxy(emulator):
    data = (
        b"GET http://push.kilo.chat/v1/messages/send HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    )
    assert (await read_until_closed(emulator, data + b"\r\n")).startswith(b"HTTP/1.1 405")


async def test_fifty_clients_at_once_are_served(emulator):
    emulator.world = World(per_day=40)
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(limits=limits, trust_env=False) as client:
        statuses = await asyncio.gather(*(status_of(client, emulator) for _ in range(50)))
    assert (statuses.count(200), statuses.count(4029)) == (40, 10)


async def test_stopping_leaves_no_task_even_with_clients_in_every_state(client):
    before = asyncio.all_tasks()
    emulator = Emulator()
    await emulator.start()
    emulator.fault("silent")
    waiting = asyncio.create_task(client.post(emulator.url, json=SEND))
    await emulator.wait_for(1)
    url = httpx.URL(emulator.url)
    _, writer = await asyncio.open_connection(url.host, url.port)
    await emulator.stop()
    with pytest.raises(httpx.TransportError):
        await waiting
    writer.close()
    assert asyncio.all_tasks() - before <= {waiting}


async def test_the_address_of_a_wildcard_host_is_one_that_can_be_used(client):
    async with Emulator(host="0.0.0.0") as emulator:
        assert emulator.url.startswith("http://127.0.0.1:")
        assert await status_of(client, emulator) == 200


async def test_the_callback_sees_each_request_before_its_sender_has_the_reply(client):
    seen = []
    async with Emulator(on_request=seen.append) as emulator:
        await client.post(emulator.url, json=SEND)
        assert seen == emulator.requests


async def test_waiting_for_too_many_says_how_many_came(emulator, client):
    await client.post(emulator.url, json=SEND)
    with pytest.raises(TimeoutError, match=r"1 of 2 requests within 0\.05 s"):
        await emulator.wait_for(2, timeout_s=0.05)


async def test_no_repr_shows_a_token(emulator, client):
    await client.post(emulator.url, json=SEND)
    assert not any(token in repr(emulator.requests) for token in (USER, CHANNEL, SECRET))


def control_url(emulator, what: str) -> str:
    return emulator.url.replace("/v1/messages/send", f"/control/{what}")


async def test_control_shows_what_came_in_without_the_secret(emulator, client):
    await client.post(emulator.url, json=SEND)
    reply = await client.get(control_url(emulator, "requests"))
    fields = {key: value for key, value in SEND.items() if key != "secret"}
    record = {"at_s": NOON_S, "status": 200, "accepted": True, "fault": None, "fields": fields}
    assert reply.json() == {"total": 1, "accepted": 1, "requests": [record]}


async def test_control_adds_and_clears_faults(emulator, client):
    url = control_url(emulator, "faults")
    fault = {"kind": "500", "times": None, "delay_s": 0.0}
    assert (await client.post(url, json=fault)).json() == {"waiting": [fault]}
    assert (await client.post(emulator.url, json=SEND)).status_code == 500
    assert (await client.get(url)).json() == {"waiting": [fault]}
    assert (await client.delete(url)).json() == {"waiting": []}
    assert await status_of(client, emulator) == 200


async def test_control_changes_what_is_named_and_nothing_else(emulator, client):
    emulator.world = World(per_day=7, channels={CHANNEL: SECRET})
    changes = {"day": "rolling", "users": [USER], "blacklist": [[USER, CHANNEL]]}
    reply = await client.post(control_url(emulator, "world"), json=changes)
    assert reply.json()["blacklist"] == [[USER, CHANNEL]]
    assert emulator.world == World(
        per_day=7,
        day="rolling",
        channels={CHANNEL: SECRET},
        users=frozenset({USER}),
        blacklist=frozenset({(USER, CHANNEL)}),
    )
    shown = await client.get(control_url(emulator, "world"))
    assert (shown.json()["channels"], SECRET in shown.text) == ([CHANNEL], False)


@pytest.mark.parametrize(
    ("what", "body", "problem"),
    [
        ("faults", b"{", "Expecting"),
        ("faults", b"[]", "JSON object"),
        ("faults", b'{"kind": "fire"}', "kind: Input should be '500'"),
        ("faults", b'{"times": 1}', "kind: Field required"),
        ("faults", b'{"kind": "500", "times": "3"}', "valid integer"),
        ("faults", b'{"kind": "500", "times": 0}', "at least 1"),
        ("faults", b'{"kind": "slow", "delay_s": -1}', "negative"),
        ("world", b'{"quota": 5}', "some of: blacklist"),
        ("world", b'{"per_day": "many"}', "per_day: Input should be a valid integer"),
        ("world", b'{"per_day": -1}', "negative"),
        ("world", b'{"zone": "Nowhere"}', "unknown time zone"),
        ("world", b'{"channels": {"c": 5}}', "channels: Input should be a valid string"),
    ],
)
async def test_control_refuses_a_mistake_and_changes_nothing(emulator, client, what, body, problem):
    before = emulator.world
    reply = await client.post(control_url(emulator, what), content=body)
    assert reply.status_code == 400
    assert problem in reply.json()["error"]
    assert emulator.world == before
    assert (await client.get(control_url(emulator, "faults"))).json() == {"waiting": []}


async def test_control_knows_404_and_405(emulator, client):
    assert (await client.get(control_url(emulator, "quota"))).status_code == 404
    assert (await client.post(control_url(emulator, "requests"))).status_code == 405


def test_an_emulator_in_a_thread_serves_synchronous_tests():
    threads = threading.active_count()
    with running_emulator(World(per_day=2)) as emulator:
        emulator.fault("500")
        for _ in range(3):
            httpx.post(emulator.url, json=SEND, trust_env=False)
        assert [record.status for record in emulator.wait_for(3)] == ["500", 200, 200]
        assert len(emulator.wait_for_delivered(2)) == 2
        emulator.world = replace(emulator.world, per_day=None)
        emulator.fault("drop", times=None)
        emulator.clear_faults()
        assert httpx.post(emulator.url, json=SEND, trust_env=False).status_code == 200
        with pytest.raises(TimeoutError, match="3 of 9 deliveries"):
            emulator.wait_for_delivered(9, timeout_s=0.01)
    assert threading.active_count() == threads


COMMAND = "import typer; from kilopush_bridge.cli.emulator import emulator; typer.run(emulator)"


@contextmanager
def command(*options: str):
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def stop(process, number: signal.Signals) -> tuple[str, str]:
    process.send_signal(number)
    # Not communicate(): it does not see what readline() has read ahead.
    return process.stdout.read(), process.stderr.read()


def test_the_command_shows_each_request_and_ends_with_a_summary_on_ctrl_c():
    with command("--port", "0", "--per-day", "1") as process:
        url = re.search(r"http://\S+", process.stdout.readline()).group()
        message = SEND | {"message": "💧 Water\x1b[31m\nin the cellar", "url": "https://a.b/c"}
        for changes in ({"silent": "1"}, {}):
            httpx.post(url, json=message | changes, trust_env=False)
        out, err = stop(process, signal.SIGINT)
    usage, hint, first, second, summary = out.splitlines()
    assert f"KILOPUSH_API_URL={url}" in usage
    assert "Ctrl-C" in hint
    text = r"💧 Water\x1b[31m\nin the cellar  https://a.b/c"
    assert first.endswith(f"  200   u_1a1a1a…  silent  {text}")
    assert second.endswith(f"{text}  (Exceeded the daily limit for sending messages.)")
    assert summary == "Requests: 2, accepted: 1."
    assert (process.returncode, err) == (0, "")


def test_the_command_prints_json_lines_without_tokens_and_ends_on_sigterm():
    with command("--port", "0", "--json", "--per-day", "unlimited") as process:
        url = json.loads(process.stdout.readline())["url"]
        httpx.post(url, json=SEND, trust_env=False)
        out, err = stop(process, signal.SIGTERM)
    request, stopped = map(json.loads, out.splitlines())
    assert request | {"at_s": 0} == {
        "event": "request",
        "at_s": 0,
        "status": 200,
        "accepted": True,
        "fault": None,
        "to": "u_1a1a1a…",
        "silent": False,
        "message": "Water in the cellar",
        "url": "",
    }
    assert stopped == {"event": "stopped", "requests": 1, "accepted": 1}
    assert (process.returncode, err) == (0, "")
    assert not any(token in out for token in (USER, CHANNEL, SECRET))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--zone", "Nowhere/Atlantis"], "unknown time zone 'Nowhere/Atlantis'"),
        (["--per-day", "many"], "--per-day many: use a number or 'unlimited'"),
    ],
)
def test_the_command_says_a_mistake_in_one_line_and_exits_with_2(options, problem):
    with command(*options) as process:
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err.count("\n")) == (2, "", 1)
    assert problem in err


def test_the_command_says_that_its_port_is_taken_and_exits_with_2():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with command("--port", str(port)) as process:
            out, err = process.communicate(timeout=10)
    expected = f"emulator: cannot listen on 127.0.0.1:{port}: address already in use"
    assert err.startswith(expected)
    assert (process.returncode, out, err.count("\n")) == (2, "", 1)


def test_the_command_warns_beyond_loopback():
    with command("--host", "0.0.0.0", "--port", "0") as process:
        process.stdout.readline()
        _, err = stop(process, signal.SIGINT)
    assert err == "Note: 0.0.0.0 is not loopback; this is a test tool without authentication.\n"
