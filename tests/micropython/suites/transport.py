"""The way to the API without a network: sockets, TLS and ``requests`` are fakes of this file."""

import shims

OK = (
    b"HTTP/1.1 200 OK\r\nDate: Mon, 23 Nov 2026 10:00:00 GMT\r\nContent-Length: 29\r\n\r\n"
    b'{"response": {"status": 200}}'
)
BODY = "{{{}}}".format("ü" * 150).encode()
DER = b"\x30\x82\x01"


class Net:
    """Everything that the fakes do and see. ``sizes`` says how much each read and write moves.

    A size of 0 is "would block"; the sizes are used in turns.
    """

    def __init__(self, reply=OK, sizes=(1000,), fails_at=None):
        self.reply = reply
        self.sizes = sizes
        self.fails_at = fails_at  # "getaddrinfo", "connect", "wrap_socket", "write", "read"
        self.error = OSError(104, "ECONNRESET")
        self.calls = []
        self.written = b""
        self.turn = 0
        self.open_streams = 0
        self.roots = []

    def note(self, call):
        self.calls.append(call)
        if call == self.fails_at:
            raise self.error

    def size(self):
        self.turn += 1
        return self.sizes[self.turn % len(self.sizes)]

    def getaddrinfo(self, host, port, family=0, kind=0):
        self.note("getaddrinfo")
        return [(2, 1, 6, "", (host, port))]

    def take(self, count):
        count = min(count, self.size() if self.reply else 1)
        data, self.reply = self.reply[:count], self.reply[count:]
        return None if count == 0 else data


NET = Net()


class Stream:
    """A socket or TLS around one."""

    def __init__(self, *args):
        self.is_open = True
        NET.open_streams += 1

    def setblocking(self, blocks):
        assert blocks is False

    def connect(self, address):
        NET.note("connect")
        raise OSError(115, "EINPROGRESS")

    def write(self, data):
        assert self.is_open
        NET.note("write")
        count = min(NET.size(), len(data))
        NET.written += bytes(data[:count])
        return count or None

    def readline(self, max_bytes):
        NET.note("read")
        end = NET.reply.find(b"\n") + 1
        return NET.take(min(max_bytes, end or max_bytes))

    def read(self, max_bytes):
        NET.note("read")
        return NET.take(max_bytes)

    def close(self):
        NET.open_streams -= self.is_open  # a second time does nothing
        self.is_open = False


class Poll:
    def __init__(self):
        self.looks = 0

    def register(self, stream, events):
        pass

    def poll(self, wait_ms):
        assert wait_ms == 0
        self.looks += 1
        return self.looks > 2


class Context:
    def __init__(self, protocol):
        self.verify_mode = None

    def load_verify_locations(self, root):
        if not root.startswith(b"\x30"):
            raise ValueError("invalid cert")
        NET.roots.append(root)

    def wrap_socket(self, sock, server_hostname, do_handshake_on_connect):
        assert not do_handshake_on_connect
        NET.note("wrap_socket")
        NET.calls.append((server_hostname, self.verify_mode))
        return Stream()


def getaddrinfo(*args):
    return NET.getaddrinfo(*args)


shims.put("socket", shims.Module(socket=Stream, SOCK_STREAM=1, getaddrinfo=getaddrinfo))
shims.put("select", shims.Module(poll=Poll, POLLOUT=4))
shims.put(
    "tls",
    shims.Module(SSLContext=Context, PROTOCOL_TLS_CLIENT=0, CERT_NONE=0, CERT_REQUIRED=2),
)
clock = shims.Ticks(shims.PERIOD_MS - 100)  # the count starts anew during the tests
clock.install()

from kilopush.https import Direct  # noqa: E402 - the fakes must be there first
from kilopush.transport import READY  # noqa: E402


def pieces():
    buffer = bytearray(100)
    for start in range(0, len(BODY), 100):
        piece = BODY[start : start + 100]
        buffer[: len(piece)] = piece
        yield memoryview(buffer)[: len(piece)]


def use(**options):
    global NET  # noqa: PLW0603 - the fakes are modules, and look here
    NET = Net(**options)
    return NET


def drive(way, max_steps=10000):
    """Step until the verdict, and return it; READY is answered at once."""
    for _ in range(max_steps):
        result = way.step()
        if result == READY:
            way.go()
        elif result is not None:
            assert not way.busy
            assert NET.open_streams == 0
            return result
        clock.sleep_ms(1)
    raise AssertionError("it goes on for ever")


def post(way):
    way.post(pieces)
    return drive(way)


def refusal(*args, **options):
    try:
        Direct(*args, **options)
    except ValueError as error:
        return str(error)
    return None


def test_the_request_is_whole_however_little_goes_at_a_time():
    for sizes in ((1000,), (1,), (0, 7), (0, 0, 100, 3)):
        net = use(sizes=sizes)
        verdict = post(Direct("http://host:81/path", insecure=True))
        assert (verdict.outcome, verdict.at_s) == ("sent", 1795428000)
        head, _, body = net.written.partition(b"\r\n\r\n")
        assert body == BODY
        lines = head.decode().split("\r\n")
        assert lines[0] == "POST /path HTTP/1.1"
        assert "Host: host:81" in lines
        assert "Connection: close" in lines
        assert "Content-Length: {}".format(len(BODY)) in lines


def test_nothing_of_the_body_leaves_before_go():
    net = use()
    way = Direct("https://host/", ca=DER)
    way.post(pieces)
    while way.step() != READY:
        pass
    for _ in range(20):
        assert way.step() is None
    assert net.written.endswith(b"\r\n\r\n")
    assert way.cancel() is False
    assert net.open_streams == 0


def test_time_that_ready_waits_counts():
    use()
    way = Direct("http://host/", insecure=True, timeout_ms=500)
    way.post(pieces)
    while way.step() != READY:
        pass
    clock.sleep_ms(501)
    assert way.step().outcome == "unsent"
    assert not way.busy
    assert way.step() is None


def test_the_name_is_verified_and_every_root_is_loaded_by_itself():
    net = use()
    way = Direct("https://host/", ca=(DER, DER + b"2"))
    net.roots = []
    assert post(way).outcome == "sent"
    assert net.roots == [DER, DER + b"2"]
    assert ("host", 2) in net.calls
    assert way.secure


def test_insecure_does_not_verify():
    net = use()
    way = Direct("https://host/", insecure=True)
    assert post(way).outcome == "sent"
    assert ("host", 0) in net.calls
    assert not way.secure


def test_a_failure_before_the_last_byte_is_unsent_and_after_it_unclear():
    for place in ("getaddrinfo", "connect", "wrap_socket", "write"):
        for error in (OSError(104), ValueError("bad"), MemoryError()):
            net = use(fails_at=place)
            net.error = error
            verdict = post(Direct("https://host/", ca=DER))
            assert verdict.outcome == "unsent", (place, error, verdict)
            assert "host" in verdict.detail
    for error in (OSError(104), ValueError("bad"), MemoryError()):
        net = use(fails_at="read")
        net.error = error
        assert post(Direct("https://host/", ca=DER)).outcome == "unclear"


def test_the_address_is_asked_for_again_only_after_a_failure():
    net = use()
    way = Direct("http://host/", insecure=True)
    for _ in range(3):
        net.reply = OK
        assert post(way).outcome == "sent"
    assert net.calls.count("getaddrinfo") == 1
    net.fails_at = "write"
    assert post(way).outcome == "unsent"
    net.fails_at, net.reply = None, OK
    assert post(way).outcome == "sent"
    assert net.calls.count("getaddrinfo") == 2


def test_the_watchdog_is_fed_at_every_step():
    use(sizes=(0, 5))
    watchdog = shims.WDT()
    way = Direct("http://host/", insecure=True, feed=watchdog.feed)
    assert post(way).outcome == "sent"
    assert watchdog.feeds > 50


def test_a_new_exchange_ends_the_old_one():
    net = use()
    way = Direct("http://host/", insecure=True)
    way.post(pieces)
    while way.step() != READY:
        pass
    net.written = b""
    way.head()
    assert drive(way).at_s == 1795428000
    assert net.written.startswith(b"HEAD / HTTP/1.1\r\n")
    assert net.written.endswith(b"\r\n\r\n")


def test_ballast_is_held_while_there_is_no_connection():
    net = use()
    way = Direct("https://host/", ca=DER, ballast=True)
    assert sum(len(part) for part in way._ballast) > 30000
    way.post(pieces)
    while way.step() != READY:
        pass
    assert "wrap_socket" in net.calls
    assert way._ballast is None
    way.go()
    drive(way)
    assert sum(len(part) for part in way._ballast) > 30000


def test_what_cannot_be_used_is_refused_in_words():
    for api in ("", "host", "ftp://host/", "https://", "https://host:port/", "https://a b/"):
        assert "https://HOST/PATH" in refusal(api, ca=DER)
    assert "https://" in refusal("http://host/")
    assert "DER" in refusal("https://host/")
    assert "DER" in refusal("https://host/", ca=b"-----BEGIN CERTIFICATE-----")
    assert "DER" in refusal("https://host/", ca="/no/such/file.der")
    assert refusal("https://host/", ca=DER) is None


def test_the_reply_is_bounded():
    use(reply=b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 5000)
    assert post(Direct("http://host/", insecure=True)).outcome == "unclear"
    assert len(NET.reply) > 4000
    use(reply=b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 5000 + OK[17:])
    assert "too long" in post(Direct("http://host/", insecure=True)).detail
