"""Servers for the transport of boards: good ones, and each kind of bad one.

A behaviour is a function that gets a ``Link``: what the server does to one connection. Everything
that arrives is kept, as it came over the wire (``received``) and, over TLS, in the clear.
"""

import contextlib
import socket
import ssl
import struct
import threading
import time

REPLY = b'{"response": {"status": 200}}'
DATE = b"Date: Mon, 23 Nov 2026 10:00:00 GMT\r\n"
HEAD = b"HTTP/1.1 200 OK\r\n" + DATE + b"Content-Type: application/json\r\n"
GOOD = HEAD + b"Content-Length: %d\r\n\r\n" % len(REPLY) + REPLY


class Link:
    """One connection: bytes in the clear, whether or not there is TLS below."""

    def __init__(self, sock, context, received):
        self._sock = sock
        self._received = received
        self._tls = None
        if context:
            self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
            self._tls = context.wrap_bio(self._in, self._out, server_side=True)

    def recv(self):
        """Return some bytes, b"" when the client is gone."""
        if self._tls is None:
            return self._recv_raw()
        return self._do(lambda: self._tls.read(4096))

    def send(self, data):
        if self._tls is None:
            self._sock.sendall(data)
        else:
            self._do(lambda: self._tls.write(data))

    def shake_hands(self):
        if self._tls:
            self._do(self._tls.do_handshake)

    def reset(self):
        """Break off with a TCP RST: close() without lingering (socket(7), SO_LINGER)."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def say_goodbye(self):
        """End TLS in order; most servers do, some only close the connection."""
        if self._tls:
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()
            self._sock.sendall(self._out.read())

    def read_head(self):
        return self._read_until(lambda data: b"\r\n\r\n" in data)

    def read_request(self):
        def is_complete(data):
            head, end, body = data.partition(b"\r\n\r\n")
            _, _, length = head.lower().partition(b"content-length:")
            return end and len(body) >= int(length.split()[0] if length else 0)

        return self._read_until(is_complete)

    def wait_until_gone(self):
        while self.recv():
            pass

    def _read_until(self, is_complete):
        data = b""
        while not is_complete(data):
            part = self.recv()
            if not part:
                raise ConnectionError("the client is gone")
            data += part
        return data

    def _recv_raw(self):
        data = self._sock.recv(4096)
        self._received.extend(data)
        return data

    def _do(self, action):
        while True:
            try:
                result = action()
            except ssl.SSLWantReadError:
                self._sock.sendall(self._out.read())
                data = self._recv_raw()
                if data:
                    self._in.write(data)
                else:
                    self._in.write_eof()
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self._sock.sendall(self._out.read())  # the alert that says why
                raise
            else:
                self._sock.sendall(self._out.read())
                return result


class Server:
    """A server on 127.0.0.1 that treats every connection alike.

    ``connections`` counts them, ``received`` is every byte that came over the wire, ``requests``
    are those that a behaviour has read, ``errors`` the ones of TLS.
    """

    def __init__(self, behave, context=None):
        self.connections = 0
        self.received = bytearray()
        self.requests = []
        self.errors = []
        self._behave = behave
        self._context = context
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self._socket.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._socket.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._socket.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        sock.settimeout(10)
        with sock:
            try:
                link = Link(sock, self._context, self.received)
                self._behave(link, self)
            except ssl.SSLError as error:
                self.errors.append(str(error))
            except OSError:
                pass  # the client has gone


# --- Behaviours -----------------------------------------------------------------------------------


def reply(data, goodbye=True):
    """Read a whole request, answer with these bytes, and close."""

    def behave(link, server):
        server.requests.append(link.read_request())
        link.send(data)
        if goodbye:
            link.say_goodbye()

    return behave


def keep_open(data=GOOD):
    """Answer, and leave the connection open."""

    def behave(link, server):
        server.requests.append(link.read_request())
        link.send(data)
        link.wait_until_gone()

    return behave


def silent(link, server):
    """Accept, and never say anything, not even of TLS."""
    while link._recv_raw():
        pass


def silent_after_request(link, server):
    server.requests.append(link.read_request())
    link.wait_until_gone()


def drip(link, server):
    """Answer with one byte every 50 ms, for ever."""
    server.requests.append(link.read_request())
    for byte in HEAD + b"X-Filler: " + b"x" * 4000:
        link.send(bytes([byte]))
        time.sleep(0.05)


def reset_at_once(link, server):
    link.reset()


def reset_before_body(link, server):
    link.read_head()
    link.reset()


def reset_after_body(link, server):
    server.requests.append(link.read_request())
    link.reset()


def reset_after_reply(link, server):
    """Answer in full, then break off: the reply counts."""
    server.requests.append(link.read_request())
    link.send(GOOD)
    time.sleep(0.05)
    link.reset()


def stop_reading(link, server):
    """Read the head of the request, and leave its body in the buffers until nothing more fits."""
    link.shake_hands()
    link._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    time.sleep(5)


def endless(head, filler):
    """Answer with something that never ends, as fast as it goes."""

    def behave(link, server):
        server.requests.append(link.read_request())
        link.send(head)
        while True:
            link.send(filler)

    return behave
