"""What a verdict does to the alarms of its message, to the person and to the channel."""

from .core.protocol import FORBIDDEN, OPTED_OUT, QUOTA, SENT, UNCLEAR, UNSENT
from .core.retry import retry_delay_s

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
        person.hold.note(outcome, up_s)
        if retry_delay_s(outcome, person.hold.tries) is None:
            _refuse(batch, person, queue)


def _settle(batch, person, queue):
    person.hold.clear()
    for record in batch:
        queue.settle(record, person.bit)
    if not queue.owed(person.bit):
        person.is_single = False


def _refuse(batch, person, queue):
    """Find the alarm that is refused by telling them one by one; give up that one."""
    person.hold.clear()
    if len(batch) > 1:
        person.is_single = True
    else:
        queue.give_up(batch[0], person.bit)
