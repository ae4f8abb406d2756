"""The loop around `decide`: read, decide, claim, post, settle.

Nothing waits here: what is not on the way is in the outbox. A kill at any place leaves the outbox
as it is described in `outbox.claim`.
"""

from __future__ import annotations

import asyncio
import logging
import math
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from kilopush_bridge.core.protocol import unsent
from kilopush_bridge.errors import StorageError
from kilopush_bridge.failpoints import reach
from kilopush_bridge.outbox import outbox
from kilopush_bridge.outbox.ledger import last_counted_s
from kilopush_bridge.outbox.store import to_the_end
from kilopush_bridge.scheduler.compose import compose
from kilopush_bridge.scheduler.decide import Flight, Situation, decide
from kilopush_bridge.scheduler.digest import write_digest
from kilopush_bridge.scheduler.situation import HEADS, Around, Moment
from kilopush_bridge.scheduler.transactions import learn_time, put_and_claim, store_verdict

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Collection, Sequence

    from kilopush_bridge.core.protocol import Verdict
    from kilopush_bridge.model import Batch, Change, Delivery
    from kilopush_bridge.outbox.store import Store
    from kilopush_bridge.scheduler.clock import ApiClock
    from kilopush_bridge.scheduler.policy import Policy
    from kilopush_bridge.scheduler.react import Reaction

log = logging.getLogger(__name__)

# A wake-up makes it faster; looking every second makes it certain, and notices what another
# process (`send`, `queue retry`) has put there.
POLL_S = 1.0
ASK_TIME_EVERY_S = 30.0
PATIENCE_S = 600.0  # without the API's time, so long: then what was counted last has to do


class Push(Protocol):
    """The send API. Never raises."""

    async def send(self, batch: Batch) -> Verdict:
        """POST the batch and return the verdict."""

    async def ask_time(self) -> int | None:
        """Return the API's time, None if it does not say; costs no message."""


class Scheduler:
    """Send what waits in the outbox.

    `on_settled(batch, verdict, reaction)` is told about every attempt, after it is stored;
    `collecting(now)` names the groups that are not complete yet. `failing_since_s` says since when
    the state cannot be written, `criticals_on_the_way` how many POSTs with a critical have no
    reply yet.
    """

    def __init__(
        self,
        store: Store,
        push: Push,
        policy: Policy,
        people: Sequence[str],
        clock: ApiClock,
        on_settled: Callable[[Batch, Verdict, Reaction], None] = lambda *_: None,
        collecting: Callable[[float], Collection[str]] = lambda _now_s: (),
    ) -> None:
        self._store = store
        self._push = push
        self._policy = policy
        self._people = people
        self._clock = clock
        self._on_settled = on_settled
        self._flights: dict[asyncio.Task[None], Flight] = {}
        self._awake = asyncio.Event()
        self._claiming = asyncio.Lock()
        self._collecting = collecting
        self._unrecorded: set[int] = set()  # sent, or being sent, without the ledger
        self._has_news = False  # of the time, and not stored
        self.criticals_on_the_way = 0
        self.failing_since_s: float | None = None

    def use(self, policy: Policy, people: Sequence[str]) -> None:
        """Go on with another policy and other people."""
        self._policy, self._people = policy, people
        self.wake()

    def wake(self) -> None:
        """Look at the outbox now."""
        self._awake.set()

    @property
    def in_flight(self) -> int:
        """How many POSTs are on the way, or were answered and are not stored yet."""
        return len(self._flights)

    async def run(self) -> None:
        """Send until cancelled; then the POSTs on the way still end: see `drain`."""
        asking = asyncio.create_task(self._ask_time_until_known(), name="ask the API's time")
        try:
            while True:
                self._awake.clear()
                wait_s = await to_the_end(self.step())  # what is claimed has to leave
                # not `wait_for`: before Python 3.12 it can lose a cancellation
                with suppress(TimeoutError):
                    async with asyncio.timeout(min(wait_s, POLL_S)):
                        await self._awake.wait()
        finally:
            asking.cancel()

    async def step(self) -> float:
        """Start what may go now; return after how many seconds to look again at the latest."""
        if self._has_news:
            await self._store_time()
        try:
            return await self._claim_with(())
        except StorageError as error:
            now_s = self._clock()
            self._note_failure(error, now_s)
            await self._rescue(now_s)
            return POLL_S

    async def take_over(self) -> None:
        """Count on from where the last run ended.

        Raises:
            StorageError: the ledger cannot be read.
        """
        self._clock.start_from(await self._store.read(last_counted_s))

    async def ask_time(self) -> bool:
        """Ask for the API's time, so that the budget is certain; return whether it is known."""
        api_s = await self._push.ask_time()
        if api_s is not None:
            await self._learn_time(api_s)
        return self._clock.is_known

    async def _ask_time_until_known(self) -> None:
        while True:
            if await self.ask_time():
                return
            await asyncio.sleep(ASK_TIME_EVERY_S)

    async def _learn_time(self, api_s: float | None) -> None:
        if self._clock.hear(api_s):
            self._has_news = True
            await self._store_time()
            self.wake()

    async def _store_time(self) -> None:
        try:
            await self._store.call(learn_time, self._policy, self.moment(), self._clock.ahead_s)
        except StorageError as error:
            self._note_failure(error, self._clock())  # the next step tries again
        else:
            self._has_news = False

    async def put(self, changes: Sequence[Change]) -> None:
        """Store changes; what of the outbox may leave now is claimed in the same commit.

        One fsync less between an alarm and its POST.

        Raises:
            StorageError: nothing is stored.
        """
        await self._claim_with(changes)

    async def _claim_with(self, changes: Sequence[Change]) -> float:
        async with self._claiming:  # two claims at once would not see each other's flights
            at = self.moment()
            around = Around(
                self._policy,
                self._people,
                tuple(self._flights.values()),
                frozenset(self._unrecorded),
                self._collecting(at.now_s),
            )
            is_trial = self.failing_since_s is not None
            claimed = await self._store.call(put_and_claim, changes, around, at, is_trial=is_trial)
            self.failing_since_s = None
            for batch, flight in claimed.batches:
                self._start(batch, flight)
        return max(0.0, claimed.look_at_s - at.now_s) if claimed.look_at_s else math.inf

    def moment(self) -> Moment:
        """Return the time: for waits, and for the ledger."""
        clock = self._clock
        is_certain = clock.is_known or clock.unknown_for_s >= PATIENCE_S
        return Moment(clock(), clock.counted_s, clock.is_known, is_certain)

    async def drain(self, within_s: float) -> None:
        """Wait for the POSTs on the way; the next start takes up those that take longer."""
        if tasks := list(self._flights):
            _, late = await asyncio.wait(tasks, timeout=within_s)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

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
        situation = Situation(queues, (), (), list(self._flights.values()), {}, self._policy)
        for launch in decide(situation, now_s).launches:
            draft = compose(launch.deliveries, now_s)
            self._unrecorded.update(one.id for one in draft.deliveries)
            self._start(replace(draft, attempt_id=-draft.deliveries[0].id), launch.flight)

    def _waiting_criticals(
        self, connection: sqlite3.Connection, now_s: float
    ) -> list[list[Delivery]]:
        queues = [
            outbox.waiting(connection, channel, person, now_s, HEADS)
            for channel in self._policy.channels
            for person in self._people
        ]
        return [
            [one for one in queue if one.is_critical and one.id not in self._unrecorded]
            for queue in queues
        ]

    def _start(self, batch: Batch, flight: Flight) -> None:
        reach("after_claim")
        task = asyncio.create_task(self._attempt(batch), name=f"post {batch.attempt_id}")
        self._flights[task] = flight
        task.add_done_callback(self._land)

    def _land(self, task: asyncio.Task[None]) -> None:
        del self._flights[task]
        self.wake()  # after the flight is gone: it may have been what the next one waited for

    async def _attempt(self, batch: Batch) -> None:
        batch, verdict = await self._post(batch)
        reach("after_post")
        if verdict.status is not None:  # there was a reply
            await self._learn_time(verdict.at_s)
        reaction = None
        while reaction is None:
            reaction = await to_the_end(self._settle(batch, verdict))
            if reaction is None:
                await asyncio.sleep(POLL_S)
        reach("after_finish")
        self._on_settled(batch, verdict, reaction)

    async def _post(self, batch: Batch) -> tuple[Batch, Verdict]:
        """Return what was posted, a digest with its text, and what came of it."""
        self.criticals_on_the_way += batch.is_critical
        try:
            if batch.is_digest:
                batch = await self._store.look(write_digest, batch, self._policy, self._clock())
            return batch, await self._push.send(batch)
        except Exception as error:
            # a digest that cannot be read, or a mistake of ours: nothing may stay on the way
            log.exception("a message could not be posted")
            return batch, unsent(type(error).__name__)
        finally:
            self.criticals_on_the_way -= batch.is_critical

    async def _settle(self, batch: Batch, verdict: Verdict) -> Reaction | None:
        """Store what came of an attempt and return it; None if the disk says no."""
        try:
            reaction = await self._store.call(
                store_verdict, batch, verdict, self._policy, self.moment()
            )
        except StorageError as error:
            self._note_failure(error, self._clock())
            return None
        self._unrecorded.difference_update(one.id for one in batch.deliveries)
        self.failing_since_s = None
        return reaction
