"""Durable before acknowledged (promise D1): store what a message changed, then acknowledge it.

Messages that arrive together share a commit, and acknowledgments leave in order of arrival. While
the disk cannot be written, criticals go out from memory (see `rescue`) and are acknowledged on
their 200; all else stays unacknowledged, so that the broker keeps it.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kilopush_bridge.app.rescue import Rescue
from kilopush_bridge.errors import StorageError
from kilopush_bridge.failpoints import reach
from kilopush_bridge.model import Message
from kilopush_bridge.outbox.store import to_the_end

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from kilopush_bridge.model import Change
    from kilopush_bridge.scheduler import Push

log = logging.getLogger(__name__)

RETRY_S = 1.0
BACKLOG_FULL = 5_000  # received and not committed: stop reading, the broker keeps the rest
BACKLOG_LOW = 1_000


@dataclass(slots=True, eq=False)
class Step:
    """One received message, or one timer: what it changed, and what happens once that is stored."""

    ticket: int | None
    changes: Sequence[Change]
    request_id: str | None = None
    on_finished: Callable[[], None] | None = None
    is_acknowledged: bool = False
    rescues: dict[int, Rescue] = field(default_factory=dict)  # by the place of their message

    @property
    def is_rescued(self) -> bool:
        """Whether no message of it is lost if it is never stored: all of them arrived."""
        messages = sum(
            isinstance(change, Message) and not change.withdrawn for change in self.changes
        )
        return len(self.rescues) == messages and all(
            rescue.is_complete for rescue in self.rescues.values()
        )

    def to_store(self) -> list[Change]:
        """Return its changes, its messages with what is known about who has them."""
        return [
            self.rescues[at].marked() if at in self.rescues else change
            for at, change in enumerate(self.changes)
        ]


class Committer:
    """Store steps in order of arrival and acknowledge them.

    `put(changes)` stores them in one commit, or raises StorageError.
    `on_stored(steps)` is called in order once steps are durable; `pause(True)` stops the reading of
    more messages. `failing_since_s` says since when the state cannot be written.
    """

    def __init__(
        self,
        put: Callable[[Sequence[Change]], Awaitable[None]],
        push: Push,
        clock: Callable[[], float],
        acknowledge: Callable[[int], None],
        on_stored: Callable[[Sequence[Step]], None],
        pause: Callable[[bool], None],
    ) -> None:
        self._put = put
        self._push = push
        self._clock = clock
        self._acknowledge = acknowledge
        self._on_stored = on_stored
        self._pause = pause
        self._steps: list[Step] = []
        self._is_committing = False
        self._awake = asyncio.Event()
        self.failing_since_s: float | None = None

    @property
    def is_rescuing(self) -> bool:
        """Whether a critical is on its way from memory."""
        return any(rescue.is_on_the_way for step in self._steps for rescue in step.rescues.values())

    def add(self, step: Step) -> None:
        """Take a step; one that changes nothing and follows nothing is acknowledged at once."""
        if not step.changes and not self._steps and not self._is_committing:
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
            # A commit that has begun is acknowledged even while we are being stopped: the broker
            # would send the same events again.
            if not await to_the_end(self._commit_waiting()):
                await asyncio.sleep(RETRY_S)
            if len(self._steps) < BACKLOG_LOW:
                self._pause(False)

    def close(self) -> None:
        """Give up what is not stored: it was never acknowledged."""
        for step in self._steps:
            _stop_rescues(step)

    async def _commit_waiting(self) -> bool:
        """Commit everything that waits as one; return whether the disk took it."""
        steps, self._steps = self._steps, []
        self._is_committing = True
        try:
            await self._commit(steps)
        except StorageError as error:
            self._steps = steps + self._steps
            self._note_failure(error)
            self._rescue_criticals()
            return False
        finally:
            self._is_committing = False
        self.failing_since_s = None
        return True

    async def _commit(self, steps: Sequence[Step]) -> None:
        changes = [change for step in steps for change in step.to_store()]
        if changes:
            await self._put(changes)
            reach("after_commit")
        for step in steps:
            _stop_rescues(step)
            self._finish(step)
        if changes:
            reach("after_ack")
            self._on_stored(steps)

    def _finish(self, step: Step) -> None:
        if step.ticket is not None and not step.is_acknowledged:
            self._acknowledge(step.ticket)
            step.is_acknowledged = True
        if step.on_finished is not None:
            step.on_finished()

    # --- the disk says no ----------------------------------------------------------------------

    def _note_failure(self, error: StorageError) -> None:
        if self.failing_since_s is None:
            self.failing_since_s = self._clock()
            log.error("%s; criticals go out all the same, nothing else is acknowledged", error)

    def _rescue_criticals(self) -> None:
        for step in self._steps:
            for at, change in enumerate(step.changes):
                if not isinstance(change, Message) or change.withdrawn or at in step.rescues:
                    continue
                if change.is_critical:
                    self._start_rescue(step, at, change)

    def _start_rescue(self, step: Step, at: int, message: Message) -> None:
        def on_sent() -> None:
            if step.is_rescued:
                self._finish(step)

        step.rescues[at] = Rescue(message, self._push, self._clock, on_sent)


def _stop_rescues(step: Step) -> None:
    for rescue in step.rescues.values():
        rescue.stop()
