"""Who wants to know what becomes of messages: actions that wait, entities, repairs."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from .outbox.model import EventType, Overview, Result
from .results import outcome_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from .outbox.model import Event

_LOGGER = logging.getLogger(__name__)


class Audience:
    """Tells each of them. A mistake of a listener stops nothing."""

    def __init__(self) -> None:
        """Begin without anybody."""
        self.overview = Overview()
        self.waiters: dict[int, asyncio.Future[Result]] = {}  # by delivery
        self._listeners: list[Callable[[], None]] = []
        self._event_listeners: list[Callable[[Event], None]] = []

    def expect(self, delivery_ids: Iterable[int]) -> dict[int, asyncio.Future[Result]]:
        """Return what each delivery will come to, until ``forget``."""
        loop = asyncio.get_running_loop()
        waiters = {delivery_id: loop.create_future() for delivery_id in delivery_ids}
        self.waiters |= waiters
        return waiters

    def forget(self, delivery_ids: Iterable[int]) -> None:
        """Answer these no more."""
        for delivery_id in delivery_ids:
            self.waiters.pop(delivery_id, None)

    def answer(self, delivery_id: int, result: Result) -> None:
        """Tell an action what its message came to; the first answer counts."""
        waiter = self.waiters.get(delivery_id)
        if waiter is not None and not waiter.done():
            waiter.set_result(result)

    def tell(self, events: Sequence[Event]) -> None:
        """Tell what happened to messages."""
        for event in events:
            self.answer(event.delivery_id, Result(outcome_of(event.type), event.reason))
            if event.type is EventType.DEAD:  # the last place where it can be read
                _LOGGER.error("Gave up a message: %s (%s)", event.text or event.title, event.reason)
            for listener in list(self._event_listeners):
                _call(listener, event)

    def show(self, overview: Overview) -> None:
        """Tell that the overview has changed, if it has."""
        if overview != self.overview:
            self.overview = overview
            for listener in list(self._listeners):
                _call(listener)

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Add a listener to the overview; return how to end that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def listen_events(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Add a listener to events; return how to end that."""
        self._event_listeners.append(listener)
        return lambda: self._event_listeners.remove(listener)


def _call(listener: Callable[..., None], *what: Event) -> None:
    try:
        listener(*what)
    except Exception:
        _LOGGER.exception("Somebody could not be told what became of a message")
