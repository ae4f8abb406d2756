"""What the demo shows: one line per thing that happens, in three steps."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time
from collections import Counter
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

if TYPE_CHECKING:
    from kilopush_bridge.demo.devices import Publication
    from kilopush_bridge.emulator import Record

LINE_CHARS = 100  # where the output is no terminal


class _Console(Console):
    """A console that ends quietly when nobody reads any more, as in `demo | head`."""

    def __init__(self) -> None:
        super().__init__(highlight=False, soft_wrap=True)
        self.gone = asyncio.Event()

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        self.gone.set()


class Screen(logging.Handler):
    """Prints live, counts for the summary. As a log handler it sees what the bridge says."""

    def __init__(self, people: dict[str, str]) -> None:
        super().__init__(logging.INFO)
        self._console = _Console()
        self._people = people  # names by user token
        self.counts: Counter[str] = Counter()

    def say(self, text: str) -> None:
        """Print a line of explanation."""
        self._console.print(Text(text))

    async def until_gone(self) -> None:
        """Wait until nobody reads what is printed."""
        await self._console.gone.wait()

    def published(self, one: Publication) -> None:
        """Show what a device said."""
        self.counts["messages on MQTT"] += 1
        self._line("mqtt ", "cyan", f"{one.topic}  {one.payload or '(empty)'}", is_cut=True)

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
        self.say("Next: `kilopush-bridge init`, and `kilopush-bridge run`.")

    def _line(self, label: str, style: str, text: str, *, is_cut: bool = False) -> None:
        """Print one line; what `is_cut` ends at the edge of the window, or after so many chars."""
        width = self._console.width if self._console.is_terminal else LINE_CHARS
        line = Text.assemble((f"{time.strftime('%H:%M:%S')} ", "dim"), (label, style), text)
        if is_cut:
            line.truncate(width, overflow="ellipsis")
        self._console.print(line)
