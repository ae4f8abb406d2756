"""One HTTP/1.1 reply, read from a stream that never waits.

It ends where the reply says that it ends, not where the connection does: some servers keep theirs
open, and TLS reports a missing goodbye as an error. Nothing here can be made to read for ever.
"""

from micropython import const

# A piece of a line. The four headers that matter are shorter; of others the beginning is enough.
_PIECE_BYTES = const(128)
_NAME_BYTES = const(18)  # of the longest header that matters, its colon included
# As much as servers usually accept of a client (nginx, large_client_header_buffers: 8 KB).
_HEAD_MAX_BYTES = const(8192)
# The API answers in about 100 bytes. What is longer comes from a gateway, and its status tells all.
_BODY_MAX_BYTES = const(512)


class Reply:
    """What came back: ``status``, ``date`` (the header's text, or "") and ``body``, its beginning.

    Args:
        stream: a socket that does not block, or TLS around one.
    """

    def __init__(self, stream):
        self.status = 0
        self.date = ""
        self.body = b""
        self._stream = stream
        self._head_left_bytes = _HEAD_MAX_BYTES
        self._begun = b""  # a line that is not all there

    def read(self, has_body):
        """Yield as often as there is nothing to read yet; return when the reply is complete.

        Raises:
            OSError: the connection broke.
            ValueError: it ended before the reply did, or what came is not HTTP.
        """
        while self.status < 200:  # 1xx announces that the real one is still to come
            length_bytes = yield from self._read_head()
        if not has_body:
            return
        if length_bytes == "chunked":
            yield from self._read_chunks()
        else:
            yield from self._read_body(length_bytes)

    def _read_head(self):
        """Return the body's length in bytes, "chunked", or None: until the connection ends."""
        while (line := self._line()) is None:
            yield
        words = line.split(None, 2)
        if len(words) < 2 or not words[0].startswith(b"HTTP/1."):
            raise ValueError("the reply is not HTTP")
        self.status = int(words[1])
        length_bytes = None
        while True:
            while (line := self._line()) is None:
                yield
            if len(line) <= 2:  # only its end
                return length_bytes
            name = line[:_NAME_BYTES].lower()
            if name.startswith(b"date:"):
                self.date = line[5:].decode()
            elif name.startswith(b"transfer-encoding:"):
                length_bytes = "chunked"
            elif name.startswith(b"content-length:") and length_bytes is None:
                length_bytes = int(line[15:])

    def _line(self):
        """Return the next line, None if it is not all there; of a long one only the beginning."""
        while True:
            part = self._stream.readline(_PIECE_BYTES)
            if part is None:
                return None
            if not part:
                raise ValueError("the connection ended early")
            self._head_left_bytes -= len(part)
            if self._head_left_bytes < 0:
                raise ValueError("the head of the reply is too long")
            if len(self._begun) < _PIECE_BYTES:
                self._begun += part
            if part.endswith(b"\n"):
                line, self._begun = self._begun, b""
                return line

    def _read_chunks(self):
        size_bytes = 1
        while size_bytes and len(self.body) < _BODY_MAX_BYTES:
            while (line := self._line()) is None:
                yield
            size_bytes = int(line.split(b";")[0], 16)
            yield from self._read_body(size_bytes)
            while self._line() is None:  # a chunk ends with an empty line, and so does the last
                yield

    def _read_body(self, length_bytes):
        left_bytes = _BODY_MAX_BYTES - len(self.body)
        if length_bytes is not None:
            left_bytes = min(left_bytes, length_bytes)
        while left_bytes > 0:
            part = self._stream.read(min(left_bytes, _PIECE_BYTES))
            if part is None:
                yield
                continue
            if not part:
                if length_bytes is None:
                    return
                raise ValueError("the connection ended early")
            self.body += part
            left_bytes -= len(part)
