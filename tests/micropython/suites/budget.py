"""What a board may send: its share, the reserve, and the time that it counts in."""

from fakes import World
from kilopush import CRITICAL, HIGH
from kilopush.core.protocol import UNCLEAR


def most_in_a_day(world):
    times_s = [post["at_s"] for post in world.api.posts]
    return max([len([at_s for at_s in times_s if 0 <= at_s - one_s < 86400]) for one_s in times_s])


def test_a_flapping_critical_is_high_for_ten_minutes():
    world = World(daily_limit=40, reserve=20)
    for _ in range(600):
        world.board.alarm("Tank", priority=CRITICAL)
        world.run(1)
    assert 2 <= len(world.api.posts) <= 12
    assert world.board.left >= 20


def test_the_reserve_is_kept_for_criticals():
    world = World(daily_limit=20, reserve=8, window=0)
    for number in range(200):
        world.board.alarm("Door {}".format(number), priority=HIGH)
        world.run(300)
    before = len(world.api.posts)
    for number in range(8):
        world.board.alarm("Tank {}".format(number), priority=CRITICAL)
        world.run()
    assert len(world.api.posts) == before + 8
    day_s = 86400
    times_s = [post["at_s"] for post in world.api.posts]
    for start_s in times_s:
        assert len([at_s for at_s in times_s if start_s <= at_s < start_s + day_s]) <= 20


def test_the_count_survives_a_reboot_and_time_stands_while_off():
    world = World(daily_limit=20, reserve=5)
    for number in range(5):
        world.board.alarm("a{}".format(number), priority=CRITICAL)
        world.run(2)
    world.boot(off_s=40 * 3600)
    assert world.board.left == 15
    for number in range(2):  # two replies that agree on the time
        world.board.alarm("b{}".format(number), priority=CRITICAL)
        world.run(2)
    world.run(1)
    assert world.board.left == 18


def test_a_full_budget_asks_for_the_time_without_spending_a_message():
    world = World(daily_limit=3, reserve=0)
    world.board.alarm("a", priority=HIGH)
    world.run(9 * 3600)
    world.board.alarm("b", priority=HIGH)
    world.run(9 * 3600)
    world.board.alarm("c", priority=HIGH)
    world.run(60)
    world.boot(off_s=30 * 3600)
    world.board.alarm("d", priority=HIGH)
    world.run(200)
    assert world.api.heads == 2
    assert world.api.texts()[-1].startswith("d")


def test_one_reply_with_a_wrong_date_changes_nothing():
    world = World(daily_limit=10, reserve=0, window=0)
    for number in range(5):
        world.board.alarm(str(number), priority=CRITICAL)
        world.run(5)
    world.api.date_error_s = 5 * 86400
    world.board.alarm("x", priority=CRITICAL)
    world.run(5)
    world.api.date_error_s = 0
    assert world.board.left == 4
    world.board.alarm("y", priority=CRITICAL)
    world.run(5)
    assert world.board.left == 3


def test_a_verified_channel_has_no_limit():
    world = World(daily_limit=None, window=0)
    for number in range(400):
        world.board.alarm(str(number), priority=HIGH)
        world.run(1)
    assert len(world.api.posts) == 400
    assert world.board.left is None


def test_a_critical_after_a_sleep_of_unknown_length_is_critical_again():
    world = World(daily_limit=5, reserve=2)
    world.board.alarm("Smoke", priority=CRITICAL)
    world.run(1)
    for number in range(3):
        world.board.alarm("x{}".format(number), priority=HIGH)
        world.run(30000)
    world.boot(off_s=7200)
    world.board.alarm("Smoke", priority=CRITICAL)
    world.run(1)
    assert world.api.texts()[-1].startswith("Smoke")


def test_a_board_that_is_reset_again_and_again_does_not_spend_the_quota():
    world = World(daily_limit=20, reserve=10)
    for _ in range(100):
        world.board.alarm("Smoke", priority=CRITICAL)
        world.run(1)
        world.boot(off_s=2)
    assert len(world.api.posts) <= 14  # four criticals, then what is not kept for others


def test_a_sleeper_whose_replies_get_lost_does_not_spend_more_than_its_share():
    world = World(daily_limit=40)
    world.api.replies = [UNCLEAR] * 2000
    world.board.alarm("Leak", priority=CRITICAL)
    for _ in range(288):
        world.board.flush(15)
        world.boot(off_s=285)
    assert len(world.api.posts) <= 41


def test_a_leap_of_the_time_does_not_age_what_waits():
    world = World()
    world.board.alarm("Hello", priority=HIGH)
    world.run()
    world.boot(off_s=3600)
    world.board.alarm("Again", priority=HIGH)
    while not world.transport.is_gone:
        world.board.tick()
    world.board.alarm("Doorbell", ttl=600)
    world.board.alarm("Door")
    world.run(61)
    assert world.board.dropped == 0
    assert world.api.texts()[2].split("\n")[0] == "2 alarms"
    assert "days" not in world.api.texts()[2]


def test_replies_without_a_date_do_not_lose_count():
    world = World(daily_limit=60, reserve=10, window=0)
    world.api.has_date = False
    for number in range(400):
        world.board.alarm("a{}".format(number), priority=HIGH)
        world.run(100)
        world.api.has_date = number > 200
    assert most_in_a_day(world) <= 60


def test_criticals_without_end_are_slowed_beyond_the_share():
    world = World(daily_limit=20, reserve=10)
    for number in range(1200):
        world.board.alarm("Tank at {} °C".format(number / 10), priority=CRITICAL)
        world.run(0.5)
    assert len(world.api.posts) <= 20 + 11
