"""A real mosquitto on a free port, with its own folder."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from typing import TYPE_CHECKING, Self

import pytest

from harness.wait import wait_until

if TYPE_CHECKING:
    from pathlib import Path


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def broker_program() -> str:
    """Return where mosquitto is; without it, fail in CI and skip elsewhere."""
    program = shutil.which("mosquitto") or shutil.which(
        "mosquitto", path="/usr/sbin:/usr/local/sbin"
    )
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("mosquitto is not installed; in CI that is a failure")
        pytest.skip("mosquitto is not installed: apt-get install mosquitto")
    return program


class Mosquitto:
    """One broker process; sessions and retained messages survive `restart`."""

    def __init__(
        self, folder: Path, extra: str = "", listener: str = "", port: int | None = None
    ) -> None:
        self.port = port or free_port()
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777)  # started by root, mosquitto changes to a user of its own
        self._file = folder / "mosquitto.conf"
        anonymous = "" if "allow_anonymous" in extra else "allow_anonymous true\n"
        self._file.write_text(
            f"listener {self.port} 127.0.0.1\n{listener}\n{anonymous}"
            f"persistence true\npersistence_location {folder}/\nautosave_interval 1\n"
            f"max_queued_messages 0\nmax_inflight_messages 200\nuser root\nlog_type all\n{extra}\n"
        )

    @property
    def url(self) -> str:
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def log(self) -> str:
        return (self._folder / "mosquitto.log").read_text(errors="replace")

    def start(self) -> Self:
        with (self._folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen(
                [broker_program(), "-c", str(self._file)], stdout=log, stderr=log
            )
        wait_until(self._answers, what="mosquitto listening")
        return self

    def stop(self) -> None:
        """End it in order: mosquitto then writes its sessions to disk."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(10)
            self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, f"mosquitto ended: {self.log}"
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1):
                return True
        except OSError:
            return False

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
