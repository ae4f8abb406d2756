"""A socket that is read in large pieces.

paho reads a packet with three small `recv` calls and asks `select` before each. Reading what is
there at once and letting paho take its bytes from memory makes receiving nearly twice as fast
(docs/performance.md). It also keeps the reason why a connection broke, which paho drops.
"""

from __future__ import annotations

import ssl
from typing import Any

READ_BYTES = 65_536

_WOULD_BLOCK = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class BufferedSocket:
    """The part of a socket that paho uses, over a connected TCP, TLS or WebSocket connection.

    `fill` is the only method that reads from the network; `recv` serves from memory.
    """

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._buffer = b""
        self._at = 0
        self._has_ended = False
        self.error: OSError | None = None

    def fill(self) -> bool:
        """Read what is there, at most `READ_BYTES`; return whether more may be there unseen.

        TLS and WebSockets keep data of their own, which no selector knows of.
        """
        pieces = [self._buffer[self._at :]]
        size = 0
        try:
            while size < READ_BYTES:
                piece = self._socket.recv(READ_BYTES - size)
                if not piece:
                    self._has_ended = True
                    break
                pieces.append(piece)
                size += len(piece)
        except _WOULD_BLOCK:
            pass
        except OSError as error:
            self.error = error
        self._buffer, self._at = b"".join(pieces), 0
        return size >= READ_BYTES or self.pending() > 0

    @property
    def has_news(self) -> bool:
        """Whether paho has something to read: bytes, the end, or an error."""
        return self._at < len(self._buffer) or self._has_ended or self.error is not None

    def recv(self, size: int) -> bytes:
        """Return up to `size` bytes from memory."""
        if self._at < len(self._buffer):
            piece = self._buffer[self._at : self._at + size]
            self._at += size
            return piece
        if self.error is not None:
            raise self.error
        if self._has_ended:
            return b""
        raise BlockingIOError

    def send(self, data: bytes | bytearray) -> int:
        """Send what the network takes; return how much that was."""
        try:
            return int(self._socket.send(data))
        except _WOULD_BLOCK as error:
            raise BlockingIOError from error
        except OSError as error:
            self.error = self._reason(error)
            raise

    def _reason(self, error: OSError) -> OSError:
        """Return why sending failed: TLS 1.3 says it in an alert that is only seen by reading."""
        try:
            self._socket.recv(1)
        except _WOULD_BLOCK:
            return error
        except OSError as reason:
            return reason
        return error

    def pending(self) -> int:
        """Return how many bytes TLS has decrypted and not handed out."""
        pending = getattr(self._socket, "pending", None)
        return int(pending()) if pending else 0

    def setblocking(self, flag: bool) -> None:
        """Switch between waiting and not waiting."""
        self._socket.setblocking(flag)

    def fileno(self) -> int:
        """Return the file descriptor, -1 after `close`."""
        return int(self._socket.fileno())

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()
