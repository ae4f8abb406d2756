"""The daemon: build the parts, run them, stop them in order.

    Session -> Engine -> Renderer -> Committer -> (outbox) -> Scheduler -> Push

Time enters here: every part gets the clock, or the time, from this file.
"""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from kilopush_bridge.app.committer import Committer, Step
from kilopush_bridge.app.replays import Replays
from kilopush_bridge.app.reporter import Reporter
from kilopush_bridge.app.requests import RequestError, Senders
from kilopush_bridge.app.startup import take_over
from kilopush_bridge.core.protocol import SENT
from kilopush_bridge.errors import StorageError
from kilopush_bridge.failpoints import reach
from kilopush_bridge.model import Message, Priority, State
from kilopush_bridge.mqtt import Session
from kilopush_bridge.outbox.facts import remember
from kilopush_bridge.outbox.firing import flush_seen
from kilopush_bridge.outbox.lock import Lock
from kilopush_bridge.outbox.store import Store
from kilopush_bridge.outbox.upkeep import forget
from kilopush_bridge.push import Push
from kilopush_bridge.rules import Engine
from kilopush_bridge.scheduler import Scheduler
from kilopush_bridge.scheduler.clock import ApiClock, uptime_s
from kilopush_bridge.scheduler.policy import policy_of
from kilopush_bridge.templates import Renderer
from kilopush_bridge.times import DAY_S, MINUTE_S
from kilopush_bridge.words import OUTCOMES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kilopush_bridge.config import Config
    from kilopush_bridge.core.protocol import Verdict
    from kilopush_bridge.model import Alert, Batch, Received
    from kilopush_bridge.scheduler.react import Reaction

log = logging.getLogger(__name__)

KEPT_DAYS = 30
FORGOTTEN_AT_ONCE = 500
STORAGE_PATIENCE_S = 60.0
DRAIN_S = 10.0


class App:
    """One running bridge. Make it, `await run()`, cancel it to stop.

    Raises:
        StorageError: the state cannot be used, or another bridge is using it.
    """

    def __init__(self, config: Config, clock: Callable[[], float] = time.time) -> None:
        self._config = config
        self._clock = ApiClock(clock)
        self._lock = Lock(config.state)
        if not self._lock.acquire():
            raise StorageError(
                f"another bridge is running with the state {config.state}; "
                "stop it, or set another `state`"
            )
        self._store = Store(config.state)
        self._prefix = config.broker.topic_prefix
        self._renderer = Renderer()
        self._senders = Senders(config)
        self._replays = Replays()
        self._received = 0
        self._errands: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Run until cancelled, then stop in order: reading first, the disk last.

        Raises:
            StorageError: the state could not be written for a minute.
        """
        await self._start()
        # What exists now stays: the collector need not look at every rule again and again.
        gc.collect()
        gc.freeze()
        try:
            async with asyncio.TaskGroup() as group:
                for part in (
                    self._committer.run(),
                    self._scheduler.run(),
                    self._session.run(),
                    self._watch_storage(),
                    self._keep_house(),
                    self._reporter.run(),
                ):
                    group.create_task(part)
        except ExceptionGroup as errors:
            if (storage := errors.subgroup(StorageError)) is not None:
                raise storage.exceptions[0] from None
            raise
        finally:
            await self._stop()

    # --- start and stop ------------------------------------------------------------------------

    async def _start(self) -> None:
        config = self._config
        channels = {name: (one.token, one.secret) for name, one in config.channels.items()}
        left = await self._store.call(take_over, config, self._clock())
        self._push = Push(config.api_url, channels, config.people)
        self._engine = Engine(config.rules, left.firing, config.zone)
        policy = policy_of(config)
        self._scheduler = Scheduler(
            self._store,
            self._push,
            policy,
            tuple(config.people),
            self._clock,
            on_settled=self._on_settled,
            collecting=self._replays.collecting,
        )
        await self._scheduler.take_over()
        self._session = Session(
            config.broker,
            left.client_id,
            [
                *(one.text for rule in config.rules for one in rule.filters),
                f"{self._prefix}/send/#",
            ],
            left.filters,
            self._on_messages,
            self._on_online,
        )
        self._committer = Committer(
            self._scheduler.put,
            self._push,
            self._clock,
            self._session.acknowledge,
            self._on_stored,
            self._session.pause,
        )
        self._reporter = Reporter(
            self._store,
            policy,
            self._counters,
            self._session.publish,
            self._scheduler.moment,
        )

    async def _stop(self) -> None:
        self._session.pause(True)
        try:  # while there is a connection: what is stored now can still be acknowledged
            await asyncio.wait_for(self._committer.flush(), DRAIN_S)
        except TimeoutError:
            log.error("some messages could not be stored; the broker still has them")
        self._committer.close()
        await self._session.close()
        await self._scheduler.drain(DRAIN_S)
        try:
            await self._store.call(flush_seen, self._engine.seen_since(0))
        except StorageError as error:
            log.error("%s", error)
        await self._push.close()
        self._store.close()
        self._lock.release()
        log.info("stopped")

    # --- the way of a message ------------------------------------------------------------------

    def _on_messages(self, received: list[Received]) -> None:
        now_s = self._clock()
        self._received += len(received)
        for one in received:
            reach("received")
            try:
                step = self._step(one, now_s)
            except Exception:
                # one message that we stumble over must not stop the ones behind it
                log.exception("a message to `%s` could not be handled, it is skipped", one.topic)
                step = Step(one.ticket, ())
            self._committer.add(step)

    def _step(self, received: Received, now_s: float) -> Step:
        """Return what a message changes."""
        topic = received.topic
        if not topic:  # a copy that does not count: see `mqtt.connection`
            return Step(received.ticket, ())
        if topic == self._prefix or topic.startswith(f"{self._prefix}/"):
            return self._step_of_own_topic(received, now_s)
        alerts = self._engine.handle(received, now_s)
        if received.retain:
            self._replays.heard(now_s)
        return Step(received.ticket, [self._message(alert) for alert in alerts])

    def _message(self, alert: Alert) -> Message:
        message = self._renderer.render(alert)
        log.info(
            "%s: %s %s",
            message.name,
            message.kind,
            f"`{message.text}`"
            if message.text is not None
            else f"of {message.key}, no text for it",
            extra={
                "action": "alert",
                "rule": message.name,
                "kind": message.kind,
                "key": message.key,
                "text": message.text,
            },
        )
        if alert.found_at_start and message.priority is not Priority.CRITICAL:
            return replace(message, group=self._replays.heard(alert.at_s))
        return message

    def _step_of_own_topic(self, received: Received, now_s: float) -> Step:
        """Return what a request changes; everything else under the own prefix is our own echo."""
        head, _, sender = received.topic[len(self._prefix) + 1 :].partition("/")
        if head != "send" or not received.payload:
            return Step(received.ticket, ())
        sender = sender or "anybody"
        try:
            message = self._senders.message(sender, received, now_s)
        except RequestError as error:
            self._senders.refused += 1
            log.warning(
                "request from `%s` refused: %s",
                sender,
                error,
                extra={"action": "refused", "sender": sender},
            )
            return Step(received.ticket, ())
        return Step(received.ticket, [message], message.request_id)

    def _on_stored(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if step.request_id is not None:
                self._session.publish(f"accepted/{step.request_id}", b"")
        self._reporter.note_change()

    def _on_settled(self, batch: Batch, verdict: Verdict, reaction: Reaction) -> None:
        names = ", ".join(dict.fromkeys(delivery.name for delivery in batch.deliveries))
        if batch.is_digest:
            names = f"digest of {batch.text.partition(chr(10))[0]}"
        is_sent = verdict.outcome == SENT
        log.log(
            logging.INFO if is_sent else logging.WARNING,
            "%s to %s: %s%s",
            names,
            batch.person,
            OUTCOMES[verdict.outcome],
            "" if is_sent else f" ({verdict.detail})",
            extra={
                "action": "attempt",
                "person": batch.person,
                "channel": batch.channel,
                "outcome": verdict.outcome,
            },
        )
        for one in reaction.settlements:
            if one.state is State.DEAD:
                log.error(
                    "%s to %s: given up, kept as dead letter %d: see `kilopush-bridge queue`",
                    names,
                    batch.person,
                    one.delivery_id,
                )
        self._reporter.note_change()

    # --- beside it -----------------------------------------------------------------------------

    def _on_online(self) -> None:
        self._reporter.start_over()
        errand = asyncio.create_task(self._remember_filters(), name="remember filters")
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    def _counters(self) -> dict[str, int]:
        return {
            "firing": sum(len(keys) for keys in self._engine.firing.values()),
            "received": self._received,
            "unknown_payloads": self._engine.unknown_payloads,
            "template_failures": self._renderer.failures,
            "requests_refused": self._senders.refused,
            "lost_sessions": self._session.lost_sessions,
        }

    async def _remember_filters(self) -> None:
        try:
            await self._store.call(remember, "filters", json.dumps(list(self._session.filters)))
        except StorageError as error:
            log.error("%s", error)

    async def _watch_storage(self) -> None:
        """End the bridge when the disk stays unwritable and no critical is on its way."""
        failing_from_s: float | None = None
        while True:
            await asyncio.sleep(1)
            is_failing = self._committer.failing_since_s or self._scheduler.failing_since_s
            now_s = uptime_s()  # no clock that somebody sets
            failing_from_s = (failing_from_s or now_s) if is_failing else None
            is_busy = self._committer.is_rescuing or self._scheduler.criticals_on_the_way
            if failing_from_s and now_s - failing_from_s > STORAGE_PATIENCE_S and not is_busy:
                state, patience_s = self._config.state, STORAGE_PATIENCE_S
                raise StorageError(f"state {state} could not be written for {patience_s:.0f} s")

    async def _keep_house(self) -> None:
        """Write what is written late, and forget what is old."""
        flushed_at_s, forgot_at_s = self._clock(), 0.0
        while True:
            await asyncio.sleep(MINUTE_S)
            now_s = self._clock()
            try:
                await self._store.call(flush_seen, self._engine.seen_since(flushed_at_s))
                await self._store.call(remember, "api_ahead_s", f"{self._clock.ahead_s:.0f}")
                flushed_at_s = now_s
                if now_s - forgot_at_s > DAY_S:
                    before_s = now_s - KEPT_DAYS * DAY_S
                    self._engine.forget(before_s)
                    while await self._store.call(
                        forget, before_s, self._clock.counted_s, FORGOTTEN_AT_ONCE
                    ):
                        pass  # in small pieces: what an alarm changes is stored in between
                    forgot_at_s = now_s
            except StorageError as error:
                log.error("%s", error)
