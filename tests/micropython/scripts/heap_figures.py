"""What the engine takes of the heap: prints one JSON object of bytes, and of messages in a storm.

The way to the API is one that only reads the message: what HTTP takes is in send_once.py.
"""

import asyncio
import json
import time

from fakes import CLIENT, ME, SECRET, TOKEN, World
from gauge import live_bytes, taken_bytes
from kilopush import HIGH, NORMAL, KiloPush
from kilopush.core import protocol
from kilopush.transport import READY

TEXT = "Temperature in tank {:02d} is high"  # 30 characters with the number in it
LONG = ("Temperature in tank 01 is high. " * 7)[:200]
WAITING = 16


class Reader:
    """A way to the API that reads each message twice, to count and to send, as HTTP does."""

    host, secure, busy = "", False, False

    def post(self, pieces):
        self.pieces, self.is_gone = pieces, False

    def step(self):
        for _ in self.pieces():
            pass
        return protocol.Verdict(protocol.SENT, 200, "", None) if self.is_gone else READY

    def go(self):
        self.is_gone = True

    def cancel(self):
        return False


class Forgetful:
    """A store that takes the state, and keeps nothing."""

    capacity_bytes = None

    def load(self):
        return None

    def save(self, parts, urgent=True):
        for _ in parts:
            pass


def new_board(way=None):
    arguments = {"transport": way or Reader(), "store": Forgetful()}
    return KiloPush(ME, TOKEN, SECRET, **arguments)


def message_of_200(board):
    """Return what it takes from the alarm to the verdict."""
    board.alarm(LONG, priority=HIGH)
    took_bytes = 0
    while board.pending:
        took_bytes += taken_bytes(board.tick)
    return took_bytes


def storm():
    """Return how many messages 300 alarms in 60 s make."""
    world = World()
    for number in range(300):
        world.board.alarm("Sensor {}".format(number % 100), priority=NORMAL)
        world.run(0.2)
    world.run(700)
    assert not world.board.pending
    return len(world.api.posts)


async def main():
    figures = {"storm_messages": storm()}
    CLIENT.time = time  # the fake one makes numbers that take memory on 32 bits
    way, store = Reader(), Forgetful()
    before_bytes = await live_bytes()
    board = KiloPush(ME, TOKEN, SECRET, transport=way, store=store)
    figures["instance"] = await live_bytes() - before_bytes
    figures["idle_tick"] = [taken_bytes(board.tick) for _ in range(3)][-1]
    figures["send_200"] = [message_of_200(new_board()) for _ in range(2)][-1]
    before_bytes = await live_bytes()
    took_bytes = 0
    for number in range(WAITING):
        took_bytes += taken_bytes(board.alarm, TEXT.format(number))
    kept_bytes = await live_bytes() - before_bytes
    figures["queued_alarm"] = kept_bytes / WAITING
    figures["alarm_garbage"] = (took_bytes - kept_bytes) / WAITING
    print(json.dumps(figures))


asyncio.run(main())
