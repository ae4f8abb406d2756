"""What survives a reboot, a deep sleep, a broken store and a full memory."""

import shims
from fakes import ANNA, ME, SECRET, TOKEN, MemoryStore, World
from kilopush import CRITICAL, HIGH, NORMAL
from kilopush.core.protocol import FORBIDDEN, UNSENT


def no_memory(parts, urgent=True):
    raise MemoryError


def test_a_reboot_loses_nothing_that_a_tick_has_seen():
    world = World(to=(ME, ANNA))
    for _ in range(2):  # two replies name the time
        world.board.alarm("Hello", priority=HIGH)
        world.run(1)
    world.api.posts.clear()
    world.api.replies = [UNSENT] * 3
    world.board.alarm("Leak", priority=CRITICAL)
    world.board.alarm("Door", priority=NORMAL, url="http://a.b/", key="d")
    world.run(3)
    world.boot(off_s=5000)
    world.api.replies = []
    assert world.board.pending == 2
    world.run(70)
    unknown = "Leak (before a restart)\nDoor (before a restart)"
    assert world.api.texts(ME) == [unknown]
    assert world.api.texts(ANNA) == [unknown]
    world.api.replies = [UNSENT]
    world.board.alarm("Fire", priority=CRITICAL)
    world.run(200)
    assert world.api.texts(ANNA)[1] == "Fire"


def test_a_reboot_between_post_and_reply_repeats_the_alarm_and_says_so():
    world = World()
    world.board.alarm("Leak", priority=CRITICAL)
    while not world.transport.is_gone:
        world.board.tick()
    world.boot()
    world.run()
    assert world.api.texts() == ["Leak (before a restart) (may be a repeat)"]
    assert world.board.left == 298


def test_a_store_that_fails_does_not_stop_an_alarm():
    world = World()
    world.store.is_broken = True
    world.board.alarm("Leak", priority=CRITICAL)
    world.run()
    assert len(world.api.posts) == 1
    world.board.alarm("Door")
    world.run(2)
    assert world.board.state.startswith("the store failed")
    world.store.is_broken = False
    world.run(61)
    assert world.store.saves in (2, 3)


def test_without_a_store_it_works_until_power_is_cut():
    world = World()
    world.boot(store=None)
    world.board.alarm("Leak", priority=HIGH)
    world.run()
    assert len(world.api.posts) == 1


def test_new_recipients_get_what_waits():
    world = World()
    world.api.replies = [UNSENT] * 10
    world.board.alarm("Leak", priority=HIGH)
    world.run(2)
    world.boot(to=(ANNA, ME))
    world.api.replies = []
    world.run()
    assert world.api.texts(ANNA) == ["Leak (before a restart)"]
    assert world.api.texts(ME) == ["Leak (before a restart)"]


def test_flush_sends_what_is_being_collected():
    world = World()
    world.board.alarm("Door")
    assert world.board.flush(15)
    assert world.api.texts() == ["Door"]


def test_flush_gives_up_in_time_and_says_that_the_rest_is_safe():
    world = World(online=lambda: False)
    world.board.alarm("Door")
    start_ms = world.ticks.now_ms
    assert world.board.flush(5)
    assert world.ticks.now_ms - start_ms < 6000
    world.boot(off_s=600, online=None)
    assert world.board.flush(5)
    assert world.api.texts() == ["Door (before a restart)"]


def test_flush_without_a_store_and_without_a_network_says_no():
    world = World()
    world.boot(store=None, online=lambda: False)
    world.board.alarm("Door")
    assert not world.board.flush(2)


def test_ticks_may_wrap():
    world = World(start_ms=shims.PERIOD_MS - 30000)
    world.board.alarm("Door")
    world.run(61)
    assert world.api.texts() == ["Door (1 min ago)"]


def test_secrets_are_in_no_state_or_verdict():
    world = World(store=MemoryStore())
    world.api.replies = [FORBIDDEN]
    world.board.alarm("Leak", priority=CRITICAL)
    world.run(2)
    shown = world.board.state + repr(world.board.last)
    assert SECRET not in shown and TOKEN not in shown
    assert SECRET.encode() not in world.store.state and ME.encode() not in world.store.state


def test_an_alarm_every_second_does_not_wear_out_the_flash():
    world = World(window=600)
    for number in range(3600):
        world.board.alarm("Level {}".format(number % 7), key="level", priority=NORMAL)
        world.run(1)
    assert world.store.saves <= 3600 / 10 + 30


def test_without_memory_an_alarm_waits_until_there_is_some():
    world = World()
    world.transport.lacks_memory = 2
    world.board.alarm("Leak", priority=CRITICAL)
    world.run(1)
    assert world.board.state == "unsent: no memory"
    world.run(65)
    assert world.api.texts() == ["Leak (1 min ago)"]


def test_without_memory_for_a_record_the_alarm_is_counted():
    class Huge:
        def __str__(self):
            raise MemoryError

    world = World()
    assert not world.board.alarm(Huge(), priority=HIGH)
    world.board.alarm("Door", priority=HIGH)
    world.run()
    assert world.board.dropped == 1
    assert world.api.texts() == ["Door\n+1 dropped"]


def test_an_alarm_from_before_a_restart_is_not_told_as_new():
    world = World(online=lambda: False)
    world.board.alarm("Leak", priority=HIGH)
    world.run(2)
    world.boot(off_s=36000, online=None)
    world.board.alarm("Leak", priority=HIGH)
    world.run()
    assert world.api.texts() == ["Leak\nLeak (before a restart)"]


def test_a_save_without_memory_is_tried_again():
    world = World()
    save = world.store.save
    world.store.save = no_memory
    world.board.alarm("Door", priority=HIGH)
    world.transport.delay_steps = 10**6
    world.board.tick()
    assert world.board._engine.keeper.error
    world.store.save = save
    for _ in range(70):
        world.board.tick()
        world.ticks.sleep_ms(1000)
    assert world.store.saves == 1


def test_flushing_again_and_again_writes_nothing():
    world = World()
    world.board.alarm("Door")
    assert world.board.flush(15)
    saves = world.store.saves
    for _ in range(5):
        assert world.board.flush(15)
    assert world.store.saves == saves
