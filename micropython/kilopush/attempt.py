"""One message to one person: what it holds, and what its count and its marks come to."""

from . import record as records
from .core import protocol
from .record import CRITICAL


class Attempt:
    """One message to one person, from its first byte to the verdict."""

    def __init__(self, person, batch, untold):
        self.person = person
        self.batch = batch
        self.untold = untold  # how many alarms it says were dropped
        self.marked = []  # the records that it marked as asked
        self.is_counted = False
        for record in batch:
            records.pick(record, True)

    def is_critical(self):
        """Return whether it counts as critical."""
        return records.priority(self.batch[0]) == CRITICAL

    def commit(self, ledger):
        """Count it and mark what it tells, before it is sent."""
        bit = self.person.bit
        self.marked = [record for record in self.batch if not records.asked(record) & bit]
        for record in self.marked:
            records.ask(record, records.asked(record) | bit)
        ledger.count(self.is_critical())
        self.is_counted = True

    def end(self, ledger, outcome):
        """Take back what turned out not to be so."""
        if self.is_counted and not protocol.is_spent(outcome):
            ledger.count(self.is_critical(), -1)
        if outcome != protocol.UNCLEAR:
            for record in self.marked:
                records.ask(record, records.asked(record) & ~self.person.bit)
        for record in self.batch:
            records.pick(record, False)
