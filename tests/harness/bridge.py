"""A real bridge process with its own state."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from harness.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAM = str(Path(sys.executable).with_name("kilopush-bridge"))
TOKEN, SECRET = "c_" + "a1" * 20, "5ec" + "r3t" * 20 + "0"
PEOPLE = {"me": "u_" + "11" * 20, "anna": "u_" + "22" * 20}
SECRETS = (TOKEN, SECRET, *PEOPLE.values())

HEAD = f"""
channels: {{home: {{token: {TOKEN}, secret: "{SECRET}"}}}}
people: {{me: {PEOPLE["me"]}, anna: {PEOPLE["anna"]}, family: [me, anna]}}
defaults: {{to: me}}
"""
LEAK = """
  water leak:
    topic: zigbee2mqtt/+device
    when: water_leak
    priority: critical
    message: "Water at {{ device }}"
    recovered: "{{ device }} is dry after {{ lasted }}"
"""
# for what is no matter of the quota: every alert is a message of its own
UNLIMITED = "budget: {per_day: unlimited}"
PING = """
  ping:
    topic: test/+number
    event: value == 'ping'
    message: "ping {{ number }}"
"""


class Bridge:
    """`kilopush-bridge run` with a configuration of its own.

    `mqtt` is what stands under `mqtt:`, `alerts` under `alerts:`.
    """

    def __init__(
        self,
        folder: Path,
        mqtt: str,
        api_url: str,
        alerts: str = LEAK + PING,
        head: str = HEAD,
        tail: str = "",
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.state = folder / "state" / "state.db"
        self.config = folder / "config.yaml"
        self.api_url = api_url
        self.process: subprocess.Popen[bytes] | None = None
        self._log = folder / "bridge.log"
        self.write_config(mqtt, alerts, head, tail)

    def write_config(
        self, mqtt: str, alerts: str = LEAK + PING, head: str = HEAD, tail: str = ""
    ) -> None:
        mqtt = mqtt if mqtt.startswith("{") else f'{{url: "{mqtt}"}}'
        self.config.write_text(
            f"mqtt: {mqtt}\nstate: state/state.db\n{head}\n{tail}\nalerts:\n{alerts}"
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "KILOPUSH_API_URL": self.api_url,
            "NO_COLOR": "1",
            "PYTHONUNBUFFERED": "1",
        }

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(
        self,
        failpoint: str = "",
        *options: str,
        wait: bool = True,
        env: Mapping[str, str] | None = None,
    ) -> Bridge:
        seen = self.log.count("connected to")
        environment = {**self.environment, **(env or {})}
        if failpoint:
            environment["KILOPUSH_FAILPOINT"] = failpoint
        with self._log.open("ab") as log:
            self.process = subprocess.Popen(
                [PROGRAM, "run", *options, "-c", str(self.config)],
                stdout=log,
                stderr=log,
                env=environment,
            )
        if wait:
            wait_until(
                lambda: self.has_ended or self.log.count("connected to") > seen,
                20,
                "the bridge connecting",
            )
            assert not self.has_ended, self.log
        return self

    @property
    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def wait_ended(self, timeout_s: float = 15) -> int:
        assert self.process is not None
        code = self.process.wait(timeout_s)
        self.process = None
        return code

    def stop(self) -> int:
        """SIGTERM; return the exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(signal.SIGTERM)
        return self.wait_ended()

    def reload(self, *, ends_with: str = "configuration reloaded") -> None:
        """SIGHUP, and wait until the bridge says that it is done."""
        assert self.process is not None
        said = self.log.count(ends_with)
        self.process.send_signal(signal.SIGHUP)
        wait_until(lambda: self.log.count(ends_with) > said, 10, "the reload")

    def kill(self) -> None:
        """SIGKILL: no chance to do anything."""
        if self.process is not None:
            self.process.kill()
            self.wait_ended()

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [PROGRAM, *arguments, "-c", str(self.config)],
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0 or not check, done.stdout + done.stderr
        return done

    def status(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads(self.command("status", "--json").stdout)
        return report

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        connection = sqlite3.connect(f"{self.state.as_uri()}?mode=ro", uri=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
