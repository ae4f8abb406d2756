"""The production scheduler and store on a simulated clock, with a scripted API."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from kilopush_bridge.core.protocol import SENT, Verdict
from kilopush_bridge.model import Batch, Kind, Message, Priority
from kilopush_bridge.outbox import outbox
from kilopush_bridge.outbox.store import Store
from kilopush_bridge.scheduler import Scheduler

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

START_S = 1_750_000_000.0


class ScriptedPush:
    """Answers each POST by a function of the batch; remembers when each left."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.answer: Callable[[Batch], str] = lambda _batch: SENT
        self.sent: list[tuple[float, str, str, str]] = []

    async def send(self, batch: Batch) -> Verdict:
        outcome = self.answer(batch)
        self.sent.append((self._clock() - START_S, batch.person, batch.text, outcome))
        return Verdict(outcome, None, "scripted")


class World:
    """One bridge from the outbox on. `at` moves the clock and lets everything due happen."""

    def __init__(
        self,
        path: Path,
        people: tuple[str, ...] = ("me", "anna"),
        channels: tuple[str, ...] = ("home",),
    ) -> None:
        self.now_s = START_S
        self.path = path
        self.people = people
        self.channels = channels
        self.collecting: tuple[str, ...] = ()
        self.push = ScriptedPush(lambda: self.now_s)
        self.open()

    def open(self) -> None:
        self.store = Store(self.path)
        self.scheduler = Scheduler(
            self.store,
            self.push,
            self.channels,
            self.people,
            lambda: self.now_s,
            collecting=lambda _now_s: self.collecting,
        )

    def close(self) -> None:
        self.store.close()

    async def put(self, *messages: Message) -> None:
        await self.store.call(outbox.put, messages)

    async def settle(self) -> None:
        """Send everything that may go at this moment."""
        for _ in range(500):
            await self.scheduler.step()
            if not self.scheduler.in_flight:
                return
            await self.scheduler.drain(5)
            await asyncio.sleep(0)

    async def until(self, seconds: float, step_s: float = 1.0) -> None:
        """Let time pass up to `seconds` after the start."""
        while self.now_s < START_S + seconds:
            self.now_s = min(START_S + seconds, self.now_s + step_s)
            await self.settle()

    def times(self, text: str = "") -> list[float]:
        """When POSTs whose text starts with `text` left, in seconds after the start."""
        return [at_s for at_s, _, sent, _ in self.push.sent if sent.startswith(text)]

    def texts(self) -> list[str]:
        return [text for _, _, text, outcome in self.push.sent if outcome == SENT]

    async def states(self) -> dict[str, int]:
        return await self.store.read(
            lambda connection: {
                row["state"]: row["n"]
                for row in connection.execute(
                    "SELECT state, count(*) AS n FROM deliveries GROUP BY state"
                )
            }
        )

    def message(self, text: str = "hello", **changes: Any) -> Message:
        values: dict[str, Any] = {
            "kind": Kind.EVENT,
            "origin": "rule",
            "name": "rule",
            "key": text,
            "text": text,
            "to": ("me",),
            "channel": "home",
            "priority": Priority.NORMAL,
            "at_s": self.now_s,
            "since_s": self.now_s,
        }
        return Message(**{**values, **changes})

    def critical(self, text: str, **changes: Any) -> Message:
        return self.message(text, **{"priority": Priority.CRITICAL, "kind": Kind.ALARM, **changes})

    def recovery(self, key: str, text: str | None, since_s: float) -> Message:
        ended = self.message(
            "", kind=Kind.RECOVERY, key=key, since_s=since_s, priority=Priority.HIGH
        )
        return replace(ended, text=text)
