"""A board without hardware, and a KILO.Push without a network: time is moved, nothing sleeps."""

import json
import os
import random
import sys

import shims
from kilopush import KiloPush
from kilopush.core import protocol
from kilopush.transport import READY

if not hasattr(os, "urandom"):  # in the browser's build; boards have it
    os.urandom = lambda count: bytes([random.getrandbits(8) for _ in range(count)])

CLIENT = sys.modules[KiloPush.__module__]  # `make board` puts it elsewhere than the sources do

ME = "u_" + "1" * 40
ANNA = "u_" + "2" * 40
TOKEN = "c_" + "a" * 40
SECRET = "5" * 64
START_UNIX_S = 1790000000  # 2026-09-21


class MemoryStore:
    """What survives a reboot: the newest state, in memory."""

    capacity_bytes = None

    def __init__(self):
        self.state = None
        self.saves = 0
        self.is_broken = False

    def load(self):
        return self.state

    def save(self, parts, urgent=True):
        if self.is_broken:
            raise OSError(28)
        self.state = b"".join([bytes(part) for part in parts])
        self.saves += 1


class Api:
    """The API and the true time. ``replies`` are outcomes for the next posts; then all are sent."""

    def __init__(self, ticks):
        self.ticks = ticks
        self.offset_ms = 0  # passes while a board is off
        self.replies = []
        self.posts = []  # dicts of the request, with "at_s"
        self.heads = 0
        self.date_error_s = 0  # of the next reply, if the two before were right
        self.right_dates = 2
        self.has_date = True
        self.judge = lambda request: protocol.SENT  # when there are no replies

    def now_s(self):
        return START_UNIX_S + (self.ticks.now_ms + self.offset_ms) // 1000

    def texts(self, to=None):
        return [post["message"] for post in self.posts if to in (None, post["to"])]

    def verdict(self, request):
        outcome = self.replies.pop(0) if self.replies else self.judge(request)
        request["at_s"] = self.now_s()
        request["outcome"] = outcome
        self.posts.append(request)
        if outcome == protocol.UNCLEAR:
            return protocol.lost("no reply")
        status = {
            protocol.SENT: 200,
            protocol.QUOTA: 4029,
            protocol.OPTED_OUT: 4024,
            protocol.BLOCKED: 4023,
            protocol.FORBIDDEN: 4003,
            protocol.REJECTED: 4005,
        }[outcome]
        return protocol.Verdict(outcome, status, "reply", self.date_s())

    def date_s(self):
        if not self.has_date:
            return None
        error_s, self.date_error_s = self.date_error_s, 0
        self.right_dates += 1
        if self.right_dates <= 2:
            error_s = 0
        if error_s:
            self.right_dates = 0
        return self.now_s() + error_s


class Transport:
    """One exchange takes three steps, and no time unless ``delay_steps`` says so."""

    host = "push.kilo.chat"
    secure = False

    def __init__(self, api):
        self.api = api
        self.busy = False
        self.delay_steps = 0
        self.steps_left = 0
        self.pieces = None
        self.is_gone = False
        self.is_up = lambda: True
        self.lacks_memory = 0  # for so many posts

    def post(self, pieces):
        assert not self.busy
        if self.lacks_memory:
            self.lacks_memory -= 1
            raise MemoryError
        self.busy, self.pieces, self.is_gone = True, pieces, False
        self.steps_left = self.delay_steps

    def head(self):
        assert not self.busy
        self.busy, self.pieces = True, None

    def step(self):
        if self.pieces is None:
            self.busy = False
            if not self.is_up():
                return protocol.unsent("no network")
            self.api.heads += 1
            return protocol.Verdict(protocol.SENT, 200, "head", self.api.date_s())
        if self.steps_left:
            self.steps_left -= 1
            return None
        if not self.is_gone:
            if self.api.replies[:1] == [protocol.UNSENT] or not self.is_up():
                self.busy = False
                self.api.replies = self.api.replies[1:]
                return protocol.unsent("no network")
            return READY
        self.busy = False
        pieces = [bytes(piece) for piece in self.pieces()]
        assert max([len(piece) for piece in pieces]) <= 512
        return self.api.verdict(json.loads(b"".join(pieces).decode()))

    def go(self):
        self.is_gone = True

    def cancel(self):
        self.busy = False
        return self.is_gone


class World:
    """A board that can be rebooted, its store, and the API."""

    def __init__(self, start_ms=0, store=None, **arguments):
        self.ticks = shims.Ticks(start_ms)
        self.api = Api(self.ticks)
        self.store = MemoryStore() if store is None else store
        self.arguments = arguments
        self.boot()

    def boot(self, off_s=0, **arguments):
        """Switch the board on again after so many seconds without power."""
        self.api.offset_ms += 1000 * off_s
        CLIENT.time = shims.Time(self.ticks)
        self.transport = Transport(self.api)
        self.arguments.update(arguments)
        settings = {"to": ME, "token": TOKEN, "secret": SECRET, "store": self.store}
        settings.update(self.arguments)
        settings.setdefault("transport", self.transport)
        self.board = KiloPush(**settings)

    def run(self, seconds=0, step_s=1, most_ticks=1000000):
        """Let the board tick for so long, and until nothing is under way.

        ``step_s``: how late a tick may be; larger is quicker.
        """
        end_ms = self.ticks.now_ms + int(1000 * seconds)
        for _ in range(most_ticks):
            wait_ms = self.board.tick()
            assert 20 <= wait_ms <= 1000
            rest_ms = end_ms - self.ticks.now_ms
            idle_s = self.board._engine.wait_s()
            if idle_s and rest_ms <= 0:
                return
            if idle_s:
                wait_ms = min(max(wait_ms, 1000 * min(idle_s, step_s)), rest_ms)
            self.ticks.sleep_ms(max(1, wait_ms))
        if most_ticks == 1000000:
            raise AssertionError("the board never rests")
