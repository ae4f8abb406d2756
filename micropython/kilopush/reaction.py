"""What a verdict does to the alarms of its message, to the person and to the channel."""

from . import record as records
from .core.protocol import FORBIDDEN, OPTED_OUT, QUOTA, REJECTED, SENT, UNCLEAR, UNSENT
from .core.retry import retry_delay_s
from .record import CRITICAL

# These outcomes hold up everybody; the others are about one person or one message.
_OF_THE_CHANNEL = (UNSENT, UNCLEAR, QUOTA, FORBIDDEN)


def react(outcome, batch, person, channel, queue, up_s):
    """Take what one message came to.

    Args:
        outcome: a constant of ``core.protocol``.
        batch: the records that it told.
        person: who got it, a ``plan.Person``.
        channel: the ``plan.Hold`` of the channel.
        queue: where the records wait.
        up_s: seconds since boot.
    """
    if outcome in _OF_THE_CHANNEL:
        channel.note(outcome, up_s)
        return
    channel.clear()  # it works, whatever is said of the person or the message
    if outcome == SENT:
        _settle(batch, person, queue)
    elif outcome == OPTED_OUT:
        for record in queue.owed(person.bit):
            queue.give_up(record, person.bit)
    else:
        _hold(outcome, batch, person, queue, up_s)


def _settle(batch, person, queue):
    person.hold.clear()
    for record in batch:
        queue.settle(record, person.bit)
    if not queue.owed(person.bit):
        person.is_single = False


def _hold(outcome, batch, person, queue, up_s):
    """Try again later; what is refused again and again is looked for, and given up."""
    is_one = len(batch) == 1
    if is_one and person.refused != records.identity(batch[0]):
        if person.refused:
            person.hold.clear()  # those tries were another alarm's
        person.refused = records.identity(batch[0])
    person.hold.note(outcome, up_s)
    has_failed = retry_delay_s(outcome, person.hold.tries) is None
    # A critical alarm does not wait to be told from what it is refused with.
    is_pressing = outcome == REJECTED and records.priority(batch[0]) == CRITICAL
    if not is_one and (has_failed or is_pressing):
        person.hold.clear()
        person.is_single = True
    elif has_failed:
        person.hold.clear()
        queue.give_up(batch[0], person.bit)
