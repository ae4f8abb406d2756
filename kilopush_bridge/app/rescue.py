"""A critical past the disk: from memory to its people while the state cannot be written."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from kilopush_bridge.core.protocol import SENT, UNCLEAR, is_spent
from kilopush_bridge.core.retry import retry_delay_s
from kilopush_bridge.scheduler.compose import compose_message

if TYPE_CHECKING:
    from collections.abc import Callable

    from kilopush_bridge.core.protocol import Verdict
    from kilopush_bridge.model import Message
    from kilopush_bridge.scheduler import Push


class Rescue:
    """One critical message, tried for each person as the replies demand, until `stop`.

    `on_sent()` is called whenever one more person has it.
    """

    def __init__(
        self,
        message: Message,
        push: Push,
        clock: Callable[[], float],
        on_sent: Callable[[], None],
    ) -> None:
        self._message = message
        self._push = push
        self._clock = clock
        self._on_sent = on_sent
        self._have_it: set[str] = set()
        self._may_have_it: set[str] = set()
        self._posts: Counter[str] = Counter()  # what counts against the quota, by person
        self._on_the_way = 0
        self._tasks = [
            asyncio.create_task(self._reach(person), name=f"critical from memory to {person}")
            for person in message.to
        ]

    @property
    def is_complete(self) -> bool:
        """Whether everybody has it."""
        return self._have_it.issuperset(self._message.to)

    @property
    def is_on_the_way(self) -> bool:
        """Whether a POST has no reply yet."""
        return self._on_the_way > 0

    def marked(self) -> Message:
        """Return the message to be stored: it says who has it, and who may have it."""
        return replace(
            self._message,
            already_sent=frozenset(self._have_it),
            maybe_sent=frozenset(self._may_have_it),
            rescue_posts=tuple(self._posts.items()),
        )

    def stop(self) -> None:
        """Leave the rest to the outbox."""
        for task in self._tasks:
            task.cancel()

    async def _reach(self, person: str) -> None:
        outcome, tries = "", 0
        while outcome != SENT:
            verdict = await self._post(person)
            tries = tries + 1 if verdict.outcome == outcome else 1
            outcome = verdict.outcome
            delay_s = retry_delay_s(outcome, tries, critical=True)
            if delay_s is None:
                break  # sent; or refused for good, which the outbox will find out by itself
            await asyncio.sleep(delay_s)

    async def _post(self, person: str) -> Verdict:
        is_repeat = person in self._may_have_it
        self._may_have_it.add(person)  # until its reply says otherwise
        self._posts[person] += 1  # until its reply says otherwise, too
        self._on_the_way += 1
        try:
            batch = compose_message(self._message, person, self._clock(), is_repeat=is_repeat)
            verdict = await self._push.send(batch)
        finally:
            self._on_the_way -= 1
        if not is_spent(verdict.outcome):
            self._posts[person] -= 1
        if verdict.outcome == SENT:
            self._have_it.add(person)
            self._on_sent()
        if verdict.outcome == SENT or (verdict.outcome != UNCLEAR and not is_repeat):
            self._may_have_it.discard(person)
        return verdict
