"""Random days: messages, people, replies, crashes and time, against the promises D2, G1 and G2."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from unit.scheduler.world import START_S, World

from kilopush_bridge.core.protocol import (
    BLOCKED,
    FORBIDDEN,
    OPTED_OUT,
    QUOTA,
    REJECTED,
    SENT,
    UNCLEAR,
    UNSENT,
    Verdict,
)
from kilopush_bridge.model import HoldKind, Priority
from kilopush_bridge.outbox import upkeep
from kilopush_bridge.outbox.holds import load_holds

if TYPE_CHECKING:
    from pathlib import Path

    from kilopush_bridge.model import Batch

SEEDS = [int(seed) for seed in os.environ.get("KILOPUSH_SEED", "1 2 3 4 5 6 7 8").split()]
STEPS = 120
PEOPLE = ("me", "anna", "kim")
MOODS = (SENT, SENT, SENT, UNCLEAR, UNSENT, QUOTA, REJECTED, BLOCKED, FORBIDDEN, OPTED_OUT)
# What may keep a critical from being tried at once (design, section 6).
MAY_HOLD_CRITICALS = {HoldKind.FORBIDDEN, HoldKind.BLOCKED, HoldKind.QUOTA_CRITICAL}


class Day:
    """A world with an API that has moods, and a bridge that crashes."""

    def __init__(self, path: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.world = World(path, PEOPLE)
        self.mood = dict.fromkeys(PEOPLE, SENT)
        self.is_healthy = False
        self.number = 0
        self.firing: dict[str, float] = {}
        self.arrived: Counter[tuple[str, str]] = Counter()  # per person and text, without marks
        self.world.push.send = self.send  # type: ignore[method-assign]

    async def send(self, batch: Batch) -> Verdict:
        outcome = SENT if self.is_healthy else self.mood[batch.person]
        world = self.world
        world.push.sent.append((world.now_s - START_S, batch.person, batch.text, outcome))
        if outcome == SENT or (outcome == UNCLEAR and self.chance.random() < 0.5):
            for line in await self.lines(batch):
                self.arrive(batch.person, line)
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(0)  # a crash may come here
        return Verdict(outcome, None, "scripted")

    async def lines(self, batch: Batch) -> list[str]:
        """Return a line for each alert that a message stands for, shown in it or not."""
        if not batch.is_digest:
            return batch.text.splitlines()
        held = {one.id: one for one in batch.deliveries}
        rows = await self.world.store.read(
            lambda connection: connection.execute(
                "SELECT deliveries.*, text FROM deliveries JOIN alerts ON alerts.id = alert_id "
                "WHERE state = 'deferred'"
            ).fetchall()
        )
        items = [row for row in rows if row["digest_id"] in held]
        assert len(items) == 1 or batch.text.startswith(f"{len(items)} alerts, ")
        return [
            row["text"]
            + " (may be a repeat)" * (row["is_repeat"] or held[row["digest_id"]].is_repeat)
            for row in items
        ]

    def arrive(self, person: str, line: str) -> None:
        text = line.partition(" (")[0]
        self.arrived[person, text] += 1
        if "no longer gets alerts" in text:
            return  # told again after each time that a person came back
        assert self.arrived[person, text] == 1 or "may be a repeat" in line, line

    async def act(self) -> None:
        action = self.chance.choices(
            (self.publish, self.begin, self.end, self.change_mood, self.wait, self.crash),
            (5, 3, 2, 2, 6, 1),
        )[0]
        await action()

    async def publish(self) -> None:
        self.number += 1
        group = f"g{self.number % 3}" if self.chance.random() < 0.3 else None
        await self.world.put(
            self.world.message(
                f"m{self.number}",
                to=tuple(self.chance.sample(PEOPLE, self.chance.randint(1, 3))),
                priority=self.chance.choice([Priority.HIGH, Priority.NORMAL, Priority.LOW]),
                group=group,
            )
        )

    async def begin(self) -> None:
        self.number += 1
        text = f"a{self.number}"
        to = tuple(self.chance.sample(PEOPLE, self.chance.randint(1, 3)))
        await self.world.put(self.world.critical(text, key=text, to=to))
        self.firing[text] = self.world.now_s
        await self.world.settle()
        tried = {
            person
            for at_s, person, sent, _ in self.world.push.sent
            if sent.split(" (")[0] == text or f"{text}\n" in sent
        }
        holds = await self.world.store.read(load_holds)
        held = {
            person
            for person in to
            for hold in holds
            if hold.kind in MAY_HOLD_CRITICALS and hold.person in ("", person)
        }
        assert set(to) <= tried | held, (text, holds)

    async def end(self) -> None:
        if self.firing:
            key = self.chance.choice(list(self.firing))
            await self.world.put(self.world.recovery(key, f"r{key}", self.firing.pop(key)))

    async def change_mood(self) -> None:
        self.mood[self.chance.choice(PEOPLE)] = self.chance.choice(MOODS)

    async def wait(self) -> None:
        self.world.now_s += self.chance.choice((1, 10, 60, 900, 7200, -3600))
        await self.world.settle()

    async def crash(self) -> None:
        """Stop at a random place between a claim and the storing of its reply."""
        scheduler = self.world.scheduler
        await scheduler.step()
        for _ in range(self.chance.randrange(3)):
            await asyncio.sleep(0)
        await scheduler.drain(0)
        self.world.close()
        self.world.open()
        await self.world.store.call(upkeep.return_unfinished, self.world.now_s)

    async def check(self) -> None:
        rows = await self.world.store.read(
            lambda connection: [
                tuple(row)
                for row in connection.execute(
                    "SELECT alert_id, person, state, count(*) FROM deliveries "
                    "WHERE NOT is_digest GROUP BY alert_id, person"
                )
            ]
        )
        assert all(count == 1 for *_, count in rows)
        states = {state for _, _, state, _ in rows}
        assert states <= {"pending", "sent", "deferred", "dead", "withdrawn"}
        assert sum((await self.world.counts()).values()) == len(rows)


@pytest.mark.parametrize("seed", SEEDS)
async def test_whatever_happens_nothing_is_lost_or_doubled_and_criticals_do_not_wait(
    tmp_path: Path, seed: int
):
    print(f"seed {seed}")
    day = Day(tmp_path / "state.db", seed)
    try:
        for _ in range(STEPS):
            await day.act()
        await day.world.settle()
        await day.check()
        day.is_healthy = True
        for _ in range(16):  # longer than any hold or digest waits
            day.world.now_s += 7200
            await day.world.settle()
        await day.check()
        counts = await day.world.counts()
        assert "pending" not in counts, counts
        told = await day.world.listed("sent") + await day.world.listed("digested")
        missing = [one for one in told if not day.arrived[one["person"], one["text"]]]
        assert not missing
    finally:
        day.world.close()
