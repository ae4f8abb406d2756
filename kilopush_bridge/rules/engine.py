"""From one received message to the alerts that it causes.

The engine takes values, the time included, and returns values. It remembers which keys are firing
(that is what an edge is), but never writes: the outbox stores each change with the alert that it
caused, and `Engine(rules, firing)` starts from what was stored.
"""

from __future__ import annotations

from collections import Counter
from hashlib import blake2s
from typing import TYPE_CHECKING, NamedTuple

from kilopush_bridge.expressions import UNKNOWN, Scope, text_of
from kilopush_bridge.model import Alert, Episode, Kind
from kilopush_bridge.payload import read_payload
from kilopush_bridge.rules.edge import Edge, edge
from kilopush_bridge.rules.routes import Routes
from kilopush_bridge.rules.rule import Retained
from kilopush_bridge.times import duration_text, local_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import tzinfo

    from kilopush_bridge.model import Received
    from kilopush_bridge.rules.routes import Route
    from kilopush_bridge.rules.rule import Rule

KEY_MAX_CHARS = 200  # a key is a name; of a longer one, the start and a digest of the rest is kept


class _Change(NamedTuple):
    """What a message did to one key of one rule."""

    kind: Kind
    key: str
    episode: Episode


class Engine:
    """Apply rules to messages.

    `firing` holds the stored episodes by rule name and key; those of unknown rules are left out.
    `zone` is where printed times are local; None: the system's.
    """

    def __init__(
        self,
        rules: Iterable[Rule],
        firing: Mapping[str, Mapping[str, Episode]],
        zone: tzinfo | None = None,
    ) -> None:
        self.rules = tuple(rules)
        self.firing = {rule.name: dict(firing.get(rule.name, {})) for rule in self.rules}
        self.unknown_payloads = 0
        self.matched: Counter[str] = Counter()
        self._routes = Routes(self.rules)
        self._zone = zone

    def handle(self, received: Received, now_s: float) -> list[Alert]:
        """Return the alerts that a message causes; an empty list for nearly all. Never raises."""
        routes = self._routes.to(received.topic)
        if not routes:
            return []
        scope = Scope(read_payload(received.payload))
        if scope.value is UNKNOWN:
            self.unknown_payloads += 1
        alerts = []
        for route in routes:
            if received.retain and not route.rule.takes_replays:
                continue
            scope.names = route.names
            change = self._change(route.rule, scope, received.topic, now_s)
            if change is not None:
                self.matched[route.rule.name] += 1
                alerts.append(self._alert(route, change, scope, received, now_s))
        return alerts

    def seen_since(self, at_s: float) -> list[tuple[float, int, str, str]]:
        """Return `(seen_at_s, count, rule, key)` of every episode confirmed since `at_s`."""
        return [
            (episode.seen_at_s, episode.count, rule, key)
            for rule, episodes in self.firing.items()
            for key, episode in episodes.items()
            if episode.seen_at_s >= at_s
        ]

    def forget(self, before_s: float) -> None:
        """Drop the episodes of keys that were not seen since `before_s`, silently."""
        for episodes in self.firing.values():
            for key in [key for key, episode in episodes.items() if episode.seen_at_s < before_s]:
                del episodes[key]

    def _change(self, rule: Rule, scope: Scope, topic: str, now_s: float) -> _Change | None:
        condition = rule.condition.holds(scope)
        firing = self.firing[rule.name]
        if condition is not True and not firing:
            return None  # the way of nearly every message: nothing holds, nothing can end
        key = key_of(rule, scope, topic)
        if rule.is_event:
            return _Change(Kind.EVENT, key, Episode(now_s, now_s)) if condition is True else None
        episode = firing.get(key)
        until = None if rule.until is None else rule.until.holds(scope)
        change = edge(is_firing=episode is not None, condition=condition, until=until)
        if change is Edge.BEGINS:
            firing[key] = Episode(now_s, now_s)
            return _Change(Kind.ALARM, key, firing[key])
        if change is Edge.ENDS:
            return _Change(Kind.RECOVERY, key, firing.pop(key))
        if episode is not None:
            episode.seen_at_s = now_s
            episode.count += condition is True
        return None

    def _alert(
        self, route: Route, change: _Change, scope: Scope, received: Received, now_s: float
    ) -> Alert:
        kind, key, episode = change
        names = {
            **route.names,
            "value": scope.value,
            "key": key,
            "lasted": duration_text(now_s - episode.since_s),
            "count": episode.count,
            "now": local_text(now_s, self._zone),
            "last_seen": local_text(episode.seen_at_s, self._zone),
        }
        return Alert(
            rule=route.rule,
            kind=kind,
            key=key,
            names=names,
            topic=received.topic,
            payload=received.payload,
            at_s=now_s,
            since_s=episode.since_s,
            found_at_start=received.retain and route.rule.retained is Retained.COMPARE,
        )


def key_of(rule: Rule, scope: Scope, topic: str) -> str:
    """Return what makes two messages the same alert: the rule's `key`, else the concrete topic."""
    if rule.key is None:
        return topic
    value = rule.key.value(scope)
    key = topic if value is UNKNOWN else text_of(value)
    if len(key) <= KEY_MAX_CHARS:
        return key
    # cutting alone would make two alarms one, and lose the second
    digest = blake2s(key.encode("utf-8", "replace"), digest_size=8).hexdigest()
    return f"{key[:KEY_MAX_CHARS]}#{digest}"
