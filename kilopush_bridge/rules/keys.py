"""What rules remember, by rule and key, and the timers that belong to it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kilopush_bridge.model import Episode, Mark, Phase
from kilopush_bridge.rules.timers import Timers

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from kilopush_bridge.model import Received
    from kilopush_bridge.rules.rule import Rule

RELEASE = "\0release"  # no key: the timer of what was withheld of a rule
PAYLOAD_KEPT_BYTES = 16_384
_START_KEPT_BYTES = 800


class Keys:
    """Episodes by rule name and key. Each change comes back as the `Mark` that stores it."""

    def __init__(
        self, rules: Mapping[str, Rule], episodes: Mapping[str, Mapping[str, Episode]]
    ) -> None:
        self.rules = rules
        self.episodes = {name: dict(episodes.get(name, {})) for name in rules}
        self.timers = Timers()
        self._tidy()

    def all(self) -> Iterator[tuple[str, str, Episode]]:
        """Yield every rule, key and episode."""
        for name, episodes in self.episodes.items():
            for key, episode in episodes.items():
                yield name, key, episode

    def get(self, rule: Rule, key: str) -> Episode | None:
        """Return what is remembered of a key."""
        return self.episodes[rule.name].get(key)

    def mark(self, rule: Rule, key: str, episode: Episode) -> Mark:
        """Keep an episode, and watch its timer; return what is to be stored."""
        self.episodes[rule.name][key] = episode
        due_at_s = due_of(rule, episode)
        if due_at_s is not None:
            self.timers.add(due_at_s, rule.name, key)
        if self.timers.is_littered:
            self._tidy()
        return Mark(rule.name, key, replace(episode))

    def drop(self, rule: Rule, key: str) -> Mark:
        """Forget a key; return what is to be stored."""
        self.episodes[rule.name].pop(key, None)
        return Mark(rule.name, key, None)

    def shift(self, by_s: float) -> list[Mark]:
        """Let everything be later by so much; return what is to be stored."""
        for _, _, episode in self.all():
            episode.since_s += by_s
            episode.seen_at_s += by_s
            episode.due_at_s = None if episode.due_at_s is None else episode.due_at_s + by_s
            episode.told_at_s = None if episode.told_at_s is None else episode.told_at_s + by_s
        self.timers.shift(by_s)
        return [Mark(name, key, replace(episode)) for name, key, episode in self.all()]

    def _tidy(self) -> None:
        """Keep the timers that count."""
        due = [
            (due_at_s, name, key)
            for name, key, one in self.all()
            if (due_at_s := due_of(self.rules[name], one)) is not None
        ]
        releases = [entry for entry in self.timers.entries if entry[2] == RELEASE]
        self.timers.replace([*due, *releases])


def due_of(rule: Rule, episode: Episode) -> float | None:
    """Return when something happens to an episode without a message."""
    if episode.phase is not Phase.FIRING or not rule.is_event or rule.clear_after_s is None:
        return episode.due_at_s
    over_at_s = episode.seen_at_s + rule.clear_after_s
    return over_at_s if episode.due_at_s is None else min(over_at_s, episode.due_at_s)


def new_episode(received: Received, now_s: float, told_at_s: float | None) -> Episode:
    """Return an episode that begins with a message; `told_at_s` is the last alarm of its key."""
    payload = received.payload
    # It is stored for each key. Of a picture, its beginning says as much in a text.
    kept = payload if len(payload) <= PAYLOAD_KEPT_BYTES else payload[:_START_KEPT_BYTES]
    return Episode(now_s, now_s, told_at_s=told_at_s, topic=received.topic, payload=kept)
