"""The alarms that not everybody has got yet, and what is left out when there is no room.

Bounded in number and in bytes. What has to go is counted, and told in the next message.
"""

from . import record as records
from .record import CRITICAL, NORMAL

# What became of a new alarm.
LEFT_OUT = 0
MERGED = 1
ADDED = 2

_UNTOLD_MAX = 0xFFFF


class Queue:
    """Waiting alarms in the order of their arrival.

    Args:
        most: how many records it may hold; alarms of the same key share one.
        most_bytes: how many bytes these may have together.
        people: how many recipients there are, 1 to 8. Each has a bit: 1, 2, 4, ...
    """

    def __init__(self, most: int, most_bytes: int, people: int) -> None:
        self.most = most
        self.most_bytes = most_bytes
        self.everybody = (1 << people) - 1
        self.records: "list[bytearray]" = []
        self.used_bytes = 0
        self.dropped = 0  # alarms that somebody did not get, in this boot
        self.untold = [0] * people  # of these, what each person has not heard of yet

    def find(self, new: bytearray) -> "bytearray | None":
        """Return the record into which this one goes, None without one."""
        for record in self.records:
            if records.is_fresh(record, self.everybody) and records.is_same(record, new):
                return record
        return None

    def add(self, record: bytearray) -> int:
        """Take a new record; return `ADDED`, `MERGED`, or `LEFT_OUT`: then it was only counted.

        Room is made at the cost of what matters less, then of the same, the oldest first; but no
        `CRITICAL` or `HIGH` gives way to another of its kind.
        """
        records.owe(record, self.everybody)
        old = self.find(record)
        if old is not None:
            self._merge(old, record)
            return MERGED
        while not self._has_room(len(record)):
            victim = self._victim(records.priority(record))
            if victim is None:
                self.give_up(record, self.everybody)
                return LEFT_OUT
            self.give_up(victim, records.owed(victim))
        self.restore([record])
        return ADDED

    def restore(self, saved: "list[bytearray]") -> None:
        """Append records that have been here before."""
        self.records += saved
        self.used_bytes += sum([len(record) for record in saved])

    def is_full(self) -> bool:
        """Return whether the next alarm of a new key may cost another its place."""
        return len(self.records) >= self.most or 4 * self.used_bytes > 3 * self.most_bytes

    def owed(self, bit: int) -> "list[bytearray]":
        """Return what this person has yet to get and is not on its way.

        The urgent first, of these the newest first.
        """
        chosen = [
            (records.priority(record), -records.last_s(record), -number, record)
            for number, record in enumerate(self.records)
            if records.owed(record) & bit and not records.is_picked(record)
        ]
        return [one[3] for one in sorted(chosen)]

    def settle(self, record: bytearray, bits: int) -> None:
        """Note that these people need the record no more; what nobody needs is gone."""
        left = records.owed(record) & ~bits
        if not left and record in self.records:
            self._remove(record)
        records.owe(record, left)

    def give_up(self, record: bytearray, bits: int) -> None:
        """Drop the record for these people, who are told the number with their next message."""
        self.leave_out(records.count(record), bits)
        self.settle(record, bits)

    def leave_out(self, number: int, bits: int = 0xFF) -> None:
        """Count alarms that these people will not get."""
        self.dropped += number
        for person in range(len(self.untold)):
            if bits >> person & 1:
                self.untold[person] = min(_UNTOLD_MAX, self.untold[person] + number)

    def expire(self, now_s: int) -> bool:
        """Give up what nobody wants any more; return whether there was any."""
        old = [
            record
            for record in self.records
            if 0 < records.expires_at_s(record) <= now_s and not records.is_picked(record)
        ]
        for record in old:
            self.give_up(record, records.owed(record))
        return bool(old)

    def next_expiry_s(self) -> int:
        """Return when ``expire`` will find something, 0 for never."""
        next_s = 0
        for record in self.records:
            at_s = records.expires_at_s(record)
            if at_s and not 0 < next_s <= at_s:
                next_s = at_s
        return next_s

    def pending(self) -> int:
        """Return how many alarms these are."""
        return sum([records.count(record) for record in self.records])

    def _merge(self, old: bytearray, new: bytearray) -> None:
        """Put one record for both in the place of the old one, with the new words if they fit."""
        grown_bytes = self.used_bytes + len(new) - len(old)
        one = records.merged(old, new, has_new_words=grown_bytes <= self.most_bytes)
        self.records[self.records.index(old)] = one
        self.used_bytes += len(one) - len(old)

    def _has_room(self, more_bytes: int) -> bool:
        return len(self.records) < self.most and self.used_bytes + more_bytes <= self.most_bytes

    def _victim(self, priority: int) -> "bytearray | None":
        """Return what makes room for an alarm of this priority, None if nothing does.

        What is on its way makes room for a critical alarm only, which may come while all of them
        are: then they are counted as dropped, and perhaps told all the same.
        """
        worst = self._worst(False)
        if worst is None and priority == CRITICAL:
            worst = self._worst(True)
        if worst is None:
            return None
        is_equal = records.priority(worst) == priority
        gives_way = records.priority(worst) > priority or (is_equal and priority >= NORMAL)
        return worst if gives_way else None

    def _worst(self, is_picked: bool) -> "bytearray | None":
        worst = None
        for record in self.records:
            if records.is_picked(record) == is_picked and (
                worst is None or records.priority(record) > records.priority(worst)
            ):
                worst = record
        return worst

    def _remove(self, record: bytearray) -> None:
        self.records.remove(record)
        self.used_bytes -= len(record)
