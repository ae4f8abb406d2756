"""Durable before acknowledged (promise D1): store what a message changed, then acknowledge it.

Messages that arrive together share a commit, and acknowledgments leave in order of arrival. While
the disk cannot be written, criticals go out from memory and are acknowledged on their 200; all
else stays unacknowledged, so that the broker keeps it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from kilopush_bridge.core.protocol import SENT
from kilopush_bridge.errors import StorageError
from kilopush_bridge.failpoints import reach
from kilopush_bridge.model import Batch, Delivery, Message
from kilopush_bridge.outbox import outbox
from kilopush_bridge.scheduler.compose import compose

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kilopush_bridge.outbox.store import Store
    from kilopush_bridge.scheduler import Push

log = logging.getLogger(__name__)

RETRY_S = 1.0
BACKLOG_FULL = 5_000  # received and not committed: stop reading, the broker keeps the rest
BACKLOG_LOW = 1_000


@dataclass(slots=True, eq=False)
class Step:
    """One received message: what it changed, and what happens once that is stored."""

    ticket: int | None
    messages: Sequence[Message]
    request_id: str | None = None
    is_acknowledged: bool = False
    rescue: dict[int, set[str]] = field(default_factory=dict)  # people who have it, by message


class Committer:
    """Store steps in order of arrival and acknowledge them.

    `on_stored(step)` is called in order once a step is durable; `pause(True)` stops the reading of
    more messages. `failing_since_s` says since when the state cannot be written.
    """

    def __init__(
        self,
        store: Store,
        push: Push,
        clock: Callable[[], float],
        acknowledge: Callable[[int], None],
        on_stored: Callable[[Sequence[Step]], None],
        pause: Callable[[bool], None],
    ) -> None:
        self._store = store
        self._push = push
        self._clock = clock
        self._acknowledge = acknowledge
        self._on_stored = on_stored
        self._pause = pause
        self._steps: list[Step] = []
        self._is_committing = False
        self._awake = asyncio.Event()
        self._rescues: dict[tuple[int, int], asyncio.Task[None]] = {}
        self.failing_since_s: float | None = None

    @property
    def is_rescuing(self) -> bool:
        """Whether a critical is on its way from memory."""
        return bool(self._rescues)

    def add(self, step: Step) -> None:
        """Take a step; one that changes nothing and follows nothing is acknowledged at once."""
        if not step.messages and not self._steps and not self._is_committing:
            self._finish(step)
            return
        self._steps.append(step)
        if len(self._steps) >= BACKLOG_FULL:
            self._pause(True)
        self._awake.set()

    async def run(self) -> None:
        """Commit until cancelled."""
        while True:
            await self._awake.wait()
            self._awake.clear()
            await self.flush()

    async def flush(self) -> None:
        """Commit what there is, however often the disk says no."""
        while self._steps:
            steps, self._steps = self._steps, []
            self._is_committing = True
            try:
                await self._commit(steps)
            except StorageError as error:
                self._steps = steps + self._steps
                self._note_failure(error)
                self._rescue_criticals()
                await asyncio.sleep(RETRY_S)
            else:
                self.failing_since_s = None
            finally:
                self._is_committing = False
            if len(self._steps) < BACKLOG_LOW:
                self._pause(False)

    async def _commit(self, steps: Sequence[Step]) -> None:
        messages = [
            replace(message, already_sent=frozenset(step.rescue.get(at, ())))
            if step.rescue
            else message
            for step in steps
            for at, message in enumerate(step.messages)
        ]
        if messages:
            await self._store.call(outbox.put, messages)
            reach("after_commit")
        for step in steps:
            self._finish(step)
        if messages:
            reach("after_ack")
            self._on_stored(steps)

    def _finish(self, step: Step) -> None:
        if step.ticket is not None and not step.is_acknowledged:
            self._acknowledge(step.ticket)
            step.is_acknowledged = True

    # --- the disk says no ----------------------------------------------------------------------

    def _note_failure(self, error: StorageError) -> None:
        if self.failing_since_s is None:
            self.failing_since_s = self._clock()
            log.error("%s; criticals go out all the same, nothing else is acknowledged", error)

    def _rescue_criticals(self) -> None:
        for step in self._steps:
            for at, message in enumerate(step.messages):
                missing = set(message.to) - step.rescue.get(at, set())
                if message.is_critical and missing and (id(step), at) not in self._rescues:
                    self._start_rescue(step, at)

    def _start_rescue(self, step: Step, at: int) -> None:
        handle = (id(step), at)

        def rescued(_task: asyncio.Task[None]) -> None:
            del self._rescues[handle]

        task = asyncio.create_task(self._rescue(step, at), name="critical from memory")
        self._rescues[handle] = task
        task.add_done_callback(rescued)

    async def _rescue(self, step: Step, at: int) -> None:
        """POST a critical to whoever has not got it; acknowledge its message when all have."""
        message = step.messages[at]
        reached = step.rescue.setdefault(at, set())
        people = [person for person in message.to if person not in reached]
        verdicts = await asyncio.gather(
            *(self._push.send(self._batch(message, person)) for person in people)
        )
        reached.update(
            person
            for person, verdict in zip(people, verdicts, strict=True)
            if verdict.outcome == SENT
        )
        criticals = [n for n, one in enumerate(step.messages) if one.is_critical]
        if all(set(step.messages[n].to) <= step.rescue.get(n, set()) for n in criticals):
            self._finish(step)

    def _batch(self, message: Message, person: str) -> Batch:
        delivery = Delivery(
            id=0,
            alert_id=0,
            person=person,
            channel=message.channel,
            kind=message.kind,
            priority=message.priority,
            name=message.name,
            text=message.text or "",
            url=message.url,
            silent=message.silent,
            created_at_s=message.at_s,
            found_at_start=message.found_at_start,
        )
        return compose([delivery], self._clock())
