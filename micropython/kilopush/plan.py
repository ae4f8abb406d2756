"""What to do now: which person gets a message, or how long nothing is to be done. Pure."""

from . import record as records
from .core.budget import FITS, FULL
from .core.protocol import BLOCKED, FORBIDDEN, QUOTA, REJECTED, SENT, UNCLEAR, UNSENT
from .core.retry import retry_delay_s
from .record import CRITICAL, HIGH

# What is held, as the store has it.
_OUTCOMES = (SENT, UNSENT, UNCLEAR, QUOTA, FORBIDDEN, BLOCKED, REJECTED)
_TRIES_MAX = 0x7F
_LONG_AGO_S = -(2**20)
_SINGLE = 0x80

_BEYOND_S = 60  # between two criticals beyond the share
RECHECK_S = 60  # of a budget that has no room: a token or a new span may be there


class Hold:
    """What the last attempt came to, if it must be waited for: of the channel or of a person."""

    def __init__(self) -> None:
        self.outcome = SENT
        self.tries = 0
        self.at_s = 0  # of the attempt, in seconds since boot

    def note(self, outcome: str, at_s: int) -> None:
        """Remember one more attempt."""
        self.tries = self.tries + 1 if outcome == self.outcome else 1
        self.outcome = outcome
        self.at_s = at_s

    def clear(self) -> None:
        """Forget all of it: something got through."""
        self.outcome = SENT
        self.tries = 0

    def pack(self, is_single: bool = False) -> bytes:
        """Return two bytes for the store."""
        tries = min(self.tries, _TRIES_MAX) | (_SINGLE if is_single else 0)
        return bytes([_OUTCOMES.index(self.outcome), tries])

    def unpack(self, blob: bytes) -> bool:
        """Take over what ``pack`` gave; return whether it was single.

        The tries go on where they were. How long the board was off is not known: long enough for
        one attempt.
        """
        self.outcome, self.tries = _OUTCOMES[blob[0]], blob[1] & _TRIES_MAX
        self.at_s = _LONG_AGO_S
        return blob[1] & _SINGLE != 0

    def left_s(self, priority: int, max_wait_s: int, up_s: int) -> int:
        """Return for how many seconds a message of this priority has to wait, at least 0."""
        if self.outcome == SENT:
            return 0
        wait_s = retry_delay_s(self.outcome, self.tries, critical=priority == CRITICAL) or 0
        if self.outcome == UNCLEAR and priority > HIGH:
            wait_s = max(max_wait_s, wait_s)  # each repeat costs one: it goes along with others
        return max(0, self.at_s + wait_s - up_s)


class Person:
    """One recipient."""

    def __init__(self, to: str, number: int) -> None:
        self.to = to
        self.number = number
        self.bit = 1 << number
        self.hold = Hold()
        self.is_single = False  # one alarm a message, because the API refused them together
        self.refused = 0  # identity of the single alarm that was refused last
        self.tried_s = -1  # since boot


class Timing:
    """How long alarms that are not urgent are collected, in seconds."""

    def __init__(self, window_s: int, max_wait_s: int) -> None:
        self.window_s = window_s
        self.max_wait_s = max_wait_s


class Next:
    """The decision: ``person`` gets the ``batch`` after ``wait_s`` seconds, 0 for now.

    ``why`` is not "" if the budget has no room, see ``core.budget``.
    """

    def __init__(self, person: Person, batch: "list[bytearray]", wait_s: int, why: str) -> None:
        self.person = person
        self.batch = batch
        self.wait_s = wait_s
        self.why = why


class Situation:
    """All that is looked at: two clocks in seconds, and what hurries."""

    def __init__(self) -> None:
        self.now_s = 0  # in the time of the ledger
        self.up_s = 0  # since boot
        self.last_post_s = 0  # in the time of the ledger
        self.last_try_s = -_BEYOND_S  # since boot
        self.is_flushing = False  # the board goes to sleep: nothing is collected
        self.news = 0  # a bit for each person with a critical alarm that was never tried


def decide(
    queue: "object",
    ledger: "object",
    people: "list[Person]",
    channel: Hold,
    timing: Timing,
    situation: Situation,
) -> "Next | None":
    """Return what comes first, None if nobody is owed anything."""
    best = None
    for person in people:
        batch = queue.owed(person.bit)
        if not batch:
            continue
        one = _for_person(queue, ledger, person, batch, channel, timing, situation)
        if best is None or _order(one) < _order(best):
            best = one
    return best


def _for_person(
    queue: "object",
    ledger: "object",
    person: Person,
    batch: "list[bytearray]",
    channel: Hold,
    timing: Timing,
    situation: Situation,
) -> Next:
    priority = records.priority(batch[0])
    if priority == CRITICAL and situation.news & person.bit:
        wait_s = 0
    else:
        wait_s = max(
            0 if situation.is_flushing else _collect_s(batch, queue.is_full(), timing, situation),
            channel.left_s(priority, timing.max_wait_s, situation.up_s),
            person.hold.left_s(priority, timing.max_wait_s, situation.up_s),
        )
    why = FITS
    if not wait_s:
        why, wait_s = _budget(ledger, priority, records.asked(batch[0]) & person.bit, situation)
    return Next(person, batch[:1] if person.is_single else batch, wait_s, why)


def _budget(
    ledger: "object", priority: int, is_repeat: int, situation: Situation
) -> "tuple[str, int]":
    """Return what the budget says, and for how many seconds to wait because of it.

    A share never withholds a critical alarm. But it does not repeat it without end, and beyond the
    share one message a minute has to do for all of them.
    """
    if priority != CRITICAL:
        why = ledger.why_not(priority)
        return why, RECHECK_S if why else 0
    if ledger.left() != 0:
        return FITS, 0
    if is_repeat:
        return FULL, RECHECK_S
    return FITS, max(0, situation.last_try_s + _BEYOND_S - situation.up_s)


def _collect_s(
    batch: "list[bytearray]", is_full: bool, timing: Timing, situation: Situation
) -> int:
    """Return how long to wait for more alarms."""
    if records.priority(batch[0]) <= HIGH:
        return 0
    first_s = min([records.first_s(record) for record in batch])
    last_s = max([records.last_s(record) for record in batch])
    until_s = min(last_s + timing.window_s, first_s + timing.max_wait_s)
    if is_full:  # rather more messages than alarms of which only the number is told
        until_s = min(until_s, situation.last_post_s + timing.window_s // 4)
    return max(0, until_s - situation.now_s)


def _order(one: Next) -> "tuple[int, int, int, int]":
    person = one.person  # who was tried longest ago: nobody's trouble keeps others waiting
    return (one.wait_s, records.priority(one.batch[0]), person.tried_s, person.number)
