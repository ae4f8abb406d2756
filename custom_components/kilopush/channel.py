"""One channel at work: the outbox is driven, stored and posted from here.

Everything that decides is in ``outbox``; here are its tasks and its timer.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from homeassistant.config_entries import ConfigEntry
from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.util import dt as dt_util

from .audience import Audience
from .bridge import Bridge
from .const import (
    CONF_SECRET,
    CONF_TOKEN,
    CONF_TOPIC_PREFIX,
    CONF_VIA_BRIDGE,
    DEFAULT_TOPIC_PREFIX,
    DOMAIN,
)
from .core import protocol
from .outbox.compose import RequestError, Words
from .outbox.ledger import CRITICAL, OTHER
from .outbox.model import Moment, Overview, Result
from .outbox.outbox import Outbox
from .outbox.state import State, from_json, to_json
from .push import Push
from .results import outcome_of, result_of
from .settings import policy_of, recipients_of
from .shared.clock import DRIFT_S, ApiClock
from .storage import Storage

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Mapping, Sequence

    from homeassistant.core import HomeAssistant

    from .core.protocol import Verdict
    from .outbox.decide import Launch
    from .outbox.model import Delivery, Event, Request
    from .settings import Recipient

_LOGGER = logging.getLogger(__name__)

type KilopushConfigEntry = ConfigEntry[Channel]

_ANSWER_WITHIN_S = 10.0  # what takes longer goes on without the action that asked for it
_DISK_WAIT_S = 2.0  # a critical waits no longer for a disk
_DISK_RETRY_S = 30.0
_WAKE_MIN_S = 0.01
_ASK_TIME_EVERY_S = 30.0
_PATIENCE_S = 600.0  # without the API's time, so long: then what was counted last has to do
_LANDING_S = 5.0  # what is on its way at an unload may end within this
_WAKE_MAX_S = 900.0  # what was sent leaves the window
_TEST = "Test message from Home Assistant"


class Channel:
    """What sends the messages of one config entry."""

    def __init__(self, hass: HomeAssistant, entry: KilopushConfigEntry) -> None:
        """Read the entry. Nothing is loaded or sent yet."""
        self.entry = entry
        self.recipients = recipients_of(entry)
        self._hass = hass
        self._push = Push(hass, entry.data[CONF_TOKEN], entry.data[CONF_SECRET])
        self._clock = ApiClock(time.time)
        self._outbox = Outbox(policy_of(entry))
        self._storage = Storage(hass, entry.entry_id, lambda: to_json(self._outbox.state))
        self._bridge = _bridge_of(hass, entry)
        self._audience = Audience()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._wake: asyncio.TimerHandle | None = None
        self._asking: asyncio.TimerHandle | None = None
        self._is_landing = False

    async def async_start(self) -> None:
        """Go on with what the last run has left."""
        self._outbox.state = await self._async_load()
        self._clock.start_from(self._outbox.state.ledger.last_counted_s())
        if forgotten := self._outbox.forget_people(list(self.recipients)):
            _LOGGER.warning("Withdrew %d messages to recipients that were removed", forgotten)
        self._outbox.release()
        if self._bridge is not None:
            self._bridge.async_start()
        self._learn_time()
        self._ask_bridge(list(self._outbox.state.pending.values()))
        self._step()

    async def _async_load(self) -> State:
        """Return what is stored. What cannot be understood is set aside: alarms go on."""
        try:
            data = await self._storage.async_load()
            return from_json(data) if data else State()
        except Exception:
            _LOGGER.exception(
                "What waited cannot be read; it is kept as a file that ends in `.unreadable`"
            )
        await self._storage.async_set_aside()
        state = State()
        state.ledger.assume_used(self._outbox.policy.limits)
        return state

    @callback
    def _learn_time(self) -> None:
        """Ask for the API's time until it is known, so that the budget is certain."""
        if not self._clock.is_known and not self._is_landing:
            self._run(self._async_ask_time(), "ask what time it is")
            self._asking = self._hass.loop.call_later(_ASK_TIME_EVERY_S, self._learn_time)

    async def _async_ask_time(self) -> None:
        api_s = await self._push.async_ask_time()
        if api_s is not None:
            self._learn(api_s)

    @callback
    def async_set_policy(self) -> None:
        """Take the options and the time zone as they are now."""
        self._outbox.policy = policy_of(self.entry)

    async def async_land(self) -> None:
        """Let what is on its way land. What comes in meanwhile is stored, and goes later."""
        self._is_landing = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=_LANDING_S)

    @callback
    def async_go_on(self) -> None:
        """Send again: it was not stopped after all."""
        self._is_landing = False
        self._step()

    @callback
    def async_stop(self) -> None:
        """Send nothing any more."""
        self._is_landing = True
        for timer in (self._wake, self._asking):
            if timer is not None:
                timer.cancel()
        if self._bridge is not None:
            self._bridge.async_stop()
        for task in self._tasks:
            task.cancel()

    async def async_close(self) -> None:
        """Stop, and store the last state: nothing is written after this."""
        self.async_stop()
        try:
            await self._storage.async_close()
        except HomeAssistantError as error:
            _LOGGER.error("The outbox cannot be stored: %s", type(error).__name__)

    # --- in ------------------------------------------------------------------------------------

    async def async_send(self, recipient_ids: Sequence[str], request: Request) -> dict[str, Result]:
        """Take a message and return what it came to for each recipient, after 10 s at most.

        What is not sent by then is in the outbox, and goes on.

        Raises:
            ServiceValidationError: it can never be sent.
            HomeAssistantError: it could not be stored.
        """
        people = [self.recipients[one] for one in recipient_ids if one in self.recipients]
        if not people:
            raise ServiceValidationError(translation_domain=DOMAIN, translation_key="no_recipients")
        deliveries = self._add(people, request)
        waiters = self._audience.expect(one.id for one in deliveries)
        try:
            self._step()
            await self._async_accept(deliveries, waiters)
        finally:
            self._audience.forget(waiters)
        return {
            person.id: result_of([waiters[one.id] for one in deliveries if one.person == person.id])
            for person in people
        }

    def _add(self, people: Sequence[Recipient], request: Request) -> list[Delivery]:
        is_bridge_there = self._bridge is not None and self._bridge.is_there
        known = [one.id for one in people if is_bridge_there and one.bridge_name is not None]
        try:
            added = self._outbox.add(
                request, {one.id: one.silent for one in people}, self._moment(), known
            )
        except RequestError as error:
            raise ServiceValidationError(
                translation_domain=DOMAIN,
                translation_key=error.key,
                translation_placeholders=error.placeholders,
            ) from error
        for delivery in added:
            delivery.request_id = secrets.token_hex(8)
        return added

    async def _async_accept(
        self, deliveries: Sequence[Delivery], waiters: Mapping[int, asyncio.Future[Result]]
    ) -> None:
        """Store messages, and wait a while for what they come to.

        The storing is the channel's: it goes on if whoever sends is cancelled.
        """
        begun_s = self._hass.loop.time()
        storing = self._run(self._async_take(deliveries), "store messages")
        await asyncio.wait({storing})
        is_stored = not storing.cancelled() and storing.result()
        is_on_its_way = any(one.is_posted for one in deliveries)
        if self._is_landing and is_stored and not is_on_its_way:
            return  # the next run sends it
        left_s = max(0.0, begun_s + _ANSWER_WITHIN_S - self._hass.loop.time())
        if is_stored or deliveries[0].is_critical:
            await asyncio.wait(waiters.values(), timeout=left_s)
        is_over = all(one.done() for one in waiters.values())
        if not is_stored and not is_over:
            raise HomeAssistantError(translation_domain=DOMAIN, translation_key="not_stored")

    async def _async_take(self, deliveries: Sequence[Delivery]) -> bool:
        """Return whether messages are stored; the bridge is asked for those that go its way."""
        is_critical = any(one.is_critical for one in deliveries)
        is_stored = await self._storage.async_try(_DISK_WAIT_S if is_critical else _ANSWER_WITHIN_S)
        self._ask_bridge(deliveries)
        return is_stored

    async def async_test(self, user_token: str) -> Verdict:
        """Send a test message and return what the API says. It counts like any other."""
        ledger = self._outbox.state.ledger
        entry_id = ledger.begin(OTHER, "")
        await self._storage.async_try(_ANSWER_WITHIN_S)
        verdict = await self._async_post(user_token, Words(_TEST, None, silent=False))
        if verdict.outcome not in (protocol.UNSENT, protocol.UNCLEAR):
            self._learn(verdict.at_s)
        ledger.end(entry_id, verdict.outcome, self._moment())
        self._step()
        await self._storage.async_try(_ANSWER_WITHIN_S)
        return verdict

    # --- out -----------------------------------------------------------------------------------

    def _moment(self) -> Moment:
        clock = self._clock
        is_certain = clock.is_known or clock.unknown_for_s >= _PATIENCE_S
        return Moment(clock(), clock.counted_s, is_certain)

    @callback
    def _step(self) -> None:
        """Do what is to be done now, and wake up when there is more."""
        if self._is_landing:
            return
        moment = self._moment()
        plan, events = self._outbox.plan(moment)
        self._set_wake(plan.wake_at_s, moment.now_s)
        for launch in plan.launches:
            # While nothing can be stored, only criticals leave.
            if launch.kind == CRITICAL or not self._storage.is_bad:
                carried, entry_id, words = self._outbox.begin(launch, moment)
                self._run(self._async_fly(carried, entry_id, words), "send a message")
        self._audience.tell(events)
        for delivery, hold in plan.held:
            self._audience.answer(delivery.id, Result(outcome_of(hold.kind), hold.detail))
        if events or self._storage.is_bad:
            self._run(self._storage.async_try(None), "store the outbox")
        today_s = dt_util.start_of_local_day().timestamp()
        self._audience.show(self._outbox.overview(moment, today_s))

    async def _async_fly(self, launch: Launch, entry_id: int, words: Words) -> None:
        """POST once it is on the disk that we do; a critical does not wait for a bad disk."""
        is_critical = launch.kind == CRITICAL
        is_stored = await self._storage.async_try(_DISK_WAIT_S if is_critical else None)
        if not is_stored and not is_critical:
            self._outbox.withdraw(launch, entry_id)
            self._set_wake(None, self._clock())
            return
        verdict = await self._async_post(self.recipients[launch.person].user_token, words)
        if verdict.outcome not in (protocol.UNSENT, protocol.UNCLEAR):
            self._learn(verdict.at_s)
        self._audience.tell(self._outbox.finish(launch, entry_id, verdict, self._moment()))
        self._step()
        await self._storage.async_try(None)

    async def _async_post(self, user_token: str, words: Words) -> Verdict:
        """Return what came of a POST; a mistake of ours may not keep it on its way for ever."""
        try:
            return await self._push.async_post(user_token, words)
        except Exception as error:
            _LOGGER.exception("A message could not be posted")
            return protocol.lost(type(error).__name__)

    def _learn(self, api_s: int | None) -> None:
        """Set the clock by a reply; what was counted without it counts from now on."""
        before_s = self._clock()
        if self._clock.hear(api_s):
            ahead_s = self._clock() - before_s
            if abs(ahead_s) > DRIFT_S:
                self._outbox.shift(ahead_s)
            self._outbox.state.ledger.stamp(self._clock.counted_s)
            self._step()

    def _set_wake(self, at_s: float | None, now_s: float) -> None:
        if self._wake is not None:
            self._wake.cancel()
        # By the clock on the wall: that of the API may be at another day.
        tomorrow = dt_util.start_of_local_day(dt_util.now() + timedelta(days=1))
        midnight_in_s = (tomorrow - dt_util.now()).total_seconds()
        longest_s = _DISK_RETRY_S if self._storage.is_bad else _WAKE_MAX_S
        due_in_s = longest_s if at_s is None else at_s - now_s
        delay_s = max(_WAKE_MIN_S, min(due_in_s, midnight_in_s, longest_s))
        self._wake = self._hass.loop.call_later(delay_s, self._step)

    def _run[T](self, work: Coroutine[Any, Any, T], name: str) -> asyncio.Task[T]:
        task = self._hass.async_create_background_task(work, f"kilopush: {name}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- bridge --------------------------------------------------------------------------------

    def _ask_bridge(self, deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            if delivery.is_bridged:
                self._run(self._async_ask_bridge(delivery), "ask the bridge")

    async def _async_ask_bridge(self, delivery: Delivery) -> None:
        name = self.recipients[delivery.person].bridge_name
        is_accepted = is_asked = False
        if self._bridge is not None and name is not None:
            is_accepted, is_asked = await self._bridge.async_hand_over(delivery, name)
        event = self._outbox.settle_bridged(delivery.id, is_accepted=is_accepted, is_asked=is_asked)
        self._audience.tell([event] if event else [])
        self._step()
        await self._storage.async_try(None)

    # --- for people ----------------------------------------------------------------------------

    @property
    def overview(self) -> Overview:
        """What people see of the channel."""
        return self._audience.overview

    @callback
    def async_listen(self, listener: Callable[[], None]) -> CALLBACK_TYPE:
        """Be called when the overview has changed; return how to end that."""
        return self._audience.listen(listener)

    @callback
    def async_listen_events(self, listener: Callable[[Event], None]) -> CALLBACK_TYPE:
        """Be called with what happens to messages; return how to end that."""
        return self._audience.listen_events(listener)

    def diagnostics(self) -> dict[str, Any]:
        """Return counts and holds, without a text, a name or a token."""
        return self._outbox.counts(self._moment()) | {
            "ahead_s": round(self._clock.ahead_s, 1),
            "is_disk_bad": self._storage.is_bad,
            "is_bridge_there": self._bridge is not None and self._bridge.is_there,
        }


def _bridge_of(hass: HomeAssistant, entry: ConfigEntry) -> Bridge | None:
    if not entry.options.get(CONF_VIA_BRIDGE):
        return None
    prefix = entry.options.get(CONF_TOPIC_PREFIX, DEFAULT_TOPIC_PREFIX)
    return Bridge(hass, prefix)
