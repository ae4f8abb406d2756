"""The ledger of a channel: one entry per POST, made before it leaves, and what counts now.

It counts in the API's time, so that no clock of ours makes a message count too short; see
``shared.clock``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..core import budget
from ..core.budget import LESSON_S, WINDOW_S, Limits, Usage
from ..core.protocol import SENT, is_spent

if TYPE_CHECKING:
    from .model import Moment

CRITICAL = "critical"
OTHER = "other"
DIGEST = "digest"

_KEYS_MAX = 500  # keys of criticals that are remembered


@dataclass(slots=True)
class Entry:
    """One POST. It counts without end until ``end`` has said from when on."""

    id: int
    kind: str
    name: str
    until_s: float | None = None
    is_ended: bool = False
    sent_at_s: float | None = None  # Unix time, for people; None: not sent

    def counted_at_s(self, counted_s: float) -> float:
        """Return from when on it counts; now, if that is not known yet."""
        return counted_s if self.until_s is None else self.until_s - WINDOW_S


@dataclass(slots=True)
class Ledger:
    """What this Home Assistant has posted, and what it has learned of other senders."""

    entries: list[Entry] = field(default_factory=list)
    others_seen: int = 0
    others_until_s: float = 0.0
    alarms: dict[str, list[float]] = field(default_factory=dict)  # when criticals of a key were
    next_id: int = 1

    def begin(self, kind: str, name: str) -> int:
        """Count a POST that is about to leave; return the entry's id."""
        entry = Entry(self.next_id, kind, name)
        self.next_id += 1
        self.entries.append(entry)
        return entry.id

    def end(self, entry_id: int, outcome: str, moment: Moment) -> None:
        """Let a POST count for a window from now, or not at all if it was free."""
        for entry in self.entries:
            if entry.id == entry_id:
                entry.is_ended = True
                entry.sent_at_s = moment.now_s if outcome == SENT else None
                entry.until_s = moment.counted_s + WINDOW_S if moment.is_certain else None
        if not is_spent(outcome):
            self.drop(entry_id)

    def drop(self, entry_id: int) -> None:
        """Forget a POST that never left."""
        self.entries = [entry for entry in self.entries if entry.id != entry_id]

    def assume_used(self, limits: Limits) -> None:
        """Count as if all ordinary messages had been sent: nobody knows how many were."""
        for _ in range(budget.cap(limits) if limits.per_day is not None else 0):
            self.entries.append(Entry(self.next_id, OTHER, "", is_ended=True))
            self.next_id += 1

    def learn(self, limits: Limits, counted_s: float) -> None:
        """Remember how many messages others must have sent, now that one of ours was refused."""
        seen = budget.others_seen(limits, self.usage(counted_s))
        if counted_s >= self.others_until_s:
            self.others_seen = 0
        self.others_seen = max(self.others_seen, seen)
        self.others_until_s = counted_s + LESSON_S

    def stamp(self, counted_s: float) -> None:
        """Let what ended while the API's time was unknown count from now on.

        Nothing counts for longer than from now: a later end was written under a wrong time.
        """
        latest_s = counted_s + WINDOW_S
        for entry in self.entries:
            if entry.is_ended:
                entry.until_s = latest_s if entry.until_s is None else min(entry.until_s, latest_s)
        self.others_until_s = min(self.others_until_s, counted_s + LESSON_S)

    def forget(self, moment: Moment) -> None:
        """Drop what no longer counts."""
        self.entries = [one for one in self.entries if counts(one, moment.counted_s)]
        self.alarms = {
            key: recent
            for key, told_s in self.alarms.items()
            if (recent := [at_s for at_s in told_s if at_s > moment.now_s - WINDOW_S])
        }

    def usage(self, counted_s: float) -> Usage:
        """Return what counts now."""
        kinds = [entry.kind for entry in self.entries if counts(entry, counted_s)]
        return Usage(kinds.count(OTHER), kinds.count(CRITICAL), kinds.count(DIGEST))

    def lesson(self, counted_s: float) -> int:
        """Return the most that other senders were seen to have used, 0 if that is long ago."""
        return self.others_seen if counted_s < self.others_until_s else 0

    def last_counted_s(self) -> float:
        """Return the API's time when the last POST ended, 0 if nothing counts."""
        ends_s = [entry.until_s - WINDOW_S for entry in self.entries if entry.until_s is not None]
        return max(ends_s, default=0.0)

    def sent_since(self, begin_s: float) -> int:
        """Return how many messages were sent since then."""
        return sum((entry.sent_at_s or 0.0) >= begin_s > 0 for entry in self.entries)

    def last_digest_at_s(self, counted_s: float) -> float | None:
        """Return when the last digest went that counts."""
        digests = [one for one in self.entries if one.kind == DIGEST and counts(one, counted_s)]
        return max((one.counted_at_s(counted_s) for one in digests), default=None)

    def may_be_critical(self, key: str, now_s: float) -> bool:
        """Return whether one more alarm of this key is still critical, not a flapping sensor."""
        return budget.next_critical_s(self.alarms.get(key, []), now_s) <= now_s

    def note_critical(self, key: str, now_s: float) -> None:
        """Remember that an alarm of this key was critical now."""
        told_s = self.alarms.pop(key, [])[1 - budget.CRITICALS_PER_KEY :]
        self.alarms[key] = [*told_s, now_s]
        while len(self.alarms) > _KEYS_MAX:
            del self.alarms[next(iter(self.alarms))]


def counts(entry: Entry, counted_s: float) -> bool:
    """Return whether an entry counts: it is on its way, or its window is not over."""
    return entry.until_s is None or entry.until_s > counted_s


class Budget:
    """What may go at one moment: the ledger under the limits. ``spend`` counts what is decided."""

    def __init__(self, ledger: Ledger, limits: Limits, moment: Moment) -> None:
        counted_s = moment.counted_s
        self.is_certain = moment.is_certain
        self._own_limits = limits
        self._limits = budget.with_lesson(limits, ledger.lesson(counted_s))
        self._counted_s = counted_s
        self._usage = ledger.usage(counted_s)
        others = [one for one in ledger.entries if one.kind == OTHER and counts(one, counted_s)]
        self._posted_at_s = sorted(one.counted_at_s(counted_s) for one in others)
        self._by_name: dict[str, int] = {}
        for one in others:
            self._by_name[one.name] = self._by_name.get(one.name, 0) + 1
        self._tokens: float | None = None

    def why_not_alone(self, priority: int, name: str) -> str:
        """Return why a message may not go by itself, ``core.budget.FITS`` if it may.

        Without a name, a message belongs to no rule whose share could be used up.
        """
        if self._limits.per_day is None:
            return budget.FITS
        if self._tokens is None:
            self._tokens = budget.tokens_left(self._limits, self._posted_at_s, self._counted_s)
        posts = self._by_name.get(name, 0) if name else 0
        return budget.why_not_alone(self._limits, self._usage, priority, posts, self._tokens)

    def digest_fits(self) -> bool:
        """Return whether one more digest may go. What others were seen to use does not stop it."""
        return budget.digest_fits(self._own_limits, self._usage, 1)

    def spend(self, kind: str, name: str) -> None:
        """Count a POST that is about to leave."""
        if kind == OTHER:
            self._usage.other += 1
            self._by_name[name] = self._by_name.get(name, 0) + 1
            self._posted_at_s.append(self._counted_s)
            self._tokens = None
        elif kind == CRITICAL:
            self._usage.critical += 1
        else:
            self._usage.digest += 1

    def left(self) -> tuple[int | None, int | None]:
        """Return how many messages are left, and how many critical ones; None: without limit.

        The first are those that may be ordinary; criticals may use these too.
        """
        limits, usage = self._limits, self._usage
        if limits.per_day is None:
            return None, None
        free = limits.per_day - limits.other_senders - usage.other - usage.digest
        kept = max(limits.keep_for_critical, usage.critical)
        ordinary = min(budget.cap(limits) - usage.other, free - kept)
        return max(0, ordinary), max(0, free - usage.critical)


def shared_limits(limits: Limits, share: int, people: int) -> Limits:
    """Return the limits of a sender that has ``share`` messages of a channel for itself.

    The share is divided as the whole is. Nobody else sends on it.
    """
    whole = limits.per_day or share
    digests = min(share, max(people, share * limits.digests // max(1, whole)))
    kept = min(share - digests, share * limits.keep_for_critical // max(1, whole))
    return Limits(share, kept, 0, digests)
