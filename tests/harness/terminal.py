"""A program on a terminal, and a person who types."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

CTRL_C, CTRL_D = "\x03", "\x04"

# Ctrl-C reaches who has the terminal as its own; a new session has none until it asks.
_TAKE_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.argv[1], sys.argv[1:])
"""


class Terminal:
    """`said` is all that the screen has shown."""

    def __init__(self, command: Sequence[str], folder: Path, environment: Mapping[str, str]):
        self._own, other = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _TAKE_TERMINAL, *command],
            stdin=other,
            stdout=other,
            stderr=other,
            cwd=folder,
            env=dict(environment),
            start_new_session=True,
        )
        os.close(other)
        self.said = ""
        self._seen = 0

    def expect(self, text: str, timeout_s: float = 25.0) -> None:
        """Wait until `text` shows behind what was expected before."""
        ends_at_s = time.monotonic() + timeout_s
        while (at := self.said.find(text, self._seen)) < 0:
            assert time.monotonic() < ends_at_s, f"no `{text}` in:\n{self.said}"
            assert self._read(), f"the program ended without `{text}`:\n{self.said}"
        self._seen = at + len(text)

    def type(self, text: str) -> None:
        time.sleep(0.1)  # a hidden question turns off the echo after it is shown
        os.write(self._own, text.encode())

    def answer(self, question: str, text: str) -> None:
        """Wait for a question and answer it; an empty text is the Enter key."""
        self.expect(question)
        self.type(f"{text}\n")

    def wait_ended(self, timeout_s: float = 25.0) -> int:
        ends_at_s = time.monotonic() + timeout_s
        while self._read():
            assert time.monotonic() < ends_at_s, f"it does not end:\n{self.said}"
        return self._process.wait(5)

    def _read(self) -> bool:
        """Take what is there, after a moment; return whether there may be more."""
        if not select.select([self._own], [], [], 0.1)[0]:
            return True
        try:
            piece = os.read(self._own, 65_536)
        except OSError:  # nobody has the other end any more
            return False
        self.said += piece.decode(errors="replace").replace("\r\n", "\n")
        return bool(piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(5)
        os.close(self._own)
