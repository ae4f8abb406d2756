"""What must take no memory: the ``fire`` of an interrupt, and a ``tick`` with nothing to do."""

import sys
import time

from fakes import CLIENT, World
from gauge import call_locked, live_bytes, taken_bytes
from kilopush import HIGH
from kilopush.core.protocol import UNSENT

RUNS_ON = ("unix", "wasm")  # CPython has no such heap

IS_32_BITS = sys.maxsize < 2**32
TEXT = "Temperature in tank {:02d} is high"  # 30 characters with the number in it
RECORD_MAX_BYTES = 112
# An alarm's record, and what is garbage afterwards, with nothing else waiting; the goal is 96.
ALARM_MAX_BYTES = 2048
BESIDE_MAX_BYTES = 256  # what is saved beside the alarms


def quiet_board(**arguments):
    """Return a board that has sent something, and its world; from now on its clock is the real one.

    The fake one counts in numbers that take memory on 32 bits.
    """
    world = World(name="house", online=lambda: True, **arguments)
    world.door = world.board.source("Door open", priority=HIGH)
    world.door.fire()
    world.run(10)
    assert len(world.api.posts) == 1
    CLIENT.time = time
    for _ in range(2):
        world.board.tick()
    return world


def test_fire_takes_no_memory_and_counts():
    world = quiet_board()
    call_locked(world.door.fire, 100)
    assert taken_bytes(world.door.fire) == 0
    world.board.tick()
    assert world.board.pending == 101


def test_fire_takes_the_pin_that_an_interrupt_hands_over():
    world = quiet_board()
    call_locked(lambda: world.door.fire(world), 3)
    world.board.tick()
    assert world.board.pending == 3


def test_an_idle_tick_takes_no_memory():
    world = quiet_board()
    call_locked(world.board.tick, 100)
    assert taken_bytes(world.board.tick) == 0


def test_a_tick_takes_no_memory_while_alarms_are_collected():
    world = quiet_board()
    for number in range(5):
        world.board.alarm(TEXT.format(number))
    while world.board._engine.keeper.is_due(world.board._engine.up_s + 100):
        world.board.tick()
        time.sleep_ms(20)
    call_locked(world.board.tick, 100)
    assert taken_bytes(world.board.tick) == 0


def test_a_tick_takes_no_memory_while_a_retry_is_waited_for():
    world = quiet_board()
    world.api.replies = [UNSENT] * 9
    world.board.alarm(TEXT.format(1), priority=HIGH)
    for _ in range(20):
        world.board.tick()
    call_locked(world.board.tick, 100)
    assert world.board.pending == 1


async def test_a_waiting_alarm_takes_little_more_than_its_words():
    assert len(TEXT.format(1)) == 30
    world = quiet_board()
    before_bytes = await live_bytes()
    for number in range(16):
        world.board.alarm(TEXT.format(number))
    each_bytes = (await live_bytes() - before_bytes) / 16
    assert each_bytes <= (RECORD_MAX_BYTES if IS_32_BITS else 2 * RECORD_MAX_BYTES), each_bytes


def test_an_alarm_makes_little_garbage():
    world = quiet_board()
    took_bytes = taken_bytes(world.board.alarm, TEXT.format(1))
    assert took_bytes <= (ALARM_MAX_BYTES if IS_32_BITS else 2 * ALARM_MAX_BYTES), took_bytes


def test_a_storm_never_takes_more_than_queue_bytes():
    world = World(queue=1000, queue_bytes=2048)
    longest_bytes, told = 0, []
    world.board.on_result = lambda status, number: told.append(number)
    for number in range(10000):
        world.board.alarm("{} {}".format(number, "x" * (number % 90)))
        if number % 100 == 0:
            world.ticks.sleep_ms(1001)
            world.board.tick()  # what waits is saved as it lies in memory
            longest_bytes = max(longest_bytes, len(world.store.state))
    assert 1024 < longest_bytes <= 2048 + BESIDE_MAX_BYTES
    assert sum(told) + world.board.pending + world.board.dropped == 10000
