"""What a run stands on: one broker, one HTTP server and one folder, made anew each time.

Nothing that one run leaves behind, such as a session or a backlog, can slow down the next.
"""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion

from bench.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

_Value = TypeVar("_Value")

ROOT = Path(__file__).parents[1]
STOP_S = 10.0
# Without `max_queued_messages 0` the broker drops QoS 0 for a subscriber that is slower than the
# generator, and what was dropped would look like speed.
BROKER_CONFIG = """
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 0
log_type warning
log_type error
"""


class Unfinished(Exception):  # noqa: N818 (a result, not a fault of the bench)
    """A program did not do in time what it was waited for."""


class Watch:
    """The last message of every topic below some filters, and when it came."""

    def __init__(self, port: int, *filters: str) -> None:
        self._last: dict[str, tuple[float, bytes]] = defaultdict(lambda: (0.0, b""))
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._on_message
        self._client.on_connect = lambda client, *_: client.subscribe([(one, 0) for one in filters])
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def payload(self, topic: str) -> bytes:
        """Return the last payload, empty if there was none."""
        return self._last[topic][1]

    def time_of(self, topic: str, payload: bytes) -> float | None:
        """Return when `payload` came, None if it is not the last of its topic."""
        at_s, last = self._last[topic]
        return at_s if last == payload else None

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()

    def _on_message(self, _client: Any, _userdata: Any, message: paho.MQTTMessage) -> None:
        self._last[message.topic] = (time.time(), bytes(message.payload))


class Stage:
    """The broker's port, the server and the folder of one run, and the processes started on it."""

    def __init__(self, folder: Path, port: int, sink: Sink) -> None:
        self.folder = folder
        self.port = port
        self.sink = sink
        self.watch = Watch(port, "bench/#", "kilopush/#", "clients/#")

    def write(self, name: str, text: str) -> Path:
        """Write a file of a program."""
        path = self.folder / name
        path.write_text(text)
        return path

    @contextlib.contextmanager
    def running(
        self, command: Sequence[str], environment: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a process for as long as the block; its log is `program.log`."""
        with process(command, self.folder / "program.log", environment) as started:
            yield started

    def log(self) -> str:
        """Return the end of what the program said."""
        return (self.folder / "program.log").read_text(errors="replace")[-2000:]


@contextlib.contextmanager
def stage() -> Iterator[Stage]:
    """Set up a stage; everything is stopped and removed at the end.

    The folder is in the checkout: a temporary folder may be in memory, where a durable commit
    costs nothing.
    """
    with tempfile.TemporaryDirectory(prefix=".bench-", dir=ROOT) as name, Sink() as sink:
        folder, port = Path(name), free_port()
        config = folder / "mosquitto.conf"
        config.write_text(BROKER_CONFIG.format(port=port))
        with process([broker_program(), "-c", str(config)], folder / "mosquitto.log"):
            wait_until(lambda: answers(port), 10, "mosquitto listening")
            made = Stage(folder, port, sink)
            try:
                yield made
            finally:
                made.watch.close()


@contextlib.contextmanager
def process(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process for as long as the block."""
    with log.open("ab") as out:
        started = subprocess.Popen(command, stdout=out, stderr=out, env=environment, cwd=ROOT)
    try:
        yield started
    finally:
        started.terminate()
        try:
            started.wait(STOP_S)
        except subprocess.TimeoutExpired:
            started.kill()
            started.wait()


def say(line: str) -> None:
    """Show that it goes on."""
    print(line, file=sys.stderr, flush=True)


def broker_program() -> str:
    """Return where mosquitto is.

    Raises:
        SystemExit: nowhere.
    """
    found = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
    if found is None:
        raise SystemExit("bench: mosquitto is not installed: apt-get install mosquitto")
    return found


def free_port() -> int:
    """Return a port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def answers(port: int) -> bool:
    """Return whether somebody listens."""
    try:
        with socket.create_connection(("127.0.0.1", port), 1):
            return True
    except OSError:
        return False


def wait_until(look: Callable[[], _Value | None], timeout_s: float, what: str) -> _Value:
    """Return the first true answer of `look`.

    Raises:
        Unfinished: there was none within `timeout_s`.
    """
    ends_at_s = time.monotonic() + timeout_s
    while not (answer := look()):
        if time.monotonic() > ends_at_s:
            raise Unfinished(f"{what} took more than {timeout_s:.0f} s")
        time.sleep(0.005)
    return answer
