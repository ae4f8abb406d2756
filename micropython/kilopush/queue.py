"""The alarms that not everybody has got yet, and what is left out when there is no room.

Bounded in number and in bytes. What has to go is counted, and told in the next message.
"""

from . import record as records
from .record import NORMAL

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

    def find(self, key: bytes) -> "bytearray | None":
        """Return the record into which another alarm of this key goes, None without one."""
        for record in self.records:
            if records.is_fresh(record, self.everybody) and records.key(record) == key:
                return record
        return None

    def add(self, record: bytearray) -> int:
        """Take a new record; return `ADDED`, `MERGED`, or `LEFT_OUT`: then it was only counted.

        Room is made at the cost of what matters less, then of the same, the oldest first; but no
        `CRITICAL` or `HIGH` gives way to another of its kind.
        """
        records.owe(record, self.everybody)
        old = self.find(records.key(record))
        if old is not None:
            record = records.merged(old, record)
            self._remove(old)
        while not self._has_room(record):
            victim = self._least_important()
            if victim is None or not _gives_way(victim, record):
                self.give_up(record, self.everybody)
                return LEFT_OUT
            self.give_up(victim, records.owed(victim))
        self.restore([record])
        return ADDED if old is None else MERGED

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
        times_s = [records.expires_at_s(record) for record in self.records]
        return min([at_s for at_s in times_s if at_s] or [0])

    def pending(self) -> int:
        """Return how many alarms these are."""
        return sum([records.count(record) for record in self.records])

    def _has_room(self, record: bytearray) -> bool:
        used_bytes = self.used_bytes + len(record)
        return len(self.records) < self.most and used_bytes <= self.most_bytes

    def _least_important(self) -> "bytearray | None":
        worst = None
        for record in self.records:
            if records.is_picked(record):
                continue
            if worst is None or records.priority(record) > records.priority(worst):
                worst = record
        return worst

    def _remove(self, record: bytearray) -> None:
        self.records.remove(record)
        self.used_bytes -= len(record)


def _gives_way(old: bytearray, new: bytearray) -> bool:
    mine, other = records.priority(old), records.priority(new)
    return mine > other or mine == other >= NORMAL
