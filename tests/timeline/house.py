"""A house on a simulated clock: the production engine, store and scheduler, and a phone.

    story(rules, script) -> what the phone shows

`rules` is what stands under `alerts:`. A script has a line for each thing that happens: a time, and
`TOPIC PAYLOAD`, or one of the words `restart`, `crash`, `offline`, `online`, `ack RULE`,
`snooze RULE TIME`, `retained TOPIC PAYLOAD`, `phone off`, `phone on` (whether the API can be
reached), `end`. A `crash` can happen to a message: `crash before TOPIC PAYLOAD` stores nothing of
it, `crash amid TOPIC PAYLOAD` stores and does not send, `crash after TOPIC PAYLOAD` stores and
sends. None of them is acknowledged: the bridge starts again, and the broker delivers the message
again.

    books(rules, script) -> what was not sent, and why
"""

from __future__ import annotations

import asyncio
import random
import textwrap
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from simulation.bridge import InlineStore

from kilopush_bridge.app.commands import perform, until_of
from kilopush_bridge.app.replays import Replays
from kilopush_bridge.app.startup import take_over
from kilopush_bridge.config import load_config
from kilopush_bridge.core.protocol import SENT, Verdict, unsent
from kilopush_bridge.model import Alert, Change, Priority, Received
from kilopush_bridge.outbox.commands import Command
from kilopush_bridge.outbox.facts import remember
from kilopush_bridge.outbox.firing import flush_seen
from kilopush_bridge.rules import Engine
from kilopush_bridge.scheduler import Scheduler
from kilopush_bridge.scheduler.clock import ApiClock
from kilopush_bridge.scheduler.policy import policy_of
from kilopush_bridge.templates import Renderer
from kilopush_bridge.times import parse_duration_s

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Iterator

    from kilopush_bridge.config import Config
    from kilopush_bridge.model import Batch
    from kilopush_bridge.rules.engine import Result

BEGIN_S = 1_750_000_000.0
HEAD = """
channels: {home: {token: c_TOKEN, secret: SECRET}}
people: {me: u_ME, anna: u_ANNA}
defaults: {to: me}
timezone: UTC
digest: {at: ["07:00", "19:00"]}
budget: {per_day: unlimited}
"""
VALUES = {"c_TOKEN": "c_" + "a" * 40, "SECRET": "s" * 64, "u_ME": "u_" + "1" * 40}
VALUES["u_ANNA"] = "u_" + "2" * 40
NOT_SENT = """
    SELECT item.state, name, coalesce(nullif(item.reason, ''), '-')
    FROM deliveries AS item JOIN alerts ON alerts.id = alert_id
    WHERE NOT item.is_digest AND item.state <> 'sent' ORDER BY item.id
"""
FLUSH_S = 60.0  # the bridge writes so often what was seen last


def story(rules: str, script: str, head: str = HEAD) -> str:
    """Return what the phones show, a line each: when, and what."""
    return "\n".join(shown for _, shown in run(rules, script, head))


def tale(text: str) -> str:
    """Return a story as a test writes it, without its indentation."""
    lines = [" ".join(line.split()) for line in text.strip().splitlines()]
    return "\n".join(lines)


def books(rules: str, script: str, head: str = HEAD) -> str:
    """Return what was not sent, a line each: its state, its rule, and why."""
    return "\n".join(
        f"{state} {name}: {reason}" for state, name, reason in ask(rules, script, NOT_SENT, head)
    )


def ask(rules: str, script: str, sql: str, head: str = HEAD) -> list[tuple[Any, ...]]:
    """Return what the store answers when all has happened."""
    with TemporaryDirectory() as folder:
        house = House(configuration(rules, Path(folder), head), random.Random(0))
        house.look = lambda state: list(map(tuple, state.execute(sql)))
        asyncio.run(house.live(events(script)))
        return list(house.answer)


def run(rules: str, script: str, head: str = HEAD, seed: int = 0) -> list[tuple[float, str]]:
    """Return what the phones show: seconds from the begin, and the line."""
    with TemporaryDirectory() as folder:
        house = House(configuration(rules, Path(folder), head), random.Random(seed))
        return asyncio.run(house.live(events(script)))


def configuration(rules: str, folder: Path, head: str = HEAD) -> Config:
    """Return the configuration with these rules."""
    for name, value in VALUES.items():
        head = head.replace(name, value)
    path = folder / "config.yaml"
    text = f"{head}\nstate: {folder / 'state.db'}\nalerts:\n"
    path.write_text(text + textwrap.indent(textwrap.dedent(rules).strip("\n"), "  "))
    return load_config(path, {})


def events(script: str) -> Iterator[tuple[float, str]]:
    """Yield seconds from the begin, and what happens."""
    for line in script.strip().splitlines():
        when, _, what = line.strip().partition(" ")
        yield seconds(when), what.strip()


def seconds(when: str) -> float:
    """Return the seconds that a time of a story stands for: `0`, `12m`, `1h30m`."""
    return float(when) if when.isdigit() else parse_duration_s(when) or 0.0


def clock_text(at_s: float) -> str:
    """Return seconds as a story writes them."""
    parts = []
    whole_s = round(at_s)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        count, whole_s = divmod(whole_s, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0"


class House:
    """One bridge, from start to end."""

    def __init__(self, config: Config, dice: random.Random) -> None:
        self.config = config
        self.now_s = BEGIN_S
        self.shown: list[tuple[float, str]] = []
        self.is_reachable = True
        self.is_online = False
        self.look: Callable[[sqlite3.Connection], Any] = lambda _state: None
        self.answer: Any = None  # what `look` made of the state in the end
        self.flush_every_s = FLUSH_S
        self._flushed_at_s = BEGIN_S
        self._dice = dice
        self._renderer = Renderer()

    async def live(self, script: Iterator[tuple[float, str]]) -> list[tuple[float, str]]:
        await self._start()
        await self._online()
        for at_s, what in script:
            await self._pass_until(BEGIN_S + at_s)
            await self._happen(what)
            await self._settle()
        self.answer = self.look(self._store.connection)
        self._store.close()
        return self.shown

    # --- what happens --------------------------------------------------------------------------

    async def _happen(self, what: str) -> None:
        word, _, rest = what.partition(" ")
        match word:
            case "restart":
                await self._flush(0.0)
                await self._restart()
            case "crash":
                await self._crash(rest)
            case "offline":
                self.is_online = False
                self._engine.offline(self.now_s)
            case "online":
                await self._online()
            case "ack" | "snooze":
                await self._command(word, rest)
            case "phone":
                self.is_reachable = rest == "on"
            case "end":
                pass
            case "retained":
                await self._hear(rest, retain=True)
            case _:
                await self._hear(what, retain=False)

    async def _crash(self, rest: str) -> None:
        when, _, message = rest.partition(" ")
        if when in {"amid", "after"}:
            await self._hear(message, retain=False)
        if when == "after":
            await self._settle()
        await self._restart()
        if message:
            await self._online()
            await self._hear(message, retain=False)

    async def _hear(self, what: str, *, retain: bool) -> None:
        topic, _, payload = what.partition(" ")
        await self.hear(Received(topic, payload.encode(), retain))

    async def hear(self, received: Received) -> None:
        results = self._engine.handle(received, self.now_s)
        if received.retain:
            self._replays.heard(self.now_s)
        await self._store_results(results)

    async def _command(self, word: str, rest: str) -> None:
        command = Command("ack", rest)
        if word == "snooze":
            rule, _, duration = rest.rpartition(" ")
            command = Command("snooze", rule, until_s=until_of(duration, self.now_s))
        await self._store_results(
            perform(self._engine, command, self.now_s, may_silence_criticals=True)
        )

    async def _flush(self, since_s: float) -> None:
        await self._store.call(flush_seen, self._engine.seen_since(since_s))
        if self.is_online:
            await self._store.call(remember, "connected_until_s", str(self.now_s))

    async def _online(self) -> None:
        self.is_online = True
        await self._store_results(
            [*self._engine.online(self.now_s), *self._engine.watch_from_start(self.now_s)]
        )

    # --- the bridge ----------------------------------------------------------------------------

    async def _start(self) -> None:
        self._store = InlineStore(self.config.state, self._dice)
        self._replays = Replays()
        left = self._store._transact(take_over, self.config, self.now_s)
        self._engine = Engine(
            self.config.rules,
            left.episodes,
            self.config.zone,
            snoozes=left.snoozes,
            awaits_broker=True,
        )
        self._engine.remember_told(left.told_at_s)
        self._engine.offline(left.connected_until_s or self.now_s)
        clock = ApiClock(lambda: self.now_s, lambda: self.now_s)
        self._scheduler = Scheduler(
            self._store,
            self,
            policy_of(self.config),
            tuple(self.config.people),
            clock,
            collecting=lambda at_s: (
                *self._replays.collecting(at_s),
                *self._engine.collecting(at_s),
            ),
        )
        await self._scheduler.take_over()
        await self._scheduler.ask_time()

    async def _restart(self) -> None:
        tasks = list(self._scheduler._flights)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._store.close()
        self.is_online = False
        await self._start()

    async def _store_results(self, results: list[Result]) -> None:
        changes: list[Change] = []
        for one in results:
            if not isinstance(one, Alert):
                changes.append(one)
                continue
            message = self._renderer.render(one)
            is_urgent = message.priority is Priority.CRITICAL
            if one.found_at_start and not (is_urgent or one.group or one.withdrawn):
                message = replace(message, group=self._replays.heard(self.now_s))
            changes.append(message)
        if changes:
            await self._scheduler.put(changes)

    async def _pass_until(self, end_s: float) -> None:
        """Let time pass, and whatever is due happen in it."""
        while True:
            wait_s = await self._settle()
            next_s = min(self.now_s + wait_s, self._engine.next_s or end_s, end_s)
            groups = [*self._replays.collecting(self.now_s), *self._engine.collecting(self.now_s)]
            if groups:
                next_s = min(next_s, self.now_s + 1)  # the bridge looks every second
            flush_at_s = self._flushed_at_s + self.flush_every_s
            if flush_at_s <= min(next_s, end_s):
                self.now_s = max(self.now_s, flush_at_s)
                await self._flush(self._flushed_at_s)
                self._flushed_at_s = flush_at_s
                continue
            if next_s >= end_s:
                self.now_s = end_s
                return
            self.now_s = max(next_s, self.now_s + 0.001)

    async def _settle(self) -> float:
        """Do all that is to be done now; return the seconds until there is more."""
        while results := self._engine.tick(self.now_s):
            await self._store_results(results)
        wait_s = 0.0
        for _ in range(100):
            self._scheduler._awake.clear()
            wait_s = await self._scheduler.step()
            await self._let_tasks_run()
            if wait_s and not self._scheduler._awake.is_set():
                break
        return wait_s

    async def _let_tasks_run(self) -> None:
        loop: Any = asyncio.get_running_loop()
        while loop._ready:  # noqa: ASYNC110  (nothing else says when all tasks wait)
            await asyncio.sleep(0)

    # --- the API, as the scheduler sees it -----------------------------------------------------

    async def ask_time(self) -> int | None:
        return int(self.now_s)

    async def send(self, batch: Batch) -> Verdict:
        if not self.is_reachable:
            return unsent("no network")
        who = "" if batch.person == "me" else f"{batch.person}: "
        text = " | ".join(batch.text.splitlines())
        at_s = self.now_s - BEGIN_S
        self.shown.append((at_s, f"{clock_text(at_s)} {who}{text}"))
        return Verdict(SENT, 200, "sent", int(self.now_s))
