"""A channel of the integration without a browser: set up by its dialogs, read from its file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.bridge import SECRET, TOKEN
from harness.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from harness.hass import HomeAssistant

_OPTIONS: dict[str, dict[str, Any]] = {
    "quota": {"unlimited": False, "daily_limit": 300, "keep_for_critical": 60},
    "others": {"other_senders": 20},
    "digest": {"digest_at": ["07:00", "19:00"], "digests": 12},
    "bridge": {"via_bridge": False, "topic_prefix": "kilopush"},
    "actions": {"legacy_actions": False},
}


def user_token(number: int) -> str:
    """Return the token of a made-up person."""
    return f"u_{number:040x}"


@dataclass(frozen=True)
class Message:
    """What is not sent yet, for one person."""

    user_token: str
    text: str


class Channel:
    """One channel of a running Home Assistant, and its people by the name of their entity."""

    def __init__(self, house: HomeAssistant, people: Mapping[str, str]) -> None:
        """Set it up. ``people`` are user tokens by name."""
        self.house = house
        self.people = dict(people)
        fields = {"name": "Home", "token": TOKEN, "secret": SECRET}
        result = house.flow("kilopush", fields)
        assert result["type"] == "create_entry", result
        self.entry_id = str(result["result"]["entry_id"])
        for name, token in people.items():
            self.add(name, token)
        self.wait_loaded()

    def add(self, name: str, token: str, **fields: Any) -> None:
        """Add a recipient, without a test message."""
        entered = {"name": name, "user_token": token, "silent": False, "send_test": False}
        result = self.house.subentry_flow(self.entry_id, "recipient", entered | fields)
        assert result["type"] == "create_entry", result
        self.people[name] = token

    def set_options(self, **changes: Any) -> None:
        """Change some options, all others have their defaults."""
        entered = {
            section: {name: changes.get(name, value) for name, value in fields.items()}
            for section, fields in _OPTIONS.items()
        }
        result = self.house.options_flow(self.entry_id, entered)
        assert result["type"] == "create_entry", result
        self.wait_loaded()

    def wait_loaded(self) -> None:
        """Wait until the last changes are in force: they load the entry again some time."""
        self.house.post(f"/api/config/config_entries/entry/{self.entry_id}/reload")
        self.wait_there()

    def wait_there(self) -> None:
        """Wait until everybody has an entity."""
        wait_until(self._is_there, 20, "the channel being loaded")

    def wait_written(self) -> None:
        """Wait until Home Assistant has written its entries, which it does some time later."""
        path = self.house.folder / ".storage" / "core.config_entries"
        tokens = set(self.people.values())
        wait_until(lambda: path.exists() and set(self._tokens().values()) == tokens, 10, "a write")

    def _is_there(self) -> bool:
        states = {entry["state"] for entry in self.house.entries()}
        known = self.house.states()
        entities = [known.get(self.entity(name), {"state": "unavailable"}) for name in self.people]
        return states == {"loaded"} and all(one["state"] != "unavailable" for one in entities)

    @staticmethod
    def entity(name: str) -> str:
        return f"notify.{name}"

    def send(self, people: Iterable[str], message: str, **fields: Any) -> dict[str, Any]:
        """Perform `kilopush.send_message`; return what it answers, by name."""
        entities = {self.entity(name): name for name in people}
        data = {"entity_id": list(entities), "message": message, **fields}
        answer = self.house.call("kilopush", "send_message", data, return_response=True)
        return {entities[entity_id]: result for entity_id, result in answer.items()}

    @property
    def left(self) -> int:
        """Messages left today, as the sensor shows them."""
        return int(self.house.state("sensor.home_ordinary_messages_left") or "")

    @property
    def file(self) -> Path:
        return self.house.folder / ".storage" / "kilopush" / self.entry_id

    def stored(self) -> dict[str, Any]:
        """Return what is on the disk; of a channel that has stored nothing, nothing."""
        if not self.file.exists():
            nothing: dict[str, Any] = {"pending": [], "digests": {}, "posted_digests": {}}
            return nothing | {"ledger": {"entries": []}}
        data: dict[str, Any] = json.loads(self.file.read_text())["data"]
        return data

    def pending(self) -> list[Message]:
        """Return what is stored and waits for its own message, oldest first."""
        tokens = self._tokens()
        return [Message(tokens[one["person"]], one["text"]) for one in self.stored()["pending"]]

    def in_digests(self) -> list[Message]:
        """Return what is stored and waits for a digest; marks such as "(may be a repeat)" stay."""
        tokens, stored = self._tokens(), self.stored()
        return [
            Message(tokens[person], part["text"])
            for digests in (stored["digests"], stored["posted_digests"])
            for person, digest in digests.items()
            for group in digest["groups"]
            for part in group["parts"]
            for _ in range(part["count"])
        ]

    def _tokens(self) -> dict[str, str]:
        """Return user tokens by the id that the file knows people by."""
        entries = self.house.stored("core.config_entries")["entries"]
        entry = next(entry for entry in entries if entry["entry_id"] == self.entry_id)
        return {one["subentry_id"]: one["data"]["user_token"] for one in entry["subentries"]}
