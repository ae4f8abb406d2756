"""The keys of all rules: what begins, what is told, what must wait, and what is over.

    nothing --true--> HOLDS --`for`--> FIRING --false--> nothing, or COOLING for its `cooldown`
                         |               ^
                         +--> MUTED -----+   while something mutes it
    HEARD --silence--> FIRING --heard--> HEARD                             (`stale`)

Every change of an episode comes back as a `Mark`, behind what it causes, so that both are stored
together.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from kilopush_bridge.model import Episode, Kind, Mark, Phase, Release, Withhold
from kilopush_bridge.rules.edge import Edge, edge
from kilopush_bridge.rules.groups import Groups
from kilopush_bridge.rules.keys import RELEASE, Keys, due_of, new_episode
from kilopush_bridge.rules.mutes import Mutes
from kilopush_bridge.times import duration_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from kilopush_bridge.expressions import Unknown
    from kilopush_bridge.model import Received
    from kilopush_bridge.rules.rule import Rule

_BEGIN_AGAIN = (Phase.HOLDS, Phase.MUTED, Phase.HEARD)  # when a cause is over
_LASTING = (Phase.FIRING, Phase.MUTED)


class Turn(NamedTuple):
    """Something to tell of a key, or only to count."""

    kind: Kind
    rule: Rule
    key: str
    episode: Episode
    found_at_start: bool = False
    is_surplus: bool = False
    group: str | None = None
    withdrawn: str = ""
    is_late: bool = False  # something muted it until now


Turns = list[Turn | Mark | Withhold | Release]


class Life:
    """Episodes by rule and key, their timers, and what mutes them."""

    def __init__(
        self,
        rules: Iterable[Rule],
        episodes: Mapping[str, Mapping[str, Episode]],
        snoozes: Mapping[str, float],
    ) -> None:
        self.rules = {rule.name: rule for rule in rules}
        self.keys = Keys(self.rules, episodes)
        self.mutes = Mutes(self.rules.values(), snoozes)
        self.groups = Groups()
        for name, _, episode in self.keys.all():
            if episode.phase in _LASTING:
                self.mutes.begins(self.rules[name])

    # --- messages ------------------------------------------------------------------------------

    def state(
        self,
        rule: Rule,
        key: str,
        condition: bool | Unknown,
        until: bool | Unknown | None,
        received: Received,
        now_s: float,
    ) -> Turns:
        """Take what a message says of a state."""
        episode = self.keys.get(rule, key)
        if episode is None or episode.phase is Phase.COOLING:
            return self._begin(rule, key, episode, received, now_s) if condition is True else []
        if episode.phase is Phase.HOLDS and condition is False:
            until = None  # while `for` waits, a false `when` cancels it
        change = edge(is_firing=True, condition=condition, until=until)
        if change is Edge.ENDS:
            return self._end(rule, key, episode, now_s, found_at_start=received.retain)
        episode.seen_at_s = now_s
        episode.count += condition is True
        is_due = episode.phase is Phase.HOLDS and (episode.due_at_s or 0.0) <= now_s
        return self._fire(rule, key, episode, now_s) if is_due and condition is True else []

    def event(self, rule: Rule, key: str, received: Received, now_s: float) -> Turns:
        """Take a message that counts by itself."""
        episode = self.keys.get(rule, key)
        if episode is None or (rule.has_end and episode.phase is Phase.COOLING):
            told_at_s = episode.told_at_s if episode else None
            episode = new_episode(received, now_s, told_at_s)
        else:
            episode.seen_at_s = now_s
            episode.count += 1
        turns = self._tell_event(rule, key, episode, received, now_s)
        if rule.has_end:
            is_new = self.keys.get(rule, key) is not episode
            turns = [
                *(self._causes(rule) if is_new else []),
                *turns,
                self.keys.mark(rule, key, episode),
            ]
        elif rule.cooldown_s and episode.told_at_s is not None:
            episode.phase, episode.due_at_s = Phase.COOLING, episode.told_at_s + rule.cooldown_s
            episode.payload = b""
            turns.append(self.keys.mark(rule, key, episode))
        return turns

    def heard(self, rule: Rule, key: str, received: Received, now_s: float) -> Turns:
        """Take a sign of life."""
        episode = self.keys.get(rule, key)
        due_at_s = now_s + (rule.stale_s or 0.0)
        if episode is not None and episode.phase is Phase.HEARD:
            episode.seen_at_s, episode.due_at_s = now_s, due_at_s
            return []
        turns = [] if episode is None else self._end(rule, key, episode, now_s)[:-1]
        told_at_s = None if episode is None else episode.told_at_s
        fresh = new_episode(received, now_s, told_at_s)
        fresh.phase, fresh.due_at_s, fresh.payload = Phase.HEARD, due_at_s, b""
        return [*turns, self.keys.mark(rule, key, fresh)]

    def expect(self, rule: Rule, topic: str, now_s: float) -> Turns:
        """Wait for a topic that nothing was heard of yet."""
        episode = Episode(now_s, now_s, count=0, phase=Phase.HEARD, topic=topic)
        episode.due_at_s = now_s + (rule.stale_s or 0.0)
        return [self.keys.mark(rule, topic, episode)]

    # --- time ----------------------------------------------------------------------------------

    def due(self, now_s: float, *, is_connected: bool, at_most: int) -> Turns:
        """Return what happens without a message, of at most so many timers."""
        turns: Turns = []
        for name, key in self.keys.timers.due(now_s):
            rule = self.rules[name]
            episode = self.keys.get(rule, key)
            if key == RELEASE:
                turns += self._release(rule, now_s)
            elif episode is not None and (is_connected or episode.phase is not Phase.HEARD):
                turns += self._pass(rule, key, episode, now_s)
            at_most -= 1
            if not at_most:
                break
        return turns

    def _pass(self, rule: Rule, key: str, episode: Episode, now_s: float) -> Turns:
        """Take that it is later now."""
        due_at_s = due_of(rule, episode)
        if due_at_s is None or due_at_s > now_s:
            if due_at_s is not None:  # a message has moved it on
                self.keys.timers.add(due_at_s, rule.name, key)
            return []
        match episode.phase:
            case Phase.COOLING:
                return [self.keys.drop(rule, key)]
            case Phase.HEARD:
                episode.since_s, episode.count = episode.seen_at_s, 0
                return self._fire(rule, key, episode, now_s)
            case Phase.HOLDS:
                return self._fire(rule, key, episode, now_s)
            case Phase.MUTED:
                return self._tell(rule, key, episode, now_s)
            case Phase.FIRING:
                return self._last_on(rule, key, episode, now_s)

    def _last_on(self, rule: Rule, key: str, episode: Episode, now_s: float) -> Turns:
        """End what only lasts for a while, or remind of what fires."""
        if rule.clear_after_s is not None and episode.seen_at_s + rule.clear_after_s <= now_s:
            return self._end(rule, key, episode, now_s)
        return self._remind(rule, key, episode, now_s) if rule.repeat_s else []

    def shift_silence(self, begin_s: float, now_s: float) -> Turns:
        """Do not count the time since Unix time `begin_s`, in which nothing could be heard."""
        turns: Turns = []
        for name, key, episode in list(self.keys.all()):
            if episode.phase is Phase.HEARD and episode.due_at_s is not None:
                gap_s = now_s - max(begin_s, episode.seen_at_s)  # it may have begun in between
                episode.due_at_s += max(0.0, gap_s)
                turns.append(self.keys.mark(self.rules[name], key, episode))
        return turns

    def shift(self, by_s: float) -> Turns:
        """Let everything keep its age: the clock was wrong by so much."""
        self.mutes.shift(by_s)
        self.groups.shift(by_s)
        return list(self.keys.shift(by_s))

    def settle(self, now_s: float) -> Turns:
        """Look again, after a start, at what was muted by something that may be over."""
        turns: Turns = []
        for rule in self.rules.values():
            if self.mutes.cause_of(rule) is None:  # perhaps it has none any more
                turns += self._unmute(rule, now_s, is_start=True)
        return turns

    def go_on_from(self, before: Life, now_s: float) -> Turns:
        """Take over what belongs to no key; return what begins or ends to be muted."""
        self.groups.go_on_from(before.groups, self.rules)
        self.mutes.go_on_from(before.mutes)
        for due_at_s, name, key in before.keys.timers.entries:
            if key == RELEASE and name in self.rules:
                self.keys.timers.add(due_at_s, name, key)
        turns: Turns = []
        for name in before.rules.keys() & self.rules.keys():
            was, cause = (
                before.mutes.cause_of(before.rules[name]),
                self.mutes.cause_of(self.rules[name]),
            )
            if was is not None and cause is None:
                turns += self._unmute(self.rules[name], now_s)
            elif was is None and cause is not None:
                turns.append(Withhold(name, f"muted by {cause}"))
        return turns

    def forget(self, before_s: float) -> None:
        """Drop, silently, what was not seen since then."""
        for name, key, episode in list(self.keys.all()):
            if episode.seen_at_s < before_s:
                del self.keys.episodes[name][key]
                if episode.phase in _LASTING and self.mutes.ends(self.rules[name]):
                    for symptom in self.mutes.muted_by.get(name, []):
                        self._unmute(symptom, before_s, is_start=True)

    # --- commands ------------------------------------------------------------------------------

    def acknowledge(self, rule: Rule, key: str | None) -> Turns:
        """Remind nobody any more of what fires now; of one key, or of all."""
        turns: Turns = []
        for one, episode in self.keys.episodes[rule.name].items():
            if key in (None, one) and episode.phase is Phase.FIRING:
                episode.is_acknowledged, episode.due_at_s = True, None
                turns.append(self.keys.mark(rule, one, episode))
        return turns

    def snooze(self, rule: Rule, until_s: float, now_s: float) -> Turns:
        """Mute a rule until then; what waits for the end of a snooze is looked at again."""
        old_until_s = self.mutes.snoozes.get(rule.name, 0.0)
        self.mutes.snoozes[rule.name] = until_s
        turns: Turns = []
        for key, episode in list(self.keys.episodes[rule.name].items()):
            if episode.phase is Phase.MUTED and episode.due_at_s == old_until_s:
                turns += self._tell(rule, key, episode, now_s)
        return turns

    # --- what begins and ends ------------------------------------------------------------------

    def _begin(
        self, rule: Rule, key: str, cooling: Episode | None, received: Received, now_s: float
    ) -> Turns:
        episode = new_episode(received, now_s, cooling.told_at_s if cooling else None)
        if not rule.for_s:
            return self._fire(rule, key, episode, now_s, found_at_start=received.retain)
        episode.phase, episode.due_at_s = Phase.HOLDS, now_s + rule.for_s
        return [self.keys.mark(rule, key, episode)]

    def _fire(
        self, rule: Rule, key: str, episode: Episode, now_s: float, *, found_at_start: bool = False
    ) -> Turns:
        """Let a key fire, told or muted."""
        causes = self._causes(rule)
        return [*causes, *self._tell(rule, key, episode, now_s, found_at_start=found_at_start)]

    def _causes(self, rule: Rule) -> Turns:
        """Count a key that fires; the first one mutes the symptoms."""
        if not self.mutes.begins(rule):
            return []
        symptoms = self.mutes.muted_by.get(rule.name, [])
        return [Withhold(one.name, f"muted by {rule.name}") for one in symptoms]

    def _end(
        self, rule: Rule, key: str, episode: Episode, now_s: float, *, found_at_start: bool = False
    ) -> Turns:
        """End an episode: tell it to those who know of it."""
        turns: Turns = []
        if episode.phase is Phase.FIRING:
            group = self.groups.open(rule, now_s)
            turn = Turn(Kind.RECOVERY, rule, key, replace(episode), found_at_start)
            turns.append(turn._replace(group=group))
            if group and (episode.told_at_s or 0.0) >= self.groups.began_s(rule):
                episode.told_at_s = None  # nobody is told: no reason for a cooldown
        elif episode.phase is Phase.MUTED and not rule.is_event:
            lasted = duration_text(now_s - episode.since_s)
            why = f"{episode.why}; over after {lasted}"
            turns.append(Turn(Kind.ALARM, rule, key, replace(episode), withdrawn=why))
        is_last = episode.phase in _LASTING and self.mutes.ends(rule)
        turns.append(self._cool(rule, key, episode, now_s))
        if is_last:
            for symptom in self.mutes.muted_by.get(rule.name, []):
                turns[-1:-1] = self._unmute(symptom, now_s)
        return turns

    def _cool(self, rule: Rule, key: str, episode: Episode, now_s: float) -> Mark:
        told_at_s = episode.told_at_s
        if told_at_s is None or now_s - told_at_s >= rule.cooldown_s:
            return self.keys.drop(rule, key)
        cooling = replace(episode, phase=Phase.COOLING, due_at_s=told_at_s + rule.cooldown_s)
        cooling.payload = b""
        return self.keys.mark(rule, key, cooling)

    # --- what is told --------------------------------------------------------------------------

    def _tell(
        self, rule: Rule, key: str, episode: Episode, now_s: float, *, found_at_start: bool = False
    ) -> Turns:
        """Tell an alarm, or let it wait until what mutes it is over."""
        mute = self.mutes.of(rule, episode.told_at_s, now_s)
        is_late = episode.phase is Phase.MUTED
        if mute is not None:
            episode.phase, episode.why, episode.due_at_s = Phase.MUTED, mute.why, mute.until_s
            return [self.keys.mark(rule, key, episode)]
        episode.phase, episode.why, episode.told_at_s = Phase.FIRING, "", now_s
        episode.repeats, episode.is_acknowledged = 0, False
        episode.due_at_s = now_s + rule.repeat_s[0] if rule.repeat_s else None
        turn = self._turn(Kind.ALARM, rule, key, episode, now_s)
        turn = turn._replace(found_at_start=found_at_start, is_late=is_late)
        return [turn, self.keys.mark(rule, key, episode)]

    def _tell_event(
        self, rule: Rule, key: str, episode: Episode, received: Received, now_s: float
    ) -> Turns:
        now = replace(episode, topic=received.topic, payload=received.payload)
        kind = Kind.ALARM if rule.has_end else Kind.EVENT
        mute = self.mutes.of(rule, episode.told_at_s, now_s)
        if mute is not None:
            return [Turn(Kind.EVENT, rule, key, now, withdrawn=mute.why)]
        episode.told_at_s = now_s
        if rule.repeat_s and episode.due_at_s is None and not episode.is_acknowledged:
            episode.due_at_s = now_s + rule.repeat_s[0]
        return [self._turn(kind, rule, key, now, now_s)]

    def _turn(self, kind: Kind, rule: Rule, key: str, episode: Episode, now_s: float) -> Turn:
        is_surplus = self.mutes.is_surplus(rule, now_s)
        group = None if is_surplus else self.groups.join(rule, now_s)
        return Turn(kind, rule, key, replace(episode), is_surplus=is_surplus, group=group)

    def _remind(self, rule: Rule, key: str, episode: Episode, now_s: float) -> Turns:
        episode.repeats += 1
        episode.due_at_s = now_s + rule.repeat_s[min(episode.repeats, len(rule.repeat_s) - 1)]
        mark = self.keys.mark(rule, key, episode)
        if self.mutes.of(rule, None, now_s) is not None:
            return [mark]
        return [Turn(Kind.REMINDER, rule, key, replace(episode)), mark]

    # --- causes --------------------------------------------------------------------------------

    def _unmute(self, rule: Rule, now_s: float, *, is_start: bool = False) -> Turns:
        """Let the symptoms of a cause that is over begin again: they must hold for their `for`.

        What is silent has as long as it ever had to be heard of. At a start, a `for` that waits
        goes on where it was.
        """
        if self.mutes.cause_of(rule) is not None:
            return []
        again_at_s = now_s + (rule.for_s or rule.stale_s or 0.0)
        self.keys.timers.add(again_at_s, rule.name, RELEASE)
        turns: Turns = []
        for key, episode in list(self.keys.episodes[rule.name].items()):
            is_waiting = episode.phase is Phase.MUTED and episode.due_at_s is None
            if is_waiting or (episode.phase in _BEGIN_AGAIN and not is_start):
                due_at_s = None if episode.phase is Phase.HOLDS else episode.due_at_s
                episode.due_at_s = max(due_at_s or 0.0, again_at_s)
                turns.append(self.keys.mark(rule, key, episode))
        return turns

    def _release(self, rule: Rule, now_s: float) -> Turns:
        """Let go what was withheld; what only happened is counted and never sent."""
        snoozed_until_s = self.mutes.snoozes.get(rule.name, 0.0)
        if snoozed_until_s > now_s:
            self.keys.timers.add(snoozed_until_s, rule.name, RELEASE)
            return []
        return [] if rule.is_event or self.mutes.cause_of(rule) else [Release(rule.name)]
