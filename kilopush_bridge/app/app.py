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
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from kilopush_bridge.app.commands import perform, take_for_ever
from kilopush_bridge.app.committer import Committer, Step
from kilopush_bridge.app.own_topics import OwnTopics
from kilopush_bridge.app.reload import compare, credentials_of, filters_of
from kilopush_bridge.app.replays import Replays
from kilopush_bridge.app.reporter import Reporter
from kilopush_bridge.app.requests import RequestError
from kilopush_bridge.app.sayings import say_message, say_settled
from kilopush_bridge.app.startup import bring_in_line, take_over
from kilopush_bridge.errors import StorageError
from kilopush_bridge.failpoints import reach
from kilopush_bridge.model import Alert, Message, Priority
from kilopush_bridge.mqtt import Session
from kilopush_bridge.outbox.facts import remember
from kilopush_bridge.outbox.firing import flush_seen
from kilopush_bridge.outbox.lock import Lock
from kilopush_bridge.outbox.store import Store
from kilopush_bridge.outbox.upkeep import forget
from kilopush_bridge.push import Push
from kilopush_bridge.rules import Engine
from kilopush_bridge.scheduler import Scheduler
from kilopush_bridge.scheduler.clock import NEWS_S, ApiClock, uptime_s
from kilopush_bridge.scheduler.policy import policy_of
from kilopush_bridge.templates import Renderer
from kilopush_bridge.times import DAY_S, MINUTE_S

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from kilopush_bridge.config import Config
    from kilopush_bridge.core.protocol import Verdict
    from kilopush_bridge.model import Batch, Change, Received
    from kilopush_bridge.outbox.commands import Command
    from kilopush_bridge.rules.engine import Result
    from kilopush_bridge.scheduler.react import Reaction

log = logging.getLogger(__name__)

KEPT_DAYS = 30
FORGOTTEN_AT_ONCE = 500
STORAGE_PATIENCE_S = 60.0
DRAIN_S = 10.0
FLUSHED_AT_ONCE = 2_000
TICK_MAX_S = 1.0
COMMANDS_EVERY_S = 1.0


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
        self._renderer = Renderer()
        self._own_topics = OwnTopics(config)
        self._replays = Replays()
        self._received = 0
        self._errands: set[asyncio.Task[None]] = set()
        self._timer = asyncio.Event()  # the time of the next timer may have changed
        self.started = asyncio.Event()

    async def run(self) -> None:
        """Run until cancelled, then stop in order: reading first, the disk last.

        Raises:
            StorageError: the state could not be written for a minute.
        """
        await self._start()
        self.started.set()
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
                    self._keep_time(),
                    take_for_ever(self._store, self._obey),
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
        left = await self._store.call(take_over, config, self._clock())
        self._push = Push(config.api_url, credentials_of(config), config.people)
        self._engine = Engine(
            config.rules, left.episodes, config.zone, snoozes=left.snoozes, awaits_broker=True
        )
        self._engine.remember_told(left.told_at_s)
        self._engine.offline(left.connected_until_s or self._clock())
        policy = policy_of(config)
        self._scheduler = Scheduler(
            self._store,
            self._push,
            policy,
            tuple(config.people),
            self._clock,
            on_settled=self._on_settled,
            collecting=self._collecting,
        )
        await self._scheduler.take_over()
        self._session = Session(
            config.broker,
            left.client_id,
            filters_of(config),
            left.filters,
            self._on_messages,
            self._on_online,
            self._on_offline,
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
            await self._store_seen(0)
        except StorageError as error:
            log.error("%s", error)
        await self._push.close()
        self._store.close()
        self._lock.release()
        log.info("stopped")

    async def change_to(self, config: Config) -> None:
        """Go on with another configuration (see `reload`), without a new connection."""
        now_s, change = self._clock(), compare(self._config, config)
        self._config = config = change.config
        policy, stored = policy_of(config), asyncio.Event()
        self._engine, results = self._engine.with_rules(config.rules, config.zone, now_s)
        if self._session.is_online:
            results = [*results, *self._engine.watch_from_start(now_s)]
        self._own_topics.use(config)
        self._push.use(config.api_url, credentials_of(config), config.people)
        self._scheduler.use(policy, tuple(config.people))
        self._reporter.use(policy)
        self._timer.set()
        self._committer.add(Step(None, self._changes(results), on_finished=stored.set))
        await self._session.change(filters_of(config), change.replay)
        await stored.wait()  # and so is all that the rules before have caused
        await self._store.call(bring_in_line, config, now_s)
        self._scheduler.wake()
        await self._remember_filters()
        change.say()

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
        if self._own_topics.holds(topic):
            asked, request_id = self._own_topics.take(received, self._engine, now_s)
            return Step(received.ticket, self._changes(asked), request_id)
        results = self._engine.handle(received, now_s)
        if received.retain:
            self._replays.heard(now_s)
        return Step(received.ticket, self._changes(results))

    def _changes(self, results: Sequence[Result | Message]) -> list[Change]:
        """Return what is to be stored: alerts become messages."""
        return [self._message(one) if isinstance(one, Alert) else one for one in results]

    def _act(self, results: Sequence[Result]) -> None:
        """Store what happens without a message."""
        if results:
            self._committer.add(Step(None, self._changes(results)))

    def _message(self, alert: Alert) -> Message:
        message = self._renderer.render(alert)
        say_message(message)
        is_urgent = message.priority is Priority.CRITICAL
        if alert.found_at_start and not (is_urgent or alert.group or alert.withdrawn):
            return replace(message, group=self._replays.heard(alert.at_s))
        return message

    def _on_stored(self, steps: Sequence[Step]) -> None:
        for step in steps:
            if step.request_id is not None:
                self._session.publish(f"accepted/{step.request_id}", b"")
        self._reporter.note_change()

    def _on_settled(self, batch: Batch, verdict: Verdict, reaction: Reaction) -> None:
        say_settled(batch, verdict, reaction)
        self._reporter.note_change()

    # --- beside it -----------------------------------------------------------------------------

    def _collecting(self, now_s: float) -> tuple[str, ...]:
        return (*self._replays.collecting(now_s), *self._engine.collecting(now_s))

    def _on_offline(self) -> None:
        self._engine.offline(self._clock())

    def _on_online(self) -> None:
        now_s = self._clock()
        self._act([*self._engine.online(now_s), *self._engine.watch_from_start(now_s)])
        self._timer.set()
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
            "requests_refused": self._own_topics.refused,
            "lost_sessions": self._session.lost_sessions,
        }

    async def _remember_filters(self) -> None:
        try:
            await self._store.call(remember, "filters", json.dumps(list(self._session.filters)))
            # so that a kill right after this does not count the time before it again
            until_s = self._engine.heard_until_s(self._clock())
            await self._store.call(remember, "connected_until_s", f"{until_s:.0f}")
        except StorageError as error:
            log.error("%s", error)

    async def _keep_time(self) -> None:
        """Let timers go off, whether or not anything is heard."""
        ahead_s = self._clock() - uptime_s()
        while True:
            now_s = self._clock()
            moved_s = now_s - uptime_s() - ahead_s
            ahead_s += moved_s
            try:
                if abs(moved_s) > NEWS_S:
                    self._act(self._engine.clock_moved(moved_s))
                self._act(self._engine.tick(now_s))
            except Exception:
                # whatever it is, the timers of other rules still have to go off
                log.exception("a timer could not be handled")
            next_s = self._engine.next_s
            # The clock may jump: no timer is waited for longer than this.
            wait_s = min(TICK_MAX_S, TICK_MAX_S if next_s is None else max(0.0, next_s - now_s))
            self._timer.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._timer.wait()

    def _obey(self, command: Command) -> None:
        now_s = self._clock()
        try:
            self._act(perform(self._engine, command, now_s, may_silence_criticals=True))
        except RequestError as error:  # the rule has gone in between
            log.warning("%s", error)

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

    async def _store_seen(self, since_s: float) -> None:
        """Write when each key was last confirmed, in pieces: an alarm may have to be stored."""
        seen = self._engine.seen_since(since_s)
        for at in range(0, len(seen), FLUSHED_AT_ONCE):
            await self._store.call(flush_seen, seen[at : at + FLUSHED_AT_ONCE])
        until_s = self._engine.heard_until_s(self._clock())
        await self._store.call(remember, "connected_until_s", f"{until_s:.0f}")

    async def _keep_house(self) -> None:
        """Write what is written late, and forget what is old."""
        flushed_at_s, forgot_at_s = self._clock(), 0.0
        while True:
            await asyncio.sleep(MINUTE_S)
            now_s = self._clock()
            try:
                await self._store_seen(flushed_at_s)
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
