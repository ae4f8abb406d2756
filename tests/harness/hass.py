"""A real Home Assistant with its own configuration, driven as its own page drives it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import pytest
from websockets.sync.client import connect

from harness.broker import free_port
from harness.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Mapping

_ROOT = Path(__file__).parents[2]
_COMPONENT = _ROOT / "custom_components" / "kilopush"
_BREATH_S = 0.1  # between two questions to one that is busy starting
_USER = {"name": "Anna", "username": "anna", "password": "opens the house", "language": "en"}
_INTEGRATIONS = """
automation:
config:
frontend:
history:
logbook:
my:
recorder:
system_health:
"""

# All of it must be there: nothing is added to what is stored.
_HTTP = {
    "server_host": ["127.0.0.1"],
    "cors_allowed_origins": [],
    "login_attempts_threshold": -1,
    "ip_ban_enabled": False,
    "ssl_profile": "modern",
    "use_x_frame_options": True,
    "created_at": "2026-01-01T00:00:00+00:00",
    "error": None,
    "error_message": None,
}

# Not `default_config`: it wants programs that are not here. `http` is in .storage, see there.
_CONFIGURATION = """\
homeassistant:
  name: Home
  country: NL
  time_zone: Europe/Amsterdam
  language: en
  currency: EUR
  latitude: 52.37
  longitude: 4.9
  elevation: 0
  internal_url: "{url}"
logger:
  default: info
"""


def hass_program() -> str:
    """Return where `hass` is; without it, fail in CI and skip elsewhere."""
    program = _ROOT / ".venv-ha" / "bin" / "hass"
    if not (_ROOT / ".venv-ha" / ".ready").exists():
        if os.environ.get("CI") == "true":
            pytest.fail("there is no .venv-ha; in CI that is a failure")
        pytest.skip("there is no .venv-ha: make setup-ha")
    return str(program)


class HomeAssistant:
    """One `hass` process; `restart` keeps its folder, its port and its user.

    `component` is the folder of the integration, all that Home Assistant gets of this repository.
    `configuration` is appended to configuration.yaml.
    """

    def __init__(
        self,
        folder: Path,
        *,
        env: Mapping[str, str] | None = None,
        component: Path = _COMPONENT,
        configuration: str = "",
    ) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.client_id = f"{self.url}/"
        self.tokens: dict[str, Any] = {}
        self.process: subprocess.Popen[bytes] | None = None
        self.env = dict(env or {})
        self._output = folder / "output.log"
        self._client = httpx.Client(base_url=self.url, timeout=30, trust_env=False)
        self._expires_at_s = 0.0
        shutil.copytree(
            component,
            folder / "custom_components" / component.name,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        self.configuration = folder / "configuration.yaml"
        self.configuration.write_text(
            _CONFIGURATION.format(url=self.url) + _INTEGRATIONS + configuration
        )
        # In YAML, `http` would be a trial, and Home Assistant would end itself after five minutes.
        self.store(
            "http",
            {
                "stable": {**_HTTP, "server_port": self.port},
                "pending": None,
                "yaml_migration_done": True,
            },
            version=(2, 2),
        )
        # The steps after the user's would set up integrations that ask the internet.
        self.store("onboarding", {"done": ["core_config", "analytics", "integration"]}, (4, 1))

    def store(self, key: str, data: Any, version: tuple[int, int] = (1, 1)) -> None:
        """Write a file of .storage, while Home Assistant does not run."""
        path = self.folder / ".storage" / key
        path.parent.mkdir(exist_ok=True)
        major, minor = version
        path.write_text(
            json.dumps({"version": major, "minor_version": minor, "key": key, "data": data})
        )

    def stored(self, key: str) -> Any:
        """Return what a file of .storage holds."""
        return json.loads((self.folder / ".storage" / key).read_text())["data"]

    @property
    def log(self) -> str:
        """What it has logged since it was made, over all its starts."""
        return self._output.read_text(errors="replace") if self._output.exists() else ""

    @property
    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def start(self, *, env: Mapping[str, str] | None = None, wait: bool = True) -> Self:
        """Start it; wait until its automations run too and somebody is logged in."""
        environment = {**os.environ, **self.env, **(env or {}), "NO_COLOR": "1"}
        program = hass_program()
        arguments = ["--config", str(self.folder), "--skip-pip", "--log-no-color"]
        with self._output.open("ab") as output:
            self.process = subprocess.Popen(
                [program, *arguments],
                stdout=output,
                stderr=output,
                env=environment,
                cwd=self.folder,
                start_new_session=True,
            )
        if wait:
            try:
                self.wait_ready()
            except BaseException:
                self.kill()
                raise
        return self

    def wait_ready(self, timeout_s: float = 60) -> None:
        wait_until(self._answers, timeout_s, "Home Assistant answering")
        if not self.tokens:
            self._onboard()
        wait_until(self._runs, timeout_s, "Home Assistant starting everything")

    def stop(self, timeout_s: float = 30) -> int | None:
        """SIGTERM: it writes what it keeps. Return the exit code."""
        return self._end(signal.SIGTERM, timeout_s)

    def kill(self) -> None:
        """SIGKILL: no chance to do anything."""
        self._end(signal.SIGKILL, 10)

    def restart(self, *, env: Mapping[str, str] | None = None) -> None:
        self.stop()
        self.start(env=env)

    # REST

    def get(self, path: str, **parameters: Any) -> Any:
        return self._asked("GET", path, params=parameters)

    def post(self, path: str, body: Any = None, **parameters: Any) -> Any:
        return self._asked("POST", path, json=body or {}, params=parameters)

    def delete(self, path: str) -> Any:
        return self._asked("DELETE", path)

    def request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Return the answer, whatever it is; `get` and `post` want a good one."""
        headers = {"Authorization": f"Bearer {self._token()}"}
        return self._client.request(method, path, headers=headers, **arguments)

    def call(
        self, domain: str, service: str, data: Any = None, *, return_response: bool = False
    ) -> Any:
        """Perform an action; return the changed states, or what it answers."""
        query = {"return_response": ""} if return_response else {}
        answer = self.post(f"/api/services/{domain}/{service}", data, **query)
        return answer["service_response"] if return_response else answer

    def states(self) -> dict[str, dict[str, Any]]:
        return {state["entity_id"]: state for state in self.get("/api/states")}

    def state(self, entity_id: str) -> str | None:
        """Return the state of an entity, None if there is no such entity."""
        found = self.states().get(entity_id)
        return found["state"] if found else None

    def entries(self, domain: str = "kilopush") -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.get("/api/config/config_entries/entry", domain=domain)
        return entries

    def diagnostics(self, entry_id: str) -> Any:
        return self.get(f"/api/diagnostics/config_entry/{entry_id}")

    # Each flow takes the answers to its forms one after the other and returns its last result.

    def flow(self, handler: str, *steps: Any, **context: Any) -> dict[str, Any]:
        begin = {"handler": handler, "show_advanced_options": False, **context}
        return self._flow("/api/config/config_entries/flow", begin, steps)

    def subentry_flow(
        self, entry_id: str, kind: str, *steps: Any, subentry_id: str | None = None
    ) -> dict[str, Any]:
        """Add a subentry; with `subentry_id`, change that one."""
        begin = {"handler": [entry_id, kind]}
        if subentry_id:
            begin["subentry_id"] = subentry_id
        return self._flow("/api/config/config_entries/subentries/flow", begin, steps)

    def options_flow(self, entry_id: str, *steps: Any) -> dict[str, Any]:
        begin = {"handler": entry_id}
        return self._flow("/api/config/config_entries/options/flow", begin, steps)

    def running_flow(self, flow_id: str, *steps: Any, kind: str = "flow") -> dict[str, Any]:
        """Go on with a flow that somebody else began: reauth, or the next flow of another."""
        path = f"/api/config/config_entries/{kind}"
        result: dict[str, Any] = self.get(f"{path}/{flow_id}")
        for step in steps:
            result = self.post(f"{path}/{flow_id}", step)
        return result

    # WebSocket

    def ws(self, command: str, **parameters: Any) -> Any:
        """Return the result of one WebSocket command."""
        address = f"ws://127.0.0.1:{self.port}/api/websocket"
        with connect(address, max_size=None, proxy=None, open_timeout=10) as socket:
            socket.recv(timeout=10)
            socket.send(json.dumps({"type": "auth", "access_token": self._token()}))
            assert json.loads(socket.recv(timeout=10))["type"] == "auth_ok"
            socket.send(json.dumps({"id": 1, "type": command, **parameters}))
            while True:
                answer = json.loads(socket.recv(timeout=30))
                if answer["type"] == "result":
                    assert answer["success"], answer["error"]
                    return answer["result"]

    def system_health(self, domain: str = "kilopush", timeout_s: float = 20) -> dict[str, Any]:
        """Return what the integration tells about itself, when all of it is known."""
        address = f"ws://127.0.0.1:{self.port}/api/websocket"
        with connect(address, max_size=None, proxy=None, open_timeout=10) as socket:
            socket.recv(timeout=10)
            socket.send(json.dumps({"type": "auth", "access_token": self._token()}))
            socket.recv(timeout=10)
            socket.send(json.dumps({"id": 1, "type": "system_health/info"}))
            info: dict[str, Any] = {}
            while True:
                answer = json.loads(socket.recv(timeout=timeout_s))
                event = answer.get("event", {})
                if event.get("type") == "initial":
                    info = dict(event["data"].get(domain, {}).get("info", {}))
                elif event.get("type") == "update" and event["domain"] == domain:
                    info[event["key"]] = event.get("data", event.get("error"))
                elif event.get("type") == "finish":
                    return info

    def __enter__(self) -> Self:
        return self.start() if self.has_ended else self

    def __exit__(self, *_: object) -> None:
        self.kill()
        self._client.close()

    def _answers(self) -> bool:
        assert not self.has_ended, f"Home Assistant ended: {self.log[-4000:]}"
        time.sleep(_BREATH_S)
        try:
            return self._client.get("/api/onboarding").status_code in {200, 404}
        except httpx.TransportError:
            return False

    def _runs(self) -> bool:
        time.sleep(_BREATH_S)
        return bool(self.get("/api/config")["state"] == "RUNNING")

    def _onboard(self) -> None:
        user = self._client.post(
            "/api/onboarding/users", json={**_USER, "client_id": self.client_id}
        ).raise_for_status()
        grant = {"grant_type": "authorization_code", "code": user.json()["auth_code"]}
        self._take_token(grant)

    def _take_token(self, grant: dict[str, str]) -> None:
        form = {**grant, "client_id": self.client_id}
        answer = self._client.post("/auth/token", data=form).raise_for_status()
        self.tokens |= answer.json()
        self._expires_at_s = time.time() + self.tokens["expires_in"]

    def _token(self) -> str:
        if time.time() > self._expires_at_s - 60:
            refresh = self.tokens["refresh_token"]
            self._take_token({"grant_type": "refresh_token", "refresh_token": refresh})
        return str(self.tokens["access_token"])

    def _asked(self, method: str, path: str, **arguments: Any) -> Any:
        response = self.request(method, path, **arguments)
        assert response.is_success, f"{method} {path}: {response.status_code} {response.text}"
        return response.json() if response.content else None

    def _flow(self, path: str, begin: dict[str, Any], steps: tuple[Any, ...]) -> dict[str, Any]:
        result: dict[str, Any] = self.post(path, begin)
        for step in steps:
            assert "flow_id" in result, result
            result = self.post(f"{path}/{result['flow_id']}", step)
        return result

    def _end(self, by: signal.Signals, timeout_s: float) -> int | None:
        if self.process is None:
            return None
        process, self.process = self.process, None
        if by == signal.SIGTERM and process.poll() is None:
            process.send_signal(by)
            with contextlib.suppress(subprocess.TimeoutExpired):
                return process.wait(timeout_s)
        # The group is its own: nobody else is in it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        return process.wait(10)
