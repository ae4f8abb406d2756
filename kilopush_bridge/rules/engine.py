"""From one received message, or from time that has passed, to what is to be told and remembered.

The engine takes values, the time included, and returns values. It never writes: the outbox stores
each change together with what it causes, and `Engine(rules, stored)` goes on from there.
"""

from __future__ import annotations

from collections import Counter
from hashlib import blake2s
from typing import TYPE_CHECKING

from kilopush_bridge.expressions import UNKNOWN, Scope, text_of
from kilopush_bridge.model import Alert, Episode, Kind, Mark, Phase, Release, Snooze, Withhold
from kilopush_bridge.payload import read_payload
from kilopush_bridge.rules.life import Life, Turn
from kilopush_bridge.rules.routes import Routes
from kilopush_bridge.rules.rule import Retained
from kilopush_bridge.rules.succession import succeed
from kilopush_bridge.times import duration_text, local_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo

    from kilopush_bridge.model import Received
    from kilopush_bridge.rules.life import Turns
    from kilopush_bridge.rules.routes import Route
    from kilopush_bridge.rules.rule import Rule

KEY_MAX_CHARS = 200  # a key is a name; of a longer one, the start and a digest of the rest is kept
SETTLE_S = 10.0  # after a start: what is over may say so before a timer is believed
DUE_AT_ONCE = 500  # timers in one go; the event loop has other things to do

_NOTHING: Turns = []  # nobody adds to it
# Of an episode: `seen_at_s`, `count`, `due_at_s`, and its rule and key.
Seen = tuple[float, int, float | None, str, str]
Result = Alert | Mark | Withhold | Release | Snooze


class Engine:
    """Apply rules to messages and to time.

    `stored` holds the episodes of the last run by rule name and key; those of unknown rules are
    left out. `zone` is where printed times are local; None: the system's. `snoozes` gives by rule
    until when it is snoozed. An engine that `awaits_broker` believes no timer of the last run
    before it was `online` for a while.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        stored: Mapping[str, Mapping[str, Episode]],
        zone: tzinfo | None = None,
        *,
        snoozes: Mapping[str, float] | None = None,
        awaits_broker: bool = False,
    ) -> None:
        self.rules = tuple(rules)
        self.unknown_payloads = 0
        self.matched: Counter[str] = Counter()
        self._life = Life(self.rules, stored, snoozes or {})
        self._episodes = self._life.keys.episodes
        self._by_name = {rule.name: rule for rule in self.rules}
        self._routes = Routes(self.rules)
        self._zone = zone
        self._trusted_from_s = None if awaits_broker else 0.0  # timers; None: not before `online`
        self._offline_since_s: float | None = None

    # --- in ------------------------------------------------------------------------------------

    def handle(self, received: Received, now_s: float) -> list[Result]:
        """Return what a message causes; an empty list for nearly all. Never raises."""
        routes = self._routes.to(received.topic)
        if not routes:
            return []
        scope = Scope(read_payload(received.payload))
        if scope.value is UNKNOWN:
            self.unknown_payloads += 1
        results: list[Result] = []
        for route in routes:
            if received.retain and not route.rule.takes_replays:
                continue
            scope.names = route.names
            turns = self._turns(route.rule, scope, received, now_s)
            if turns:
                self.matched[route.rule.name] += 1
                results += self._results(turns, now_s, (route, scope, received))
        return results

    def tick(self, now_s: float) -> list[Result]:
        """Return what time alone causes. Call it again at `next_s`."""
        if self._trusted_from_s is None or now_s < self._trusted_from_s:
            return []
        self._trusted_from_s = 0.0
        turns = self._life.due(
            now_s, is_connected=self._offline_since_s is None, at_most=DUE_AT_ONCE
        )
        return self._results(turns, now_s)

    @property
    def next_s(self) -> float | None:
        """When `tick` has something to look at; None: not before something else happens."""
        due_at_s = self._life.keys.timers.next_s
        if due_at_s is None or self._trusted_from_s is None:
            return None
        return max(due_at_s, self._trusted_from_s)

    def offline(self, now_s: float) -> None:
        """Take that nothing can be heard from now on."""
        if self._offline_since_s is None:
            self._offline_since_s = now_s

    def online(self, now_s: float) -> list[Result]:
        """Take that everything is subscribed; return what that causes."""
        turns: Turns = []
        if self._offline_since_s is not None:
            turns = self._life.shift_silence(self._offline_since_s, now_s)
            self._offline_since_s = None
        if self._trusted_from_s is None:
            self._trusted_from_s = now_s + SETTLE_S
            turns += self._life.settle(now_s)
        return self._results(turns, now_s)

    def clock_moved(self, by_s: float) -> list[Result]:
        """Take that the clock was wrong by so much: what waits, waits as long as it was to."""
        turns = self._life.shift(by_s)
        if self._trusted_from_s:
            self._trusted_from_s += by_s
        if self._offline_since_s is not None:
            self._offline_since_s += by_s
        snoozes = [Snooze(*one) for one in self.snoozes.items()]
        return [*snoozes, *self._results(turns, 0.0)]

    def heard_until_s(self, now_s: float) -> float:
        """Return until when anything could be heard."""
        return now_s if self._offline_since_s is None else self._offline_since_s

    def watch_from_start(self, now_s: float) -> list[Result]:
        """Begin to wait for rules with `stale` whose topic has no wildcard."""
        marks: Turns = [
            mark
            for rule in self.rules
            if rule.stale_s is not None and rule.key is None
            for one in rule.filters
            if not one.has_wildcards and one.text not in self._life.keys.episodes[rule.name]
            for mark in self._life.expect(rule, one.text, now_s)
        ]
        return self._results(marks, now_s)

    def with_rules(
        self, rules: Iterable[Rule], zone: tzinfo | None, now_s: float
    ) -> tuple[Engine, list[Result]]:
        """Return an engine with other rules that goes on from here, and what that changes.

        What is remembered of a rule that is gone ends silently. This engine is of no use any more.
        """
        rules = tuple(rules)
        kept, marks = succeed(self._by_name, rules, self.episodes, now_s)
        names = {rule.name for rule in rules}
        snoozes = {name: until_s for name, until_s in self.snoozes.items() if name in names}
        other = Engine(rules, kept, zone, snoozes=snoozes)
        other.unknown_payloads, other.matched = self.unknown_payloads, self.matched
        other._trusted_from_s = self._trusted_from_s
        other._offline_since_s = self._offline_since_s
        turns = other._life.go_on_from(self._life, now_s)
        awake = [Snooze(name, 0.0) for name in self.snoozes if name not in names]
        return other, [*marks, *awake, *other._results(turns, now_s)]

    # --- commands ------------------------------------------------------------------------------

    def find(self, name: str) -> Rule | None:
        """Return the rule of a name."""
        return self._by_name.get(name)

    def acknowledge(self, rule: Rule, key: str | None, now_s: float) -> list[Result]:
        """Stop the reminders of what fires now."""
        return self._results(self._life.acknowledge(rule, key), now_s)

    def snooze(self, rule: Rule, until_s: float, now_s: float) -> list[Result]:
        """Mute a rule until Unix time `until_s`; a time that is over ends it."""
        turns = self._life.snooze(rule, until_s, now_s)
        return [Snooze(rule.name, until_s), *self._results(turns, now_s)]

    # --- for others ----------------------------------------------------------------------------

    @property
    def firing(self) -> dict[str, dict[str, Episode]]:
        """What fires, told or muted, by rule and key."""
        firing: dict[str, dict[str, Episode]] = {rule.name: {} for rule in self.rules}
        for name, key, episode in self._life.keys.all():
            if episode.phase in (Phase.FIRING, Phase.MUTED):
                firing[name][key] = episode
        return firing

    @property
    def episodes(self) -> Mapping[str, Mapping[str, Episode]]:
        """All that is remembered, by rule and key."""
        return self._life.keys.episodes

    @property
    def snoozes(self) -> Mapping[str, float]:
        """Until when each rule is snoozed."""
        return self._life.mutes.snoozes

    def collecting(self, now_s: float) -> tuple[str, ...]:
        """Return the groups that are not complete yet."""
        return self._life.groups.collecting(now_s)

    def remember_told(self, told_at_s: Mapping[str, Iterable[float]]) -> None:
        """Take when alarms of rules with a `limit` were told in the last run, oldest first."""
        for name, times_s in told_at_s.items():
            if name in self._by_name:
                self._life.mutes.remember_told(self._by_name[name], times_s)

    def seen_since(self, at_s: float) -> list[Seen]:
        """Return what was confirmed since Unix time `at_s`."""
        return [
            (
                episode.seen_at_s,
                episode.count,
                episode.due_at_s if episode.phase is Phase.HEARD else None,
                name,
                key,
            )
            for name, key, episode in self._life.keys.all()
            if episode.seen_at_s >= at_s
        ]

    def forget(self, before_s: float) -> None:
        """Drop the episodes of keys that were not seen since `before_s`, silently."""
        self._life.forget(before_s)

    # --- in between ----------------------------------------------------------------------------

    def _turns(self, rule: Rule, scope: Scope, received: Received, now_s: float) -> Turns:
        condition = rule.condition.holds(scope)
        if condition is not True and (rule.is_event or not self._episodes[rule.name]):
            return _NOTHING  # the way of nearly every message: nothing holds, nothing can end
        key = key_of(rule, scope, received.topic)
        if rule.stale_s is not None:
            return self._life.heard(rule, key, received, now_s)
        if rule.is_event:
            return self._life.event(rule, key, received, now_s)
        until = None if rule.until is None else rule.until.holds(scope)
        return self._life.state(rule, key, condition, until, received, now_s)

    def _results(
        self,
        turns: Turns,
        now_s: float,
        cause: tuple[Route, Scope, Received] | None = None,
    ) -> list[Result]:
        return [self._alert(one, now_s, cause) if isinstance(one, Turn) else one for one in turns]

    def _alert(
        self, turn: Turn, now_s: float, cause: tuple[Route, Scope, Received] | None
    ) -> Alert:
        """Return what to tell: in words of the message that caused it, else of the first one."""
        rule, episode = turn.rule, turn.episode
        if cause is not None and cause[0].rule is rule:
            route, scope, received = cause
            bound, value = route.names, scope.value
            topic, payload = received.topic, received.payload
        else:
            topic, payload = episode.topic, episode.payload
            topic_filter = rule.filter_for(topic)
            bound = {**(topic_filter.bind(topic) if topic_filter else {}), "topic": topic}
            value = read_payload(payload)
        names = {
            **bound,
            "value": value,
            "key": turn.key,
            "lasted": duration_text(now_s - episode.since_s),
            "count": episode.count,
            "now": local_text(now_s, self._zone),
            "last_seen": local_text(episode.seen_at_s, self._zone),
        }
        return Alert(
            rule=rule,
            kind=turn.kind,
            key=turn.key,
            names=names,
            topic=topic,
            payload=payload,
            at_s=now_s,
            since_s=now_s if turn.kind is Kind.EVENT else episode.since_s,
            found_at_start=turn.found_at_start and rule.retained is Retained.COMPARE,
            is_surplus=turn.is_surplus,
            group=turn.group,
            withdrawn=turn.withdrawn,
            is_late=turn.is_late,
        )


def key_of(rule: Rule, scope: Scope, topic: str) -> str:
    """Return what makes two messages the same alert: the rule's `key`, else the concrete topic."""
    if rule.key is None:
        return topic
    value = rule.key.value(scope)
    key = topic if value is UNKNOWN else text_of(value).replace("\0", "")  # no text ends with it
    if len(key) <= KEY_MAX_CHARS:
        return key
    # cutting alone would make two alarms one, and lose the second
    digest = blake2s(key.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return f"{key[:KEY_MAX_CHARS]}#{digest}"
