"""When the state goes into the store, and its bytes there.

hash of the recipients u32, their number u8, the hold of the channel u16, for each recipient its
hold u16 and what it was not told u16, then the ledger, then the waiting records
"""

import struct
from binascii import crc32

from . import record as records
from .record import HIGH

_HEAD = "<IB"
_SOON_S = 1  # what happens together shares one write
_APART_S = 10  # between two writes for alarms that are not urgent
_AGAIN_S = 60  # after the store failed

STATE_MAX_BYTES = 256  # all of it beside the records


class Keeper:
    """Saves queue and ledger, and restores them after a reboot.

    ``error`` says in a line why the last save failed, "" if it did not. A store that fails never
    stops an alarm.
    """

    def __init__(self, store, queue, ledger, people, channel):
        self.error = ""
        self._store = store
        self._queue = queue
        self._ledger = ledger
        self._people = people
        self._channel = channel  # its plan.Hold
        self._people_hash = crc32("".join([person.to for person in people]).encode())
        self._due_s = -1  # nothing to save
        self._saved_s = -_APART_S

    def restore(self):
        """Take over what the store holds, if anything."""
        blob = self._store.load() if self._store is not None else None
        if blob is None:
            return
        people_hash, number = struct.unpack_from(_HEAD, blob)
        at = struct.calcsize(_HEAD)
        is_same = people_hash == self._people_hash
        self._channel.unpack(blob[at:])
        at += 2
        untold = struct.unpack_from("<{}H".format(number), blob, at + 2 * number)
        if is_same:
            self._queue.untold[:] = untold
            for person in self._people:
                person.is_single = person.hold.unpack(blob[at + 2 * person.number :])
        else:
            self._queue.untold[:] = [max(untold)] * len(self._people)
        at += 4 * number
        at += self._ledger.unpack(blob[at:])
        self._queue.restore(records.unpack(blob[at:], self._queue.everybody, is_same))

    def changed(self, up_s, wait_s=_SOON_S):
        """Remember that there is something to save, so many seconds from now."""
        at_s = up_s + wait_s
        if self._due_s < 0 or at_s < self._due_s:
            self._due_s = at_s

    def filled(self, up_s):
        """Remember an alarm that is not urgent: it may come all the time, and flash wears out."""
        self.changed(up_s, max(_SOON_S, self._saved_s + _APART_S - up_s))

    def is_due(self, up_s):
        """Return whether it is time to save."""
        return 0 <= self._due_s <= up_s

    def save(self, up_s, is_urgent=False):
        """Write all of it; return whether it is safe.

        ``is_urgent``: a copy that lags behind, see ``rtc``, must have it too.
        """
        self._due_s, self._saved_s = -1, up_s
        if self._store is None:
            return False
        waiting = self._queue.records
        is_urgent = is_urgent or any([records.priority(record) <= HIGH for record in waiting])
        try:
            self._store.save([self._head()] + waiting, is_urgent)
            self.error = ""
        except (OSError, MemoryError) as error:
            self.error = "the store failed: {}".format(repr(error))
            self.changed(up_s, _AGAIN_S)
        return not self.error

    def is_safe(self, up_s):
        """Return whether the store has everything, after saving what it lacks."""
        if self._store is None:
            return False
        return self._due_s < 0 or self.save(up_s, is_urgent=True)

    def _head(self):
        untold = self._queue.untold
        head = struct.pack(_HEAD, self._people_hash, len(untold)) + self._channel.pack()
        for person in self._people:
            head += person.hold.pack(person.is_single)
        return head + struct.pack("<{}H".format(len(untold)), *untold) + self._ledger.pack()
