"""The loop around `decide`: read, decide, claim, post, settle.

Nothing waits here: what is not on the way is in the outbox. A kill at any place leaves the outbox
as it is described in `outbox.claim`.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from kilopush_bridge.core.protocol import SENT, is_spent
from kilopush_bridge.errors import StorageError
from kilopush_bridge.failpoints import reach
from kilopush_bridge.model import Batch, Kind, Message, Priority
from kilopush_bridge.outbox import outbox
from kilopush_bridge.outbox.facts import fact, remember
from kilopush_bridge.outbox.holds import clear_holds, load_holds, save_holds
from kilopush_bridge.scheduler.compose import compose
from kilopush_bridge.scheduler.decide import Flight, decide
from kilopush_bridge.scheduler.react import Reaction, react

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Sequence

    from kilopush_bridge.core.protocol import Verdict
    from kilopush_bridge.model import Delivery
    from kilopush_bridge.outbox.store import Store

log = logging.getLogger(__name__)

# A wake-up makes it faster; looking every second makes it certain, and notices what another
# process (`send`, `queue retry`) has put there.
POLL_S = 1.0
HEADS = 64  # deliveries looked at per channel and person


class Push(Protocol):
    """One attempt to deliver a batch; returns what came of it and never raises."""

    async def send(self, batch: Batch) -> Verdict:
        """POST the batch and return the verdict."""


class Scheduler:
    """Send what waits in the outbox.

    `on_settled(batch, verdict)` is told about every attempt, after it is stored; `collecting(now)`
    names the groups that are not complete yet. `failing_since_s` says since when the state cannot
    be written.
    """

    def __init__(
        self,
        store: Store,
        push: Push,
        channels: Sequence[str],
        people: Sequence[str],
        clock: Callable[[], float],
        on_settled: Callable[[Batch, Verdict], None] = lambda _batch, _verdict: None,
        collecting: Callable[[float], Collection[str]] = lambda _now_s: (),
    ) -> None:
        self._store = store
        self._push = push
        self._pairs = [(channel, person) for channel in channels for person in people]
        self._clock = clock
        self._on_settled = on_settled
        self._flights: dict[int, Flight] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._awake = asyncio.Event()
        self._collecting = collecting
        self._unrecorded: set[int] = set()
        self.failing_since_s: float | None = None

    def wake(self) -> None:
        """Look at the outbox now."""
        self._awake.set()

    @property
    def in_flight(self) -> int:
        """How many POSTs are on the way."""
        return len(self._tasks)

    async def run(self) -> None:
        """Send until cancelled; then the POSTs on the way still end: see `drain`."""
        while True:
            self._awake.clear()
            wait_s = await self.step()
            try:
                await asyncio.wait_for(self._awake.wait(), wait_s)
            except TimeoutError:
                continue

    async def step(self) -> float:
        """Start what may go now; return after how many seconds to look again, at most `POLL_S`."""
        now_s = self._clock()
        try:
            batches, next_due_at_s = await self._store.call(self._claim, now_s)
        except StorageError as error:
            self._note_failure(error, now_s)
            await self._rescue(now_s)
            return POLL_S
        self.failing_since_s = None
        for batch, flight in batches:
            self._start(batch, flight)
        return POLL_S if next_due_at_s is None else max(0.0, min(POLL_S, next_due_at_s - now_s))

    async def drain(self, within_s: float) -> None:
        """Wait for the POSTs on the way; the next start takes up those that take longer."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=within_s)
        for task in self._tasks:
            task.cancel()

    def _claim(
        self, connection: sqlite3.Connection, now_s: float
    ) -> tuple[list[tuple[Batch, Flight]], float | None]:
        queues = [
            [
                one
                for one in outbox.waiting(connection, *pair, now_s, HEADS)
                if one.id not in self._unrecorded
            ]
            for pair in self._pairs
        ]
        holds = load_holds(connection)
        flights = list(self._flights.values())
        claimed = []
        for launch in decide(queues, holds, flights, self._collecting(now_s), now_s):
            draft = compose(launch.deliveries, now_s)
            attempt_id = outbox.claim(connection, draft.deliveries, now_s)
            claimed.append((replace(draft, attempt_id=attempt_id), launch.flight))
        times = [hold.next_at_s for hold in holds if hold.next_at_s > now_s]
        due_at_s = outbox.next_due_at_s(connection, now_s)
        return claimed, min([*times, *([due_at_s] if due_at_s else [])], default=None)

    def _note_failure(self, error: StorageError, now_s: float) -> None:
        if self.failing_since_s is None:
            self.failing_since_s = now_s
            log.error("%s; criticals go out all the same, everything else waits", error)

    async def _rescue(self, now_s: float) -> None:
        """Send stored criticals without the ledger: it cannot be written, and they cannot wait."""
        try:
            queues = await self._store.read(self._waiting_criticals, now_s)
        except StorageError:
            return
        for launch in decide(queues, (), list(self._flights.values()), (), now_s):
            draft = compose(launch.deliveries, now_s)
            self._unrecorded.update(one.id for one in draft.deliveries)
            self._start(replace(draft, attempt_id=-draft.deliveries[0].id), launch.flight)

    def _waiting_criticals(
        self, connection: sqlite3.Connection, now_s: float
    ) -> list[list[Delivery]]:
        queues = [outbox.waiting(connection, *pair, now_s, HEADS) for pair in self._pairs]
        return [
            [one for one in queue if one.is_critical and one.id not in self._unrecorded]
            for queue in queues
        ]

    def _start(self, batch: Batch, flight: Flight) -> None:
        reach("after_claim")
        self._flights[batch.attempt_id] = flight
        task = asyncio.create_task(self._attempt(batch), name=f"post {batch.attempt_id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _attempt(self, batch: Batch) -> None:
        verdict = await self._push.send(batch)
        reach("after_post")
        try:
            while not await self._settle(batch, verdict):  # noqa: ASYNC110  (disks send no event)
                await asyncio.sleep(POLL_S)
        finally:
            self._flights.pop(batch.attempt_id, None)
        reach("after_finish")
        self._on_settled(batch, verdict)
        self.wake()

    async def _settle(self, batch: Batch, verdict: Verdict) -> bool:
        """Store what came of an attempt; return whether that worked."""
        try:
            await self._store.call(_store_verdict, batch, verdict, self._clock())
        except StorageError as error:
            self._note_failure(error, self._clock())
            return False
        self._unrecorded.difference_update(one.id for one in batch.deliveries)
        return True


def _store_verdict(
    connection: sqlite3.Connection, batch: Batch, verdict: Verdict, now_s: float
) -> None:
    if batch.attempt_id < 0:  # sent without the ledger
        batch = replace(batch, attempt_id=outbox.claim(connection, batch.deliveries, now_s))
    outbox.end_attempt(
        connection,
        batch.attempt_id,
        verdict.outcome,
        verdict.detail,
        now_s,
        is_spent=is_spent(verdict.outcome),
    )
    reaction = react(batch, verdict, load_holds(connection), now_s)
    for one in reaction.settlements:
        outbox.settle(connection, one, now_s)
    save_holds(connection, reaction.set_holds)
    clear_holds(connection, reaction.cleared_holds)
    _tell_others(connection, batch, verdict, reaction, now_s)


def _tell_others(
    connection: sqlite3.Connection, batch: Batch, verdict: Verdict, reaction: Reaction, now_s: float
) -> None:
    """Tell those who get the same alerts, once, that one of them no longer does."""
    told = f"opted_out:{batch.channel}:{batch.person}"
    if verdict.outcome == SENT:
        remember(connection, told, None)
    if reaction.opted_out is None or fact(connection, told) is not None:
        return
    others = outbox.others_of(connection, batch.deliveries[0].alert_id, batch.person)
    if not others:
        return
    remember(connection, told, str(now_s))
    text = (
        f"{batch.person} no longer gets alerts from channel {batch.channel}: "
        "it is on the blacklist in the app."
    )
    notice = Message(
        kind=Kind.NOTICE,
        origin="bridge",
        name="blacklist",
        key=batch.person,
        text=text,
        to=others,
        channel=batch.channel,
        priority=Priority.HIGH,
        at_s=now_s,
        since_s=now_s,
    )
    outbox.put(connection, [notice])
