"""What to do now: which person gets a message, or how long nothing is to be done. Pure."""

from . import record as records
from .core.budget import FITS
from .core.protocol import SENT, UNCLEAR
from .core.retry import retry_delay_s
from .record import CRITICAL, HIGH

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

    def left_s(self, priority: int, max_wait_s: int, up_s: int) -> int:
        """Return for how many seconds a message of this priority has to wait, at least 0."""
        if self.outcome == SENT:
            return 0
        if self.outcome == UNCLEAR and priority > HIGH:
            wait_s = max_wait_s  # each repeat costs a message: it goes along with the next ones
        else:
            wait_s = retry_delay_s(self.outcome, self.tries, critical=priority == CRITICAL) or 0
        return max(0, self.at_s + wait_s - up_s)


class Person:
    """One recipient."""

    def __init__(self, to: str, number: int) -> None:
        self.to = to
        self.number = number
        self.bit = 1 << number
        self.hold = Hold()
        self.is_single = False  # one alarm a message, because the API refused them together


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


class Moment:
    """All that is looked at: two clocks in seconds, and what hurries."""

    def __init__(self) -> None:
        self.now_s = 0  # in the time of the ledger
        self.up_s = 0  # since boot
        self.last_post_s = 0  # in the time of the ledger
        self.is_flushing = False  # the board goes to sleep: nothing is collected
        self.has_news = False  # a critical alarm whose first attempt waits for nothing


def decide(
    queue: "object",
    ledger: "object",
    people: "list[Person]",
    channel: Hold,
    timing: Timing,
    moment: Moment,
) -> "Next | None":
    """Return what comes first, None if nobody is owed anything."""
    best = None
    for person in people:
        batch = queue.owed(person.bit)
        if not batch:
            continue
        one = _for_person(queue, ledger, person, batch, channel, timing, moment)
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
    moment: Moment,
) -> Next:
    priority = records.priority(batch[0])
    if priority == CRITICAL and moment.has_news:
        wait_s = 0
    else:
        wait_s = max(
            0 if moment.is_flushing else _collect_s(batch, queue.is_full(), timing, moment),
            channel.left_s(priority, timing.max_wait_s, moment.up_s),
            person.hold.left_s(priority, timing.max_wait_s, moment.up_s),
        )
    why = FITS
    if not wait_s and priority != CRITICAL:
        why = ledger.why_not(priority)
        wait_s = RECHECK_S if why else 0
    return Next(person, batch[:1] if person.is_single else batch, wait_s, why)


def _collect_s(batch: "list[bytearray]", is_full: bool, timing: Timing, moment: Moment) -> int:
    """Return how long to wait for more alarms."""
    if records.priority(batch[0]) <= HIGH:
        return 0
    first_s = min([records.first_s(record) for record in batch])
    last_s = max([records.last_s(record) for record in batch])
    until_s = min(last_s + timing.window_s, first_s + timing.max_wait_s)
    if is_full:  # rather more messages than alarms of which only the number is told
        until_s = min(until_s, moment.last_post_s + timing.window_s // 4)
    return max(0, until_s - moment.now_s)


def _order(one: Next) -> "tuple[int, int, int]":
    return (one.wait_s, records.priority(one.batch[0]), one.person.number)
