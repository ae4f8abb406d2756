"""What the demo shows: one line per thing that happens, in three steps."""

from __future__ import annotations

import logging
import time
from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from kilopush_bridge.demo.devices import Publication
    from kilopush_bridge.emulator import Record

PAYLOAD_CHARS = 60


class Screen(logging.Handler):
    """Prints live, counts for the summary. As a log handler it sees what the bridge says."""

    def __init__(self, people: dict[str, str]) -> None:
        super().__init__(logging.INFO)
        self._console = Console(highlight=False, soft_wrap=True)
        self._people = people  # names by user token
        self.counts: Counter[str] = Counter()

    def say(self, text: str) -> None:
        """Print a line of explanation."""
        self._console.print(Text(text))

    def published(self, one: Publication) -> None:
        """Show what a device said."""
        self.counts["messages on MQTT"] += 1
        payload = (
            one.payload
            if len(one.payload) <= PAYLOAD_CHARS
            else one.payload[: PAYLOAD_CHARS - 1] + "…"
        )
        self._line("mqtt ", "cyan", f"{one.topic}  {payload or '(empty)'}")

    def emit(self, record: logging.LogRecord) -> None:
        """Show what a rule made of it, and what went wrong."""
        action = getattr(record, "action", None)
        if action == "alert":
            self.counts["alerts by rules"] += 1
            self._line("  rule ", "yellow", record.getMessage())
        elif record.levelno >= logging.WARNING:
            self._line("  note ", "red", record.getMessage())

    def received(self, record: Record) -> None:
        """Show what lands on a phone."""
        self.counts["pushes to phones" if record.accepted else "refused pushes"] += 1
        person = self._people.get(str(record.fields.get("to")), "somebody")
        silent = " (silent)" if record.fields.get("silent") == "1" else ""
        url = f"  {record.fields['url']}" if record.fields.get("url") else ""
        status = "" if record.accepted else f" refused with {record.status}:"
        self._line(
            "    phone ",
            "bold green",
            f"{person}{silent}:{status} {record.fields.get('message')}{url}",
        )

    def summary(self) -> None:
        """Print what happened."""
        parts = ", ".join(f"{number} {what}" for what, number in self.counts.items())
        self.say(f"\nThat was: {parts or 'nothing'}.")
        self.say("Next: copy config.example.yaml to config.yaml and fill in your own; then")
        self.say("`kilopush-bridge check`, and `kilopush-bridge run`.")

    def _line(self, label: str, style: str, text: str) -> None:
        clock = time.strftime("%H:%M:%S")
        self._console.print(Text.assemble((f"{clock} ", "dim"), (label, style), text))
