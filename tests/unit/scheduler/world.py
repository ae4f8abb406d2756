"""The production scheduler and store on a simulated clock, with a scripted API."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC
from typing import TYPE_CHECKING, Any

from kilopush_bridge.core.budget import WINDOW_S, Limits
from kilopush_bridge.core.protocol import DAY_IS_USED_UP, QUOTA, SENT, Verdict
from kilopush_bridge.model import Batch, Kind, Message, Priority
from kilopush_bridge.outbox import outbox, upkeep
from kilopush_bridge.outbox.ledger import load_ledger
from kilopush_bridge.outbox.report import listing, summary
from kilopush_bridge.outbox.store import Store
from kilopush_bridge.scheduler import Scheduler
from kilopush_bridge.scheduler.clock import ApiClock
from kilopush_bridge.scheduler.policy import ChannelPolicy, Policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from kilopush_bridge.outbox.ledger import Ledger

START_S = 1_750_000_000.0  # 2025-06-15 15:06:40 UTC
MINUTE, HOUR, DAY = 60, 3600, 86_400

SPENT = """
    INSERT INTO attempts (channel, person, priority, kind, rule, begun_at_s, ended_at_s, outcome,
                          counts_until_s)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def budgeted(
    per_day: int | None = 300, *, digests: int = 12, people: int = 2, **changes: Any
) -> Policy:
    """Return a policy with a budget for the channel `home`; times of the day are UTC."""
    limits = Limits(per_day, 60, 20, digests)
    return Policy(
        **{"channels": {"home": ChannelPolicy(limits, None, people)}, "zone": UTC} | changes
    )


class ScriptedPush:
    """Answers each POST by a function of the batch; remembers when each left.

    `says_time` is what the API names as its time; with None, nobody knows that it replied at all.
    `statuses` are those of outcomes that are not 200.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.answer: Callable[[Batch], str] = lambda _batch: SENT
        self.says_time: Callable[[], float | None] = lambda: None
        self.statuses = {QUOTA: DAY_IS_USED_UP}
        self.sent: list[tuple[float, str, str, str]] = []
        self.batches: list[Batch] = []

    async def send(self, batch: Batch) -> Verdict:
        outcome = self.answer(batch)
        self.sent.append((self._clock() - START_S, batch.person, batch.text, outcome))
        self.batches.append(batch)
        at_s = await self.ask_time()
        status = None if at_s is None else self.statuses.get(outcome, 200)
        return Verdict(outcome, status, "scripted", at_s)

    async def ask_time(self) -> int | None:
        at_s = self.says_time()
        return None if at_s is None else int(at_s)


class World:
    """One bridge from the outbox on. `at` moves the clock and lets everything due happen.

    `now_s` is the true time, `wall_ahead_s` by how much the machine's clock is wrong.
    """

    def __init__(
        self,
        path: Path,
        people: tuple[str, ...] = ("me", "anna"),
        channels: tuple[str, ...] = ("home",),
        policy: Policy | None = None,
    ) -> None:
        self.now_s = START_S
        self.wall_ahead_s = 0.0
        self.path = path
        self.people = people
        unlimited = ChannelPolicy(Limits(per_day=None))
        self.policy = policy or Policy(dict.fromkeys(channels, unlimited), warned=("me",))
        self.collecting: tuple[str, ...] = ()
        self.push = ScriptedPush(lambda: self.now_s)
        self.open()

    def open(self) -> None:
        self.store = Store(self.path)
        self.clock = ApiClock(lambda: self.now_s + self.wall_ahead_s, lambda: self.now_s)
        self.scheduler = Scheduler(
            self.store,
            self.push,
            self.policy,
            self.people,
            self.clock,
            collecting=lambda _now_s: self.collecting,
        )

    def close(self) -> None:
        self.store.close()

    async def start(self) -> None:
        """Begin with an API that says what time it is."""
        self.push.says_time = lambda: self.now_s
        await self.scheduler.ask_time()

    async def restart(self) -> None:
        """Stop and start; what time it is has to be heard again."""
        self.close()
        self.open()
        await self.store.call(upkeep.return_unfinished, self.clock())
        await self.scheduler.take_over()

    async def put(self, *messages: Message) -> None:
        await self.store.call(outbox.put, messages)

    async def send(self, *messages: Message) -> None:
        """Put messages and send everything that may go now."""
        await self.put(*messages)
        await self.settle()

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

    async def wait(self, seconds: float, step_s: float = 60.0) -> None:
        """Let that much time pass."""
        await self.until(self.now_s - START_S + seconds, step_s)

    async def spend(
        self, posts: int, kind: str = "other", *, rule: str = "", ago_s: float = 10 * HOUR
    ) -> None:
        """Write POSTs into the ledger that left some time ago."""
        at_s = self.now_s - ago_s
        row = ("home", "me", Priority.NORMAL, kind, rule, at_s, at_s, SENT, at_s + WINDOW_S)
        await self.store.call(lambda connection: connection.executemany(SPENT, [row] * posts))

    def times(self, text: str = "") -> list[float]:
        """When POSTs whose text starts with `text` left, in seconds after the start."""
        return [at_s for at_s, _, sent, _ in self.push.sent if sent.startswith(text)]

    def texts(self) -> list[str]:
        return [text for _, _, text, outcome in self.push.sent if outcome == SENT]

    def digests(self) -> list[Batch]:
        """Return every digest that was posted."""
        return [batch for batch in self.push.batches if batch.is_digest]

    async def states(self) -> dict[str, int]:
        return await self.store.read(
            lambda connection: {
                row["state"]: row["n"]
                for row in connection.execute(
                    "SELECT state, count(*) AS n FROM deliveries GROUP BY state"
                )
            }
        )

    async def counts(self) -> dict[str, int]:
        """Return how many alerts are where; each is in exactly one place."""
        counts: dict[str, int] = (await self.store.read(summary))["alerts"]
        assert counts.pop("accepted") == sum(counts.values())
        return {state: number for state, number in counts.items() if number}

    async def listed(self, state: str | None = None) -> list[dict[str, Any]]:
        return await self.store.read(listing, state, 10_000)

    async def ledger(self, channel: str = "home") -> Ledger:
        """Return what counts now."""
        return await self.store.read(load_ledger, channel, self.clock.counted_s)

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
            "at_s": self.clock(),
            "since_s": self.clock(),
        }
        return Message(**{**values, **changes})

    def critical(self, text: str, **changes: Any) -> Message:
        return self.message(text, **{"priority": Priority.CRITICAL, "kind": Kind.ALARM, **changes})

    def recovery(self, key: str, text: str | None, since_s: float) -> Message:
        ended = self.message(
            "", kind=Kind.RECOVERY, key=key, since_s=since_s, priority=Priority.HIGH
        )
        return replace(ended, text=text)
