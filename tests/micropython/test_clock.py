"""How a board gets the time, from servers of its own: NTP over UDP, HTTP over TCP."""

import json
import socket
import struct
import threading
from contextlib import contextmanager

import pytest
from micropython import interpreters, servers

SCRIPT = interpreters.HERE / "scripts" / "set_clock.py"
NOW_S = 1795428000
NOW = [2026, 11, 23, 1, 10, 0, 0, 0]  # the same in the words of machine.RTC, a Monday
NTP_TO_UNIX_S = 2208988800


def answer(request, at_s=NOW_S, first=0x24, stratum=2, origin=None):
    """Return a server's packet: version 4, mode 4 unless ``first`` says otherwise."""
    head = struct.pack(">BB22x", first, stratum)
    transmit = struct.pack(">II", (at_s + NTP_TO_UNIX_S) % 2**32, 0)
    return head + (request[40:48] if origin is None else origin) + bytes(8) + transmit


FORGED = {
    "of somebody else": lambda request: answer(request, origin=b"\x01" * 8),
    "of a client": lambda request: answer(request, first=0x23),
    "of a broadcast": lambda request: answer(request, first=0x25),
    "kiss of death": lambda request: answer(request, stratum=0),
    "stratum 16": lambda request: answer(request, stratum=16),
    "unsynchronised": lambda request: answer(request, first=0xE4),
    "cut off": lambda request: answer(request)[:47],
    "empty": lambda request: b"",
}


@contextmanager
def ntp_server(*answers):
    """Run a server that sends all of these to each request; yield its address and what it got."""
    got = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        server.settimeout(0.1)
        is_over = threading.Event()

        def serve():
            while not is_over.is_set():
                try:
                    request, client = server.recvfrom(100)
                except TimeoutError:
                    continue
                got.append(request)
                for each in answers:
                    server.sendto(each(request), client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", got
        is_over.set()
        thread.join()


def ask(host, ntp_host, attempts=1, epoch=1970, timeout_ms=500):
    result = interpreters.run("unix", SCRIPT, host, ntp_host, attempts, epoch, timeout_ms)
    assert result.returncode == 0, result.stdout + result.stderr
    told = json.loads(result.stdout)
    assert told["was_set"] is False
    assert told["more_files"] == 0
    return told


@pytest.mark.parametrize("epoch", [1970, 2000])
def test_ntp_sets_the_clock(epoch):
    with ntp_server(answer) as (ntp_host, got):
        told = ask("127.0.0.1:1", ntp_host, epoch=epoch)
    assert (told["results"], told["is_set"], told["rtc"]) == ([True], True, NOW)
    (request,) = got
    assert (len(request), request[0], request[1:40]) == (48, 0x23, bytes(39))


def test_no_two_requests_are_alike():
    with ntp_server(FORGED["kiss of death"]) as (ntp_host, got):
        ask("127.0.0.1:1", ntp_host, attempts=3)
    assert len(set(got)) == len(got) == 2


def test_forged_replies_are_passed_over():
    with ntp_server(*FORGED.values(), answer) as (ntp_host, _):
        told = ask("127.0.0.1:1", ntp_host)
    assert (told["results"], told["rtc"]) == ([True], NOW)


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_reply_sets_nothing(name):
    with ntp_server(FORGED[name]) as (ntp_host, _):
        told = ask("127.0.0.1:1", ntp_host)
    assert (told["results"], told["is_set"]) == ([False], False)


@pytest.mark.parametrize("at_s", [0, 1700000000, 2**32 - 1])
def test_only_a_time_after_the_build_is_believed(at_s):
    with ntp_server(lambda request: answer(request, at_s)) as (ntp_host, _):
        told = ask("127.0.0.1:1", ntp_host)
    assert told["is_set"] is (at_s > NOW_S)


@pytest.mark.parametrize("ntp_host", ["127.0.0.1:1", "nowhere.invalid"])
def test_without_ntp_the_api_is_asked_in_the_clear_and_without_a_secret(ntp_host):
    head = servers.HEAD.replace(b"200 OK", b"301 Moved Permanently") + b"\r\n"
    with servers.Server(servers.reply(head)) as server:
        told = ask(f"127.0.0.1:{server.port}", ntp_host, attempts=2)
    assert (told["results"], told["rtc"]) == ([False, True], NOW)
    (request,) = server.requests
    assert request.startswith(b"HEAD / HTTP/1.1\r\n")
    assert request.endswith(b"\r\n\r\n")
    assert bytes(server.received) == request


@pytest.mark.parametrize(
    "behave",
    [
        servers.silent,
        servers.reset_at_once,
        servers.reply(b"nonsense\r\n\r\n"),
        servers.reply(b"HTTP/1.1 200 OK\r\n\r\n"),
        servers.reply(b"HTTP/1.1 200 OK\r\nDate: Sat, 01 Jan 2000 00:00:00 GMT\r\n\r\n"),
        servers.reply(b"HTTP/1.1 200 OK\r\nDate: Sat, 01 Jan 9999 00:00:00 GMT\r\n\r\n"),
    ],
)
def test_a_bad_server_sets_nothing_and_stops_nothing(behave):
    with servers.Server(behave) as server:
        told = ask(f"127.0.0.1:{server.port}", "nowhere.invalid", attempts=2, epoch=2000)
    assert told["results"][0] is False
    assert told["more_files"] == 0


def test_no_step_waits():
    with ntp_server() as (ntp_host, _):
        told = ask("127.0.0.1:1", ntp_host, timeout_ms=2000)
    assert told["results"] == [False]
    assert told["steps"][0] >= 50
