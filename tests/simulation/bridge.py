"""The production scheduler and the production store through one week, on a simulated clock."""

from __future__ import annotations

import asyncio
import heapq
import random
import re
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from simulation.server import Server, fate

from kilopush_bridge.core import protocol
from kilopush_bridge.core.protocol import Verdict
from kilopush_bridge.model import Kind, Message, Priority
from kilopush_bridge.outbox.report import summary
from kilopush_bridge.outbox.store import Store
from kilopush_bridge.outbox.upkeep import return_unfinished
from kilopush_bridge.scheduler import Scheduler
from kilopush_bridge.scheduler.clock import ApiClock
from kilopush_bridge.scheduler.policy import ChannelPolicy, Policy
from kilopush_bridge.times import HOUR_S

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from simulation.house import Said, Week

    from kilopush_bridge.model import Batch

ASK_AGAIN_S = 30.0
OUTCOMES = {
    200: protocol.SENT,
    4023: protocol.BLOCKED,
    4024: protocol.OPTED_OUT,
    4029: protocol.QUOTA,
}


class Crash(Exception):  # noqa: N818  (not an error: it is what is tried out)
    """The process is gone, before or after a commit."""


class InlineStore(Store):
    """The store without its threads; a crash can be asked for."""

    def __init__(self, path: Path, rng: random.Random) -> None:
        super().__init__(path)
        self.connection.execute("PRAGMA synchronous=OFF")  # no power cuts here: crashes only
        self._rng = rng
        self.crash_next = False
        self.is_crashed = False

    async def call(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        is_crash, self.crash_next = self.crash_next, False
        self.is_crashed = self.is_crashed or is_crash
        if self.is_crashed and self._rng.random() < 0.5:
            raise Crash
        result = self._transact(function, *args, **kwargs)
        if self.is_crashed:
            raise Crash
        return result

    async def read(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self.connection, *args, **kwargs)

    async def look(self, function: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self._onlooker, *args, **kwargs)


@dataclass(slots=True)
class Outcome:
    """What a week came to. `broken` are promises, in words; it has to be empty."""

    posts: Counter[str] = field(default_factory=Counter)  # by kind, as the ledger has them
    refused: Counter[str] = field(default_factory=Counter)  # with 4029, by kind
    counts: dict[str, int] = field(default_factory=dict)  # alerts by state, as `status` has them
    criticals_waiting: int = 0  # at the end
    lost: Counter[str] = field(default_factory=Counter)  # "critical", "other": said, not stored
    posted: list[tuple[float, str]] = field(default_factory=list)  # when, kind
    helped: int = 0  # criticals that arrived from another channel
    broken: list[str] = field(default_factory=list)


class BridgeWeek:
    """One week of one bridge."""

    def __init__(self, week: Week, path: Path) -> None:
        self.week = week
        self.now_s = week.begin_s
        self.skew_s = 0.0
        self.server = Server(week)
        self.servers = {"home": self.server}
        self.spare_refused = 0
        if week.has_spare:
            self.servers["spare"] = Server(replace(week, foreign_at_s=()))
        self.outcome = Outcome()
        self._path = path
        self._rng = random.Random(week.seed)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._looks_at_s = 0.0
        self._inbox: list[Said] = []
        self._arrived: set[tuple[int, str]] = set()  # deliveries that the server took
        self._digests: dict[int, tuple[tuple[int, ...], str]] = {}  # by id: the last POST
        self._policy = Policy(
            {
                name: ChannelPolicy(
                    week.limits,
                    "spare" if week.has_spare and name == "home" else None,
                    len(week.people),
                )
                for name in self.servers
            },
            warned=("me",),
            quiet=week.quiet,
            digest_at=week.digest_at,
            zone=ZoneInfo(week.zone),
        )

    # --- the driver ----------------------------------------------------------------------------

    def at(self, at_s: float, action: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, (at_s, self._number, action))

    async def run(self) -> Outcome:
        week = self.week
        for said in week.said:
            self.at(said.at_s, lambda said=said: self._inbox.append(said))
        for at_s in week.crashes_at_s:
            self.at(at_s, self._crash_next)
        for at_s, by_s in week.jumps:
            self.at(at_s, lambda by_s=by_s: self._jump(by_s))
        restarts = set(week.restarts_at_s)
        for at_s in restarts:
            self.at(at_s, lambda: None)
        asyncio.get_running_loop().set_exception_handler(_ignore_crashes)
        await self._start()
        while self._events and self._events[0][0] <= week.end_s:
            at_s, _, action = heapq.heappop(self._events)
            self.now_s = max(self.now_s, at_s)
            action()
            if at_s in restarts:
                restarts.discard(at_s)
                await self._restart()
            await self._settle()
        await self._finish()
        return self.outcome

    def _crash_next(self) -> None:
        self._store.crash_next = True

    def _jump(self, by_s: float) -> None:
        self.skew_s += by_s

    async def _start(self) -> None:
        self._store = InlineStore(self._path, self._rng)
        boot_s = self.now_s
        clock = ApiClock(lambda: self.now_s + self.skew_s, lambda: self.now_s - boot_s)
        self._clock = clock
        self._scheduler = Scheduler(self._store, self, self._policy, self.week.people, clock)
        self._store._transact(return_unfinished, clock())
        await self._scheduler.take_over()
        self.at(self.now_s, lambda: None)
        self._is_asking = True

    async def _restart(self) -> None:
        tasks = list(self._scheduler._flights)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._store.close()
        await self._start()

    async def _settle(self) -> None:
        """Let everything happen that happens now."""
        wait_s = 0.0
        try:
            if self._is_asking:
                self._is_asking = not await self._scheduler.ask_time()
                if self._is_asking:
                    self.at(self.now_s + ASK_AGAIN_S, lambda: None)
            if self._inbox:
                await self._scheduler.put([self._message(said) for said in self._inbox])
                self._inbox.clear()
            await self._let_tasks_run()
            while wait_s == 0.0:
                wait_s = await self._scheduler.step()
                await self._let_tasks_run()
        except Crash:
            pass
        if self._store.is_crashed:
            await self._restart()  # what is not acknowledged, the broker sends again: the inbox
            await self._settle()
        else:
            self._look_again(self.now_s + wait_s + 0.001)

    def _look_again(self, at_s: float) -> None:
        """Let the driver come back then, unless it comes earlier anyhow."""
        if self._looks_at_s <= self.now_s or at_s < self._looks_at_s:
            self._looks_at_s = at_s
            if at_s < self.week.end_s:
                self.at(at_s, lambda: None)

    async def _let_tasks_run(self) -> None:
        loop: Any = asyncio.get_running_loop()
        while loop._ready:  # noqa: ASYNC110  (nothing else says when all tasks wait)
            await asyncio.sleep(0)

    def _message(self, said: Said) -> Message:
        now_s = self._clock()
        return Message(
            kind=Kind.REQUEST,
            origin="rule",
            name=said.rule,
            key=said.key,
            text=said.text,
            to=self.week.people,
            channel="home",
            priority=said.priority,
            at_s=now_s,
            since_s=now_s,
            request_id=said.id,
        )

    # --- the API, as the scheduler sees it -----------------------------------------------------

    async def ask_time(self) -> int | None:
        return None if fate(self.week, self.now_s, self._rng) else int(self.now_s)

    async def send(self, batch: Batch) -> Verdict:
        kind = batch.ledger_kind
        trouble = fate(self.week, self.now_s, self._rng)
        if trouble == "down":
            await self._pass(1.0)
            return protocol.unsent("no route")
        self.outcome.posts[kind] += 1
        self.outcome.posted.append((self.now_s, kind))
        server = self.servers[batch.channel]
        if kind == "critical":
            server.written_criticals_at_s.append(self.now_s)
        if trouble == "500":
            await self._pass(1.0)
            return Verdict(protocol.UNCLEAR, 500, "trouble", int(self.now_s))
        status = self._post(batch, kind, server)
        if trouble == "lost":
            await self._pass(self._rng.choice((0.0, 20.0, 40.0)))
            return protocol.lost("no reply")
        at_s = int(self.now_s)
        await self._pass(self._rng.choice((0.05, 0.2, 2.0)))
        return Verdict(OUTCOMES[status], status, "", at_s)

    def _post(self, batch: Batch, kind: str, server: Server) -> int:
        """Return what the server says. A message to who is refused counts: nobody knows."""
        refused_with = self._refused_with(batch)
        has_room = server.post(self.now_s)
        if has_room and refused_with is None:
            self._arrived.update((one.id, batch.person) for one in batch.deliveries)
            self.outcome.helped += len(batch.deliveries) if batch.channel != "home" else 0
            if kind == "digest":
                ids = tuple(one.id for one in batch.deliveries)
                self._digests.update(dict.fromkeys(ids, (ids, batch.text)))
        if not has_room:
            self.outcome.refused[kind] += 1
            self.spare_refused += batch.channel == "spare"
            if server.is_promised(self.now_s):
                self._break(
                    f"{'G1' if kind == 'critical' else 'G3'}: a {kind} POST on {batch.channel} "
                    "was refused"
                )
            return 4029
        return refused_with or 200

    def _refused_with(self, batch: Batch) -> int | None:
        return next(
            (
                one.status
                for one in self.week.refusals
                if (one.channel, one.person) == (batch.channel, batch.person)
                and one.begin_s <= self.now_s < one.end_s
            ),
            None,
        )

    async def _pass(self, seconds: float) -> None:
        future = asyncio.get_running_loop().create_future()
        self.at(self.now_s + seconds, lambda: future.done() or future.set_result(None))
        await future

    # --- the end -------------------------------------------------------------------------------

    def _break(self, what: str) -> None:
        at_s = self.now_s - self.week.begin_s
        self.outcome.broken.append(f"seed {self.week.seed}, {at_s:.0f} s: {what}")

    async def _finish(self) -> None:
        counts = summary(self._store.connection)["alerts"]
        self.outcome.counts = counts
        self.outcome.criticals_waiting = self._store.connection.execute(
            "SELECT count(*) FROM deliveries "
            "WHERE priority = 0 AND state NOT IN ('sent', 'withdrawn')"
        ).fetchone()[0]
        stored = {
            (row["request_id"], row["person"])
            for row in self._store.connection.execute(
                "SELECT request_id, person FROM deliveries JOIN alerts ON alerts.id = alert_id"
            )
        }
        for one in self.week.said:
            missing = sum((one.id, person) not in stored for person in self.week.people)
            kind = "critical" if one.priority is Priority.CRITICAL else "other"
            self.outcome.lost[kind] += missing
        if self.outcome.lost.total():
            self._break(f"G2: said and not stored: {self.outcome.lost}")
        if counts["accepted"] != sum(
            number for word, number in counts.items() if word != "accepted"
        ):
            self._break(f"G2: the states do not add up: {counts}")
        self._check_help()
        self._check_arrivals()
        self._check_digests()
        tasks = list(self._scheduler._flights)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._store.close()

    def _check_help(self) -> None:
        """A critical waits for nothing but the network while another channel has room."""
        spare = self.servers.get("spare")
        if spare is None or self.week.refusals or self.spare_refused:
            return
        late = self._store.connection.execute(
            "SELECT count(*) FROM deliveries JOIN alerts ON alerts.id = alert_id "
            "WHERE priority = 0 AND state <> 'sent' AND created_at_s < ?",
            (self._clock() - 6 * HOUR_S,),
        ).fetchone()[0]
        if late:
            self._break(f"{late} criticals waited though another channel had room")

    def _check_arrivals(self) -> None:
        for row in self._store.connection.execute(
            "SELECT id, person FROM deliveries WHERE state = 'sent'"
        ):
            if (row["id"], row["person"]) not in self._arrived:
                self._break(f"G2: delivery {row['id']} counts as sent and never arrived")

    def _check_digests(self) -> None:
        rows = self._store.connection.execute(
            "SELECT digest.id, count(item.id) AS number FROM deliveries AS digest "
            "JOIN deliveries AS item ON item.state = 'deferred' AND item.digest_id = digest.id "
            "WHERE digest.is_digest AND digest.state = 'sent' GROUP BY digest.id"
        )
        held = {row["id"]: row["number"] for row in rows}
        for ids, text in set(self._digests.values()):
            if any(self._digests[one] != (ids, text) for one in ids) or not held.keys() & {*ids}:
                continue  # it went again, with more in it
            number = sum(held.get(one, 0) for one in ids)
            shown = int(match[1]) if (match := re.match(r"(\d+) alerts, ", text)) else 1
            if shown != number:
                self._break(f"G2: a digest says {shown} and holds {number}")


def _ignore_crashes(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), Crash):
        loop.default_exception_handler(context)
