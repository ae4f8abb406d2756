"""One exchange with the API: HTTP over verified TLS, in steps that never wait for the network.

Only two things in a step take their time, and no board can do them in parts: asking for the host's
address (DNS), and the cryptography of a connection (about a second on an ESP32, once).

What a failure means depends on one fact, whether all of the body was handed over to the network:
if not, the message is certainly unsent; if so, only a reply can tell.
"""

import errno
import gc
import select
import socket
from time import ticks_add, ticks_diff, ticks_ms

import tls

from .core.protocol import Verdict, classify, is_link, lost, unsent
from .reply import Reply
from .transport import READY
from .version import VERSION

# How far an exchange came, as the verb of the sentence that says why it came no further.
_FIND = "find"
_REACH = "reach"
_SEND = "send to"
_HEAR = "hear from"

# A connection that is being made. Source: errno.h of Linux and of lwIP (115), of newlib (119).
_IN_PROGRESS = (errno.EINPROGRESS, 115, 119)

# What TLS takes from the heap. Source: measured on a 32-bit build whose mbedTLS allocates there, as
# on the Pico W: 16.7 KB to receive (MBEDTLS_SSL_IN_CONTENT_LEN and its overhead), 4.4 KB to send,
# each in one piece, and 8 KB in small ones for the context, a root and the handshake.
_BALLAST_BYTES = (17500, 4800, 2048, 2048, 2048, 2048)

_HEAD = (
    "{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n"
    "User-Agent: kilopush-micropython/{}\r\n{}\r\n"
)
_POST_HEADERS = "Content-Type: application/json\r\nContent-Length: {}\r\n"
_ASK_HEADERS = "Cache-Control: no-cache\r\n"


class Direct:
    """The way to the API, by a new connection for each exchange.

    ``host`` is the server's name; ``secure`` is whether its certificate is checked, for which the
    board's clock must be right; ``busy`` is whether an exchange is under way.

    Args:
        api: the address, "https://HOST[:PORT]/PATH".
        ca: root certificates in DER: bytes, or the path of a file that is read when it is needed,
            or several of these.
        insecure: allow http://, and do not check the certificate of https://.
        timeout_ms: for a whole exchange, at most 6 days.
        ballast: hold the memory that TLS will take while there is no connection, so that a heap
            full of holes still has room for it.
        feed: called before each step: the watchdog's ``feed``.

    Raises:
        ValueError: the address or a certificate cannot be used.
    """

    def __init__(self, api, ca=(), insecure=False, timeout_ms=12000, ballast=False, feed=None):
        scheme, _, rest = api.partition("://")
        self._authority, slash, path = rest.partition("/")
        self._path = slash + path or "/"
        self.host, _, port = self._authority.partition(":")
        if not is_link(api) or not (port or "0").isdigit():
            raise ValueError("api: {} is not like https://HOST/PATH".format(api))
        self._is_tls = scheme == "https"
        if not self._is_tls and not insecure:
            raise ValueError("api: http:// shows the secret to everybody; use https://")
        self.secure = not insecure
        self._port = int(port or (443 if self._is_tls else 80))
        self._roots = (ca,) if isinstance(ca, (bytes, str)) else ca
        if self.secure:
            self._check_roots()
        self._timeout_ms = timeout_ms
        self._feed = feed
        self._ballast_bytes = _BALLAST_BYTES if ballast and self._is_tls else ()
        self._ballast = self._address = self._sock = self._stream = None
        self._close()

    def post(self, pieces):
        """Start to send a message.

        ``pieces()`` returns an iterator of the body's pieces, bytes-like; it is called twice, to
        count and to send. A piece may change when the next one is asked for.
        """
        self._start("POST", pieces)

    def head(self):
        """Start to ask the same address for its reply's ``Date``, without a body or a secret."""
        self._start("HEAD", None)

    def step(self):
        """Do what can be done now; never raises.

        Returns None while there is more to come; READY once, when all is done but the body, which
        waits for ``go()``; at last a ``Verdict``.
        """
        if not self.busy:
            return None
        if self._feed:
            self._feed()
        try:
            if ticks_diff(self._deadline_ms, ticks_ms()) > 0:
                result = next(self._exchange)
            else:
                result = self._explain("no answer within {} ms".format(self._timeout_ms))
        except (OSError, ValueError, MemoryError) as error:
            result = self._explain(error)
        if isinstance(result, Verdict):
            self._close()
        return result

    def go(self):
        """Let the body go."""
        self._stage = _SEND

    def cancel(self):
        """Close. Return False if certainly nothing of a body was sent."""
        was_sending = self.busy and self._stage in (_SEND, _HEAR)
        self._close()
        return was_sending

    def _start(self, method, pieces):
        self._close()
        self._exchange = self._run(method, pieces)
        self._stage = _FIND
        self._deadline_ms = ticks_add(ticks_ms(), self._timeout_ms)
        self.busy = True

    def _run(self, method, pieces):
        headers = _ASK_HEADERS
        if pieces:
            headers = _POST_HEADERS.format(sum(len(piece) for piece in pieces()))
        head = _HEAD.format(method, self._path, self._authority, VERSION, headers)
        yield from self._connect()
        # This is also how TLS is agreed on: nothing is written before the server has proved who it
        # is, and there is no other way to have it done without waiting.
        self._rest = head.encode()
        while not self._is_written():
            yield
        if pieces:
            yield READY
            while self._stage != _SEND:
                yield
            for piece in pieces():
                self._rest = piece
                while not self._is_written():
                    yield
            self._stage = _HEAR
        reply = Reply(self._stream)
        yield from reply.read(pieces is not None)
        yield classify(reply.status, reply.body, reply.date)

    def _connect(self):
        if not self._address:
            self._address = socket.getaddrinfo(self.host, self._port, 0, socket.SOCK_STREAM)[0]
            yield  # it may have taken long
        self._stage = _REACH
        self._sock = self._stream = socket.socket(self._address[0], socket.SOCK_STREAM)
        self._sock.setblocking(False)
        try:
            self._sock.connect(self._address[-1])
        except OSError as error:
            if error.errno not in _IN_PROGRESS:
                raise
        poller = select.poll()
        poller.register(self._sock, select.POLLOUT)
        while not poller.poll(0):
            yield
        if self._is_tls:
            if self._ballast:
                self._ballast = None
                gc.collect()
            self._stream = self._context().wrap_socket(
                self._sock, server_hostname=self.host, do_handshake_on_connect=False
            )

    def _is_written(self):
        """Write on; return whether all is written.

        What cannot be written is written again with the same bytes: mbedTLS may hold some already.
        """
        count = self._stream.write(self._rest) or 0
        if count < len(self._rest):
            self._rest = memoryview(self._rest)[count:]
            return False
        return True

    def _context(self):
        context = tls.SSLContext(tls.PROTOCOL_TLS_CLIENT)
        context.verify_mode = tls.CERT_REQUIRED if self.secure else tls.CERT_NONE
        for root in self._roots:
            # One call each: of several in one, mbedTLS takes the first.
            context.load_verify_locations(_read(root) if isinstance(root, str) else root)
        return context

    def _check_roots(self):
        problem = "none given"
        try:
            if self._roots and self._context():
                return
        except (OSError, TypeError, ValueError) as error:
            problem = error
        raise ValueError("ca= must be roots in DER, not PEM, as bytes or path: {}".format(problem))

    def _explain(self, error):
        stage = self._stage
        if stage == _REACH and isinstance(error, ValueError):  # so certificate errors are raised
            stage = "trust (is the clock right? is ca?)"
        detail = "cannot {} {}: {}".format(stage, self.host, error)
        if stage == _HEAR:
            return lost(detail)
        self._address = None  # perhaps it has another one now
        return unsent(detail)

    def _close(self):
        # Both, because TLS does not always close the socket under it when it has failed.
        _close(self._stream)
        _close(self._sock)
        self._stream = self._sock = self._exchange = None
        self.busy = False
        if not self._ballast:
            self._take_ballast()

    def _take_ballast(self):
        self._ballast = []
        try:
            for size_bytes in self._ballast_bytes:
                self._ballast.append(bytearray(size_bytes))
        except MemoryError:
            pass  # the largest come first, so what could be had helps


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _close(stream):
    try:
        if stream:
            stream.close()
    except OSError:
        pass  # it was gone already
