"""The engine: one step at a time, from an alarm to the verdict on its message.

It decides nothing (``plan`` does) and waits for nothing: what takes time is under way in the
transport, and the next ``step`` looks after it. One exchange at a time.

The order that keeps the promises: an attempt is counted and marked in the store when the connection
is up, before the first byte of the message leaves (``READY``). Then a power cut at any instruction
costs a message too many in the count or a repeat that says so, never an alarm, and never a message
beyond the limit.
"""

import gc
import os
from binascii import crc32

from micropython import const

from . import message, plan
from . import record as records
from .attempt import Attempt
from .core import protocol
from .core.budget import FITS
from .queue import ADDED, LEFT_OUT
from .reaction import react
from .record import CRITICAL, HIGH, LOW, NORMAL
from .state import Keeper
from .transport import READY

_BUSY_MS = const(20)  # between two steps of an exchange
_IDLE_MS = const(1000)
_LONG_S = const(3600)  # nothing waits
_ASK_S = const(3600)  # between two questions for the time
_CONFIRM_S = const(2)
_TTL_MAX_S = const(31622400)  # a year

POST = "sending"
ASK = "asking for the time"
CLOCK = "setting the clock"


class Channel:
    """Who sends, and to whom: tokens, the name of the board, and a ``plan.Person`` for each."""

    def __init__(self, token, secret, name, people):
        self.token = token
        self.secret = secret
        self.name = name
        self.people = people


class Engine:
    """Takes alarms, keeps them in the store, and sees to their delivery.

    Args:
        channel: who sends, and to whom.
        queue: an empty one. What the store holds is taken over, here and for the ledger.
        ledger: an empty one.
        transport: a way to the API, see ``transport``.
        store: see ``store``; None keeps nothing over a reboot.
        timing: how long alarms are collected, a ``plan.Timing``.
        clock: what sets the clock for certificates, see ``clock``; None: nothing needs it.
        online: says whether the network is up; None: always.
        via: the way through the daemon, see ``mqtt``; None without one.
    """

    def __init__(self, channel, queue, ledger, transport, store, timing, clock, online, via):
        self.queue = queue
        self.ledger = ledger
        self.last = None  # the last verdict
        self.on_result = None
        self.up_s = 0
        self.doing = ""
        self.is_offline = False
        self.why = FITS  # what the budget says of the next message
        self.hold = plan.Hold()
        self.keeper = Keeper(store, queue, ledger, channel.people, self.hold)
        self._channel = channel
        self._transport = transport
        self._timing = timing
        self._clock = clock
        self._online = online
        self._via = via
        self._up_ms = 0
        self._situation = plan.Situation()
        self._look_at_s = 0
        self._ask_at_s = 0
        self._attempt = None
        self.keeper.restore()
        self._expiry_s = queue.next_expiry_s()

    def pass_ms(self, milliseconds):
        """Let time pass."""
        self._up_ms += milliseconds
        seconds = self._up_ms // 1000
        if seconds:
            self._up_ms -= 1000 * seconds
            self.up_s += seconds
            self.ledger.pass_s(seconds)

    def add(self, text, priority, url, silent, key, ttl_s, number=1):
        """Take an alarm, ``number`` times; return whether there was room for it."""
        if priority not in (CRITICAL, HIGH, NORMAL, LOW):
            priority = HIGH
        is_silent = priority == LOW if silent is None else bool(silent)
        if priority == CRITICAL:
            self._make_way()
        try:
            record = self._record(text, priority, url, is_silent, key, ttl_s, number)
            outcome = self.queue.add(record)
        except MemoryError:
            gc.collect()
            self.queue.leave_out(number)
            return False
        self._expiry_s = self.queue.next_expiry_s()
        self._look_at_s = self.up_s
        priority = records.priority(record)
        if outcome and priority == CRITICAL:
            self._situation.news = self.queue.everybody
        if outcome == ADDED and priority <= HIGH:
            self.keeper.changed(self.up_s, 0)
        else:
            self.keeper.filled(self.up_s)
        return outcome != LEFT_OUT

    def step(self):
        """Do what is due; return in how many milliseconds to call again, at most 1000."""
        try:
            self._work()
        except MemoryError:  # later there may be more, and the alarms are still here
            gc.collect()
            self._situation.news = 0
            self.last = protocol.unsent("no memory")
            self.hold.note(self.last.outcome, self.up_s)
            self.stop("no memory")
        return _IDLE_MS if self.wait_s() else _BUSY_MS

    def wait_s(self):
        """Return for how many seconds nothing will happen by itself, 0 if something is going on."""
        if self.doing or (self._via is not None and self._via.is_waiting()):
            return 0
        return max(0, self._look_at_s - self.up_s)

    def held(self):
        """Return the outcome that holds up the channel or a recipient, "" if none does."""
        for hold in [self.hold] + [person.hold for person in self._channel.people]:
            if hold.tries:
                return hold.outcome
        return ""

    def flush(self, is_flushing):
        """Begin to send without collecting, or go back to collecting."""
        self._situation.is_flushing = is_flushing
        self._look_at_s = self.up_s

    def stop(self, detail="broken off"):
        """Break off what is under way. What may have left is told again, and says so."""
        may_have_left = self.doing in (POST, ASK) and self._transport.cancel()
        if self._attempt is not None:
            self._finish(protocol.lost(detail) if may_have_left else protocol.unsent(detail))
        self.doing = ""

    def _record(self, text, priority, url, is_silent, key, ttl_s, number):
        now_s = self.ledger.now_s
        if priority == CRITICAL:
            priority = self._still_critical(key or text)
        record = records.pack(
            text, priority, url, is_silent, key, number, now_s, self.queue.most_bytes
        )
        life_s = _seconds(ttl_s)
        if life_s:
            records.expire_at(record, now_s + life_s)
        records.date(record, 0, self.ledger.is_sure)
        records.name(record, os.urandom(4))
        return record

    def _still_critical(self, key):
        """Return the priority of a critical alarm: of a sensor that flaps, some are only high."""
        key_hash = crc32(str(key).encode()) & 0x3FFFFFFF
        if self.ledger.critical_from_s(key_hash) > self.ledger.now_s:
            return HIGH
        self.ledger.note_critical(key_hash)
        return CRITICAL

    def _make_way(self):
        """Let a critical alarm pass what is going on, if nothing of that has left yet.

        But not another critical one: many of them must not keep each other from leaving.
        """
        one = self._attempt
        if self.doing == ASK or (one and not one.is_counted and not one.is_critical()):
            self._transport.cancel()
            self._end_attempt(protocol.UNSENT)

    def _work(self):
        if self._expiry_s and self.ledger.now_s >= self._expiry_s:
            self._expire()
        if self.keeper.is_due(self.up_s):
            self.keeper.save(self.up_s)
        if self._via is not None and self._via.step(self.queue, self.ledger, self.up_s):
            self.keeper.changed(self.up_s)
            self._look_at_s = self.up_s
        if self.doing:
            self._go_on()
        elif self.up_s >= self._look_at_s:
            self._look()

    def _expire(self):
        if self.queue.expire(self.ledger.now_s):
            self.keeper.changed(self.up_s)
        self._expiry_s = self.queue.next_expiry_s()

    def _look(self):
        """Decide, and begin what was decided."""
        now = self._situation
        now.now_s, now.up_s = self.ledger.now_s, self.up_s
        people = self._channel.people
        one = plan.decide(self.queue, self.ledger, people, self.hold, self._timing, now)
        self._look_at_s = self.up_s + (one.wait_s if one else _LONG_S)
        self.why = one.why if one else FITS
        asks = self.why != FITS and self.up_s >= self._ask_at_s  # if it is later, there may be room
        if one is None or (one.wait_s and not asks):
            return
        self.is_offline = self._online is not None and not self._online()
        if self.is_offline:
            self._look_at_s = self.up_s + 1
        elif self._clock is not None and not self._clock.is_set():
            self.doing = CLOCK
            self._clock.begin()
        elif asks:
            self.doing = ASK
            self._transport.head()
        else:
            self._post(one.person, one.batch)

    def _post(self, person, batch):
        self.doing = POST
        self._situation.news &= ~person.bit
        self._situation.last_try_s = person.tried_s = self.up_s
        untold = self.queue.untold[person.number]
        self._attempt = Attempt(person, batch, untold)
        channel = self._channel
        moment = message.Moment(self.ledger.now_s, self.ledger.is_sure)
        lines = message.compose(batch, person.bit, channel.name, moment, untold)
        url = records.url(batch[0])
        is_silent = all([records.is_silent(record) for record in batch])
        self._transport.post(
            lambda: message.body(person.to, channel.token, channel.secret, lines, url, is_silent)
        )

    def _go_on(self):
        if self.doing == CLOCK:
            self._go_on_with_clock()
            return
        result = self._transport.step()
        if result == READY:
            self._attempt.commit(self.ledger)
            self.keeper.save(self.up_s, is_urgent=True)
            self._transport.go()
        elif result is not None and self.doing == ASK:
            self.doing = ""
            self._learn(result.at_s)
        elif result is not None:
            self._finish(result)

    def _go_on_with_clock(self):
        is_set = self._clock.step()
        if is_set is not None:
            self.doing = ""
            self._look_at_s = self.up_s
            if not is_set:
                self._situation.news = 0  # trying again at once would not help
                self.last = protocol.unsent("the clock is not set: certificates cannot be checked")
                self.hold.note(self.last.outcome, self.up_s)

    def _finish(self, verdict):
        """Note what became of the message."""
        one, outcome = self._attempt, verdict.outcome
        number = sum([records.count(record) for record in one.batch])
        if one.is_counted:
            self.keeper.changed(self.up_s)
        self._end_attempt(outcome)
        self.last = verdict
        react(outcome, one.batch, one.person, self.hold, self.queue, self.up_s)
        if outcome == protocol.SENT:
            self.queue.untold[one.person.number] -= one.untold
            self._situation.last_post_s = self.ledger.now_s
        if verdict.status is not None and verdict.at_s is None:
            self.ledger.book()
        self._learn(verdict.at_s)
        if self.on_result is not None:
            self.on_result(verdict.status or 0, number)

    def _end_attempt(self, outcome):
        if self._attempt is not None:
            self._attempt.end(self.ledger, outcome)
        self._attempt = None
        self.doing = ""
        self._look_at_s = self.up_s

    def _learn(self, at_s):
        """Take the time that a reply named, if it did."""
        was_doubted, wait_s = self.ledger.is_doubted(), plan.RECHECK_S
        if at_s is not None:
            leap_s = self.ledger.learn(at_s)
            for record in self.queue.records:
                records.date(record, leap_s, self.ledger.is_sure)
            self._situation.last_post_s += leap_s
            self._expiry_s = self.queue.next_expiry_s()
            wait_s = _CONFIRM_S if self.ledger.is_doubted() > was_doubted else _ASK_S
        self._ask_at_s = self.up_s + wait_s
        self._look_at_s = self.up_s


def _seconds(ttl_s):
    """Return a time to live of whole seconds, at most a year; 0 for none, or for no number."""
    try:
        return min(_TTL_MAX_S, max(1, int(ttl_s))) if ttl_s else 0
    except (TypeError, ValueError, OverflowError):
        return 0
