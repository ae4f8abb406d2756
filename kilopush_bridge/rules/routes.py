"""Which rules a topic reaches, and what their named wildcards stand for.

A house has few topics and many messages, so the answer is worked out once per topic and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kilopush_bridge.topics import FilterTree

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kilopush_bridge.rules.rule import Rule

# Topics that hold an id in one of their levels would otherwise fill the memory, as would topics
# of 64 KB each.
ROUTES_MAX = 60_000
KEPT_TOPIC_MAX_CHARS = 512


@dataclass(frozen=True, slots=True)
class Route:
    """A rule that a topic reaches, with the names that its filter binds there."""

    rule: Rule
    names: Mapping[str, str]


class Routes:
    """Routes by topic, for one set of rules."""

    def __init__(self, rules: Iterable[Rule]) -> None:
        self._rules = tuple(rules)
        # by filter: which rules it belongs to, and where among their filters, as positions
        places: dict[str, list[tuple[int, int]]] = {}
        for rule_at, rule in enumerate(self._rules):
            for filter_at, topic_filter in enumerate(rule.filters):
                places.setdefault(topic_filter.text, []).append((rule_at, filter_at))
        self._tree = FilterTree(places)
        self._known: dict[str, tuple[Route, ...]] = {}

    def to(self, topic: str) -> tuple[Route, ...]:
        """Return the routes of `topic` in the order of the configuration; a rule appears once."""
        routes = self._known.get(topic)
        if routes is None:
            routes = self._find(topic)
            self._keep(topic, routes)
        return routes

    def _find(self, topic: str) -> tuple[Route, ...]:
        reached = sorted(place for places in self._tree.match(topic) for place in places)
        first_filters = dict(reversed(reached))  # the first filter of a rule that matches
        names: dict[tuple[tuple[str, str], ...], Mapping[str, str]] = {}  # rules share them
        routes = []
        for rule_at, filter_at in sorted(first_filters.items()):
            rule = self._rules[rule_at]
            if not rule.excludes(topic):
                bound = rule.filters[filter_at].bind(topic)
                shared = names.setdefault(tuple(bound.items()), {**bound, "topic": topic})
                routes.append(Route(rule, shared))
        return tuple(routes)

    def _keep(self, topic: str, routes: tuple[Route, ...]) -> None:
        if len(topic) > KEPT_TOPIC_MAX_CHARS:
            return
        if len(self._known) >= ROUTES_MAX:
            self._known.clear()
        self._known[topic] = routes
