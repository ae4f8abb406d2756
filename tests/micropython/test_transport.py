"""The way to the API over real sockets: MicroPython's unix port against good and bad servers."""

import datetime as dt
import json
import socket
import ssl
import time

import pytest
import trustme
from micropython import interpreters, servers

from kilopush_bridge.emulator import World, running_emulator

EXCHANGE = interpreters.HERE / "scripts" / "exchange.py"
CHANNEL = "c_" + "C" * 40
USER = "u_" + "U" * 40
SECRET = "S" * 64
TEXT = "💧 Wasser im Keller: 3 °C «Öl»\n👩‍👩‍👧" + " und mehr" * 20
LAST_REQUEST_S = 1795428000  # 2026-11-23 10:00 UTC: what the servers' Date says
TIMES = 1000


def body(**changes):
    fields = {"to": USER, "token": CHANNEL, "secret": SECRET, "message": TEXT, "silent": "0"}
    return json.dumps(fields | changes, ensure_ascii=False)


@pytest.fixture
def exchange(tmp_path):
    """Return a function that lets a board do exchanges, and returns what it printed."""

    def run(api, **asked):
        path = tmp_path / "asked.json"
        asked = {"api": api, "body": body(), **asked}
        path.write_text(json.dumps(asked, ensure_ascii=False))  # it joins no surrogates
        result = interpreters.run("unix", EXCHANGE, path)
        assert result.returncode == 0, result.stdout + result.stderr
        assert SECRET not in result.stdout
        return json.loads(result.stdout)

    return run


# --- Certificates ---------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def roots(authority, tmp_path_factory):
    """Return the paths of two roots in DER; the one that counts is the second."""
    folder = tmp_path_factory.mktemp("roots")
    paths = []
    for name, ca in (("other", trustme.CA()), ("ours", authority)):
        path = folder / f"{name}.der"
        path.write_bytes(ssl.PEM_cert_to_DER_cert(ca.cert_pem.bytes().decode()))
        paths.append(str(path))
    return paths


def tls(certificate, **options):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    for name, value in options.items():
        setattr(context, name, value)
    return context


@pytest.fixture(scope="module")
def trusted(authority):
    return tls(authority.issue_cert("localhost", "127.0.0.1"))


@pytest.fixture(scope="module")
def untrusted(authority):
    """Return by name the TLS of servers that nobody should talk to."""
    long_ago = dt.datetime(2001, 1, 1, tzinfo=dt.timezone.utc)
    far_away = dt.datetime(2090, 1, 1, tzinfo=dt.timezone.utc)
    year = dt.timedelta(days=365)
    issue = authority.issue_cert
    return {
        "wrong host": tls(issue("elsewhere.example")),
        "expired": tls(issue("localhost", not_before=long_ago, not_after=long_ago + year)),
        "not yet valid": tls(issue("localhost", not_before=far_away, not_after=far_away + year)),
        "unknown root": tls(trustme.CA().issue_cert("localhost")),
        "TLS 1.3 only": tls(issue("localhost"), minimum_version=ssl.TLSVersion.TLSv1_3),
    }


def address(server, is_tls=False):
    scheme, host = ("https", "localhost") if is_tls else ("http", "127.0.0.1")
    return f"{scheme}://{host}:{server.port}/v1/messages/send"


# --- The API --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("world", "changes", "outcome", "status"),
    [
        (World(), {}, "sent", 200),
        (World(per_day=0), {}, "quota", 4029),
        (World(blacklist=frozenset({(USER, CHANNEL)})), {}, "opted_out", 4024),
        (World(blocked=frozenset({CHANNEL})), {}, "blocked", 4023),
        (World(channels={}), {}, "forbidden", 4003),
        (World(), {"silent": "perhaps"}, "rejected", 4005),
    ],
)
def test_every_reply_of_the_api_is_understood(exchange, world, changes, outcome, status):
    with running_emulator(world) as emulator:
        told = exchange(emulator.url, insecure=True, body=body(**changes))
        (record,) = emulator.requests
    assert (told["outcome"], told["status"]) == (outcome, status)
    assert abs(told["at_s"] - time.time()) < 10
    assert record.fields["message"] == TEXT


@pytest.mark.parametrize(
    ("kind", "outcome"),
    [
        ("500", "unclear"),
        ("drop", "unclear"),
        ("silent", "unclear"),
        ("garbage", "unclear"),
        ("garbage_body", "unclear"),
        ("reset", "unclear"),
        ("slow", "sent"),
    ],
)
def test_faults_of_the_api(exchange, kind, outcome):
    with running_emulator() as emulator:
        emulator.fault(kind, delay_s=0.2)
        told = exchange(emulator.url, insecure=True, timeout_ms=1000)
    assert told["outcome"] == outcome


def test_a_message_arrives_over_verified_tls(exchange, trusted, roots):
    with servers.Server(servers.reply(servers.GOOD), trusted) as server:
        told = exchange(address(server, is_tls=True), ca=roots)
    assert (told["outcome"], told["at_s"]) == ("sent", LAST_REQUEST_S)
    head, _, got = server.requests[0].partition(b"\r\n\r\n")
    assert json.loads(got)["message"] == TEXT
    assert f"Content-Length: {len(body().encode())}".encode() in head
    assert SECRET.encode() not in server.received


def test_an_ip_address_is_verified_too(exchange, trusted, roots):
    with servers.Server(servers.reply(servers.GOOD), trusted) as server:
        told = exchange(f"https://127.0.0.1:{server.port}/", ca=roots, ballast=True)
    assert told["outcome"] == "sent"


@pytest.mark.parametrize("is_tls", [False, True])
def test_head_asks_for_the_time_without_a_secret(exchange, trusted, roots, is_tls):
    head = servers.HEAD + b"Content-Length: 4000\r\n\r\n"  # of a body that does not come
    with servers.Server(servers.keep_open(head), trusted if is_tls else None) as server:
        told = exchange(address(server, is_tls), ca=roots, insecure=not is_tls, method="head")
    assert (told["at_s"], told["is_ready"]) == (LAST_REQUEST_S, False)
    assert server.requests[0].startswith(b"HEAD /v1/messages/send HTTP/1.1\r\n")
    assert SECRET.encode() not in server.requests[0]


def test_insecure_talks_to_servers_that_nobody_knows(exchange, untrusted):
    with servers.Server(servers.reply(servers.GOOD), untrusted["unknown root"]) as server:
        told = exchange(address(server, is_tls=True), insecure=True)
    assert told["outcome"] == "sent"


# --- What comes back ------------------------------------------------------------------------------

CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n5\r\n%s\r\n%x;x=y\r\n%s\r\n0\r\n\r\n" % (
    servers.REPLY[:5],
    len(servers.REPLY) - 5,
    servers.REPLY[5:],
)
WELL = {
    "in order": servers.reply(servers.GOOD),
    "no goodbye": servers.reply(servers.GOOD, goodbye=False),
    "kept open": servers.keep_open(),
    "chunked": servers.reply(servers.HEAD + CHUNKED),
    "chunked, kept open": servers.keep_open(servers.HEAD + CHUNKED),
    "without a length": servers.reply(servers.HEAD + b"\r\n" + servers.REPLY),
    "announced": servers.reply(b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + servers.GOOD),
    "long lines": servers.reply(
        servers.HEAD + b"X: " + b"Date: x" * 900 + b"\r\n" + servers.GOOD.split(b"\r\n", 1)[1]
    ),
    "reset after it": servers.reset_after_reply,
}


@pytest.mark.parametrize("is_tls", [False, True])
@pytest.mark.parametrize("name", WELL)
def test_a_complete_reply_counts_however_it_comes(exchange, trusted, roots, name, is_tls):
    with servers.Server(WELL[name], trusted if is_tls else None) as server:
        told = exchange(address(server, is_tls), ca=roots, insecure=not is_tls)
    assert (told["outcome"], told["at_s"]) == ("sent", LAST_REQUEST_S)
    assert told["took_ms"] < 1000
    assert told["more_files"] == 0


SHORT = servers.HEAD + b"Content-Length: 300\r\n\r\n" + servers.REPLY
ILL = {
    "silent": servers.silent_after_request,
    "dripping": servers.drip,
    "reset": servers.reset_after_body,
    "garbage": servers.reply(b"\x00\x01\x02 this is not HTTP\r\n\r\n"),
    "nothing": servers.reply(b""),
    "half a head": servers.reply(servers.HEAD[:-9]),
    "cut off": servers.reply(SHORT),
    "bad chunk": servers.reply(servers.HEAD + CHUNKED.replace(b"\n5\r", b"\nfive\r")),
    "endless body": servers.endless(servers.HEAD + b"\r\n", b"x" * 4096),
    "endless chunks": servers.endless(servers.HEAD + CHUNKED[:30], b"1\r\nx\r\n" * 100),
    "endless head": servers.endless(servers.HEAD, b"X: y\r\n" * 100),
    "endless line": servers.endless(servers.HEAD + b"X: ", b"x" * 4096),
}


@pytest.mark.parametrize("is_tls", [False, True])
@pytest.mark.parametrize("name", ILL)
def test_without_a_good_reply_it_is_unclear(exchange, trusted, roots, name, is_tls):
    with servers.Server(ILL[name], trusted if is_tls else None) as server:
        told = exchange(address(server, is_tls), ca=roots, insecure=not is_tls, timeout_ms=600)
    assert told["outcome"] == "unclear"
    assert told["is_ready"]
    assert told["took_ms"] < 700
    assert told["more_files"] == 0


# --- What certainly did not leave -----------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["wrong host", "expired", "not yet valid", "unknown root", "TLS 1.3 only"]
)
def test_nothing_is_written_to_a_server_that_cannot_be_trusted(exchange, untrusted, roots, name):
    with servers.Server(servers.reply(servers.GOOD), untrusted[name]) as server:
        told = exchange(address(server, is_tls=True), ca=roots)
    assert (told["outcome"], told["is_ready"]) == ("unsent", False)
    assert "localhost" in told["detail"]
    assert told["more_files"] == 0
    assert (server.connections, server.requests) == (1, [])
    assert server.errors
    for written in (SECRET, "POST", "Content-Length"):
        assert written.encode() not in server.received


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_refused_connection_is_unsent(exchange, roots, is_tls):
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("127.0.0.1", 0))
        api = f"{'https' if is_tls else 'http'}://localhost:{taken.getsockname()[1]}/"
        told = exchange(api, ca=roots, insecure=not is_tls)
    assert (told["outcome"], told["is_ready"]) == ("unsent", False)
    assert "ECONNREFUSED" in told["detail"]


def test_a_host_that_nobody_knows_is_unsent(exchange):
    told = exchange("http://nowhere.invalid/", insecure=True)
    assert told["outcome"] == "unsent"
    assert told["detail"].startswith("cannot find nowhere.invalid")


@pytest.mark.parametrize("behave", [servers.reset_at_once, servers.reset_before_body])
@pytest.mark.parametrize("is_tls", [False, True])
def test_a_reset_before_the_body_is_unsent(exchange, trusted, roots, behave, is_tls):
    with servers.Server(behave, trusted if is_tls else None) as server:
        told = exchange(address(server, is_tls), ca=roots, insecure=not is_tls, pause_ms=50)
    assert told["outcome"] == "unsent"
    assert SECRET.encode() not in server.received


@pytest.mark.parametrize("is_tls", [False, True])
def test_a_body_that_is_stuck_half_way_is_unsent(exchange, trusted, roots, is_tls):
    with servers.Server(servers.stop_reading, trusted if is_tls else None) as server:
        asked = {"ca": roots, "insecure": not is_tls, "timeout_ms": 600, "repeat_body": 20000}
        told = exchange(address(server, is_tls), **asked)
    assert (told["outcome"], told["is_ready"]) == ("unsent", True)
    assert "no answer within 600 ms" in told["detail"]


@pytest.mark.parametrize(
    ("steps", "has_sent"), [(1, False), (3, None), (30, True)], ids=["early", "ready", "late"]
)
def test_cancel_says_whether_anything_may_have_left(exchange, steps, has_sent):
    with servers.Server(servers.silent_after_request) as server:
        told = exchange(address(server), insecure=True, cancel_after=steps)
    if has_sent is None:
        has_sent = told["is_ready"]
    assert told["cancelled"] is has_sent
    assert told["more_files"] == 0


# --- Time -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("behave", "is_tls", "outcome"),
    [
        (servers.silent, True, "unsent"),
        (servers.silent_after_request, True, "unclear"),
        (servers.silent_after_request, False, "unclear"),
        (servers.drip, True, "unclear"),
        (servers.drip, False, "unclear"),
    ],
)
def test_no_step_waits_and_the_deadline_is_kept(exchange, trusted, roots, behave, is_tls, outcome):
    with servers.Server(behave, trusted if is_tls else None) as server:
        asked = {"ca": roots, "insecure": not is_tls, "timeout_ms": 2000, "pause_ms": 20}
        told = exchange(address(server, is_tls), **asked)
    assert told["outcome"] == outcome
    assert told["steps"] >= 50
    assert 2000 <= told["took_ms"] < 2100
    one_but_longest_us, longest_us = told["longest_us"]
    assert one_but_longest_us < 50_000, "more than the cryptography took long"
    assert longest_us < 1_000_000


# --- A thousand times -----------------------------------------------------------------------------

HTTP_MODES = {
    "refused": None,
    "silent": servers.silent_after_request,
    "dripping": servers.drip,
    "reset before": servers.reset_at_once,
    "reset after": servers.reset_after_body,
    "garbage": ILL["garbage"],
    "nothing": ILL["nothing"],
    "kept open": WELL["kept open"],
    "endless": ILL["endless body"],
}
TLS_MODES = {"silent before TLS": servers.silent, "wrong host": None, "unknown root": None}


def check_growth(told):
    assert sum(told["outcomes"].values()) == TIMES
    assert told["more_files"] == 0
    # One object more from each of them would be at least 16 times as much.
    assert told["more_heap_bytes"] < TIMES


@pytest.mark.parametrize("name", HTTP_MODES)
def test_a_thousand_failures_leave_nothing_behind(exchange, name):
    asked = {"insecure": True, "timeout_ms": 5 if name in ("silent", "dripping") else 2000}
    asked |= {"times": TIMES, "warm_up": 3, "pause_ms": 0, "body": "{}"}
    if name == "refused":
        check_growth(exchange("http://127.0.0.1:1/", **asked))
        return
    with servers.Server(HTTP_MODES[name]) as server:
        check_growth(exchange(address(server), **asked))


@pytest.mark.parametrize("name", TLS_MODES)
def test_a_thousand_failures_of_tls_leave_nothing_behind(exchange, untrusted, roots, name):
    asked = {"ca": roots[1:], "timeout_ms": 5 if name == "silent before TLS" else 2000}
    asked |= {"times": TIMES, "warm_up": 3, "pause_ms": 0, "body": "{}"}
    behave = TLS_MODES[name] or WELL["in order"]
    with servers.Server(behave, untrusted.get(name)) as server:
        check_growth(exchange(address(server, is_tls=True), **asked))


# --- transport="requests" -------------------------------------------------------------------------


def test_requests_of_the_firmware_sends_a_message(exchange):
    with running_emulator() as emulator:
        told = exchange(emulator.url, legacy=True)
        (record,) = emulator.delivered
    assert (told["outcome"], told["more_files"]) == ("sent", 0)
    assert abs(told["at_s"] - time.time()) < 10
    assert record.fields["message"] == TEXT


@pytest.mark.parametrize(
    ("behave", "outcome"),
    [
        (servers.reset_after_body, "unclear"),
        (servers.silent_after_request, "unclear"),
        (servers.reply(b"HTTP/1.1 500 No\r\n\r\n"), "unclear"),
        (servers.reply(b"HTTP/1.1 404 No\r\n\r\n"), "forbidden"),
        (servers.reply(b"HTTP/1.1 302 No\r\nLocation: /\r\n\r\n"), "unclear"),
    ],
)
def test_requests_seldom_knows(exchange, behave, outcome):
    with servers.Server(behave) as server:
        told = exchange(address(server), legacy=True, timeout_ms=500)
    assert told["outcome"] == outcome


@pytest.mark.parametrize("api", ["http://127.0.0.1:1/", "http://nowhere.invalid/x"])
def test_requests_knows_that_there_was_no_connection(exchange, api):
    told = exchange(api, legacy=True, timeout_ms=500)
    assert (told["outcome"], told["is_ready"]) == ("unsent", True)
