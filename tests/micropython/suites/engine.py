"""What a board promises: the same suite on CPython, on the unix port and on 32 bits."""

import shims
from fakes import ANNA, ME, SECRET, TOKEN, MemoryStore, World
from kilopush import CRITICAL, HIGH, LOW, NORMAL, KiloPush
from kilopush.core import protocol
from kilopush.core.protocol import BLOCKED, FORBIDDEN, OPTED_OUT, QUOTA, REJECTED, UNCLEAR, UNSENT


def problem(**arguments):
    settings = {"to": ME, "token": TOKEN, "secret": SECRET, "insecure": True, "store": None}
    settings.update(arguments)
    try:
        KiloPush(**settings)
    except ValueError as error:
        return str(error)
    return ""


def test_a_critical_alarm_goes_at_once():
    world = World(name="boiler")
    assert world.board.alarm("Tank 3 at 87 °C", priority=CRITICAL)
    world.run()
    (post,) = world.api.posts
    assert post["message"] == "boiler: Tank 3 at 87 °C"
    assert (post["to"], post["token"], post["secret"], post["silent"]) == (ME, TOKEN, SECRET, "0")
    assert world.board.pending == 0
    assert world.board.state == "idle"


def test_normal_alarms_are_collected_for_a_window_and_told_together():
    world = World(name="house")
    world.board.alarm("Door open")
    world.run(30)
    world.board.alarm("Light on")
    world.run(59)
    assert not world.api.posts
    world.run(2)
    (text,) = world.api.texts()
    assert text.split("\n") == ["house: 2 alarms", "Light on (1 min ago)", "Door open (1 min ago)"]


def test_no_alarm_waits_longer_than_max_wait():
    world = World(window=60, max_wait=200)
    for _ in range(20):
        world.board.alarm("Door")
        world.run(30)
    world.run(30)
    times_s = [post["at_s"] for post in world.api.posts]
    assert len(times_s) == 3
    assert max([later - earlier for earlier, later in zip(times_s, times_s[1:])]) <= 230


def test_high_takes_along_what_waits_and_is_told_first_and_in_full():
    world = World()
    world.board.alarm("Door open", priority=LOW)
    world.run(5)
    world.board.alarm("Freezer " + "warm " * 30, priority=HIGH)
    world.run()
    (text,) = world.api.texts()
    assert text == "Freezer " + "warm " * 30 + "\nDoor open"
    assert world.api.posts[0]["silent"] == "0"


def test_low_alone_is_silent():
    world = World()
    world.board.alarm("Battery low", priority=LOW)
    world.run(61)
    assert world.api.posts[0]["silent"] == "1"


def test_equal_keys_are_merged_with_count_and_times_and_the_newest_words():
    world = World()
    for degrees in range(80, 85):
        world.board.alarm("Tank at {} °C".format(degrees), key="tank")
        world.run(40)
    world.board.alarm("Pump", priority=HIGH)
    world.run()
    assert world.api.texts() == ["Pump\nTank at 84 °C ×5 (3 min ago to now)"]


def test_every_recipient_gets_every_alarm_and_costs_one_message():
    world = World(to=(ME, ANNA))
    world.board.alarm("Leak", priority=CRITICAL)
    world.run()
    assert [post["to"] for post in world.api.posts] == [ME, ANNA]
    assert world.board.left == 298


def test_one_recipient_who_opted_out_does_not_stop_the_other():
    world = World(to=(ME, ANNA))
    world.api.replies = [OPTED_OUT]
    world.board.alarm("Leak", priority=CRITICAL)
    world.run()
    assert [post["outcome"] for post in world.api.posts] == [OPTED_OUT, "sent"]
    assert (world.board.pending, world.board.dropped) == (0, 1)


def test_a_blocked_recipient_is_asked_again_hourly_and_the_other_is_not_held_up():
    world = World(to=(ME, ANNA))
    world.api.replies = [BLOCKED]
    world.board.alarm("Leak", priority=CRITICAL)
    world.run(3590)
    assert [post["outcome"] for post in world.api.posts] == [BLOCKED, "sent"]
    world.run(20)
    assert world.api.posts[2]["to"] == ME
    assert world.board.pending == 0


def test_wrong_credentials_hold_everything_and_lose_nothing():
    world = World()
    world.api.replies = [FORBIDDEN, FORBIDDEN]
    world.board.alarm("Leak", priority=CRITICAL)
    world.run(800)
    assert len(world.api.posts) == 1
    assert world.board.state == "forbidden: reply"
    world.run(1100)
    assert [post["outcome"] for post in world.api.posts] == [FORBIDDEN, FORBIDDEN, "sent"]


def test_without_a_network_it_is_tried_every_30_s_and_costs_nothing():
    world = World()
    world.api.replies = [UNSENT] * 4
    world.board.alarm("Leak", priority=CRITICAL)
    world.run(119)
    assert not world.api.posts
    assert world.board.left == 300
    world.run(5)
    assert world.api.texts() == ["Leak (2 min ago)"]


def test_an_attempt_that_never_connects_writes_nothing_to_flash():
    world = World()
    world.api.replies = [UNSENT] * 20
    world.board.alarm("Leak", priority=CRITICAL)
    world.run(500)
    assert world.store.saves == 1


def test_offline_means_no_attempt_at_all_and_online_again_means_now():
    network = [False]
    world = World(online=lambda: network[0])
    world.board.alarm("Leak", priority=HIGH)
    world.run(1000)
    assert world.board.state == "offline"
    network[0] = True
    world.run(2)
    assert len(world.api.posts) == 1


def test_a_lost_reply_is_repeated_and_says_so():
    world = World()
    world.api.replies = [UNCLEAR, UNCLEAR]
    world.board.alarm("Leak", priority=CRITICAL)
    world.run(15)
    again = "Leak (may be a repeat)"
    assert world.api.texts() == ["Leak", again, again]
    assert world.board.left == 297


def test_a_normal_alarm_whose_reply_was_lost_goes_along_with_the_next():
    world = World()
    world.api.replies = [UNCLEAR]
    world.board.alarm("Door")
    world.run(70)
    world.board.alarm("Leak", priority=HIGH)
    world.run(2)
    assert world.api.texts()[1] == "Leak\nDoor (may be a repeat) (1 min ago)"


def test_a_used_up_quota_is_free_and_holds_normal_ones_longer_than_critical_ones():
    world = World()
    world.api.replies = [QUOTA] * 2
    world.board.alarm("Leak", priority=CRITICAL)
    world.run(59)
    assert (len(world.api.posts), world.board.left) == (1, 300)
    world.run(125)
    assert [post["outcome"] for post in world.api.posts] == [QUOTA, QUOTA, "sent"]


def test_a_refused_message_is_split_to_find_the_alarm_that_is_refused():
    world = World()
    world.api.replies = [REJECTED] * 3 + ["sent"] + [REJECTED] * 3
    world.board.alarm("Bad")
    world.run(1)
    world.board.alarm("Good")
    world.run(600)
    assert world.api.texts()[3:5] == ["Good (2 min ago)", "Bad (2 min ago)"]
    assert (world.board.pending, world.board.dropped) == (0, 1)
    world.board.alarm("Next", priority=HIGH)
    world.run()
    assert world.api.texts()[-1] == "Next\n+1 dropped"


def test_a_critical_does_not_wait_for_an_attempt_that_has_not_left():
    world = World()
    world.transport.delay_steps = 10**6
    world.board.alarm("Door", priority=HIGH)
    world.board.tick()
    world.transport.delay_steps = 0
    world.board.alarm("Fire", priority=CRITICAL)
    world.run()
    assert world.api.texts() == ["Fire\nDoor"]


def test_a_new_critical_does_not_wait_for_the_retry_of_another():
    world = World()
    world.api.replies = [UNSENT]
    world.board.alarm("Fire", priority=CRITICAL)
    world.run(3)
    world.board.alarm("Leak", priority=CRITICAL)
    world.run()
    assert world.api.texts() == ["Leak\nFire"]


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


def test_300_alarms_in_a_minute_make_at_most_6_messages_and_none_is_unaccounted():
    world = World()
    for number in range(300):
        world.board.alarm("Sensor {}".format(number % 100), key=str(number % 100))
        world.run(0.2)
    world.run(700)
    told = 0
    for text in world.api.texts():
        told += count_in(text)
    assert len(world.api.posts) <= 6, len(world.api.posts)
    assert told == 300, told


def count_in(text):
    """Return how many alarms a message of collected ones stands for: heading and lines agree."""
    heading = text.split("\n")[0].split()
    total = int(heading[0]) + (int(heading[2]) if "dropped" in heading else 0)
    shown = 0
    for line in text.split("\n")[1:]:
        if line.startswith("+"):
            shown += int(line[1:].split()[0])
        elif "×" in line:
            shown += int(line[line.find("×") + 1 :].split()[0])
        else:
            shown += 1
    assert shown == int(heading[0]), text
    return total


def test_what_has_no_room_is_counted_and_told():
    world = World(queue=4)
    for number in range(10):
        world.board.alarm("Door {}".format(number))
    assert world.board.dropped == 6
    world.run(61)
    (text,) = world.api.texts()
    assert text.split("\n")[0] == "4 alarms, 6 dropped"
    world.board.alarm("Door", priority=HIGH)
    world.run()
    assert world.api.texts()[1] == "Door"


def test_critical_and_high_make_room_at_the_cost_of_less_but_not_of_each_other():
    world = World(queue=3)
    world.api.replies = [UNSENT] * 100
    assert world.board.alarm("a")
    for number in range(3):
        assert world.board.alarm("High {}".format(number), priority=HIGH)
    assert not world.board.alarm("One more", priority=HIGH)
    assert not world.board.alarm("b")
    for number in range(3):
        assert world.board.alarm("Fire {}".format(number), priority=CRITICAL)
    assert not world.board.alarm("One more fire", priority=CRITICAL)
    assert (world.board.pending, world.board.dropped) == (3, 7)


def test_an_alarm_past_its_time_is_not_sent():
    world = World(online=lambda: False)
    world.board.alarm("Doorbell", priority=HIGH, ttl=60)
    world.run(59)
    assert world.board.pending == 1
    world.run(2)
    assert (world.board.pending, world.board.dropped) == (0, 1)


def test_a_link_goes_along_and_a_bad_one_becomes_text():
    world = World()
    world.board.alarm("Cam", priority=HIGH, url="https://cam.lan/1")
    world.run()
    world.board.alarm("Cam", priority=HIGH, url="cam.lan")
    world.run()
    assert world.api.posts[0]["url"] == "https://cam.lan/1"
    assert "url" not in world.api.posts[1]
    assert world.api.texts()[1] == "Cam cam.lan"


def test_any_text_makes_an_alarm():
    world = World(queue_bytes=4096)
    long = "🔥" * 2000
    for text in ("", 7, None, "a\nb", '"\\\x07', long):
        world.board.alarm(text, priority=HIGH)
        world.run(3600)
    texts = world.api.texts()
    assert texts[:4] == ["alarm", "7", "None", "a\nb"]
    assert texts[4] == '"\\\x07'
    assert 480 < len(texts[5]) <= 500


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


def test_a_source_counts_in_an_interrupt_and_is_told_by_the_next_tick():
    world = World()
    door = world.board.source("Door open", key="door")
    for _ in range(3):
        door.fire()
    assert world.board.pending == 0
    world.run()
    assert world.api.texts() == ["Door open ×3"]


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


def test_on_result_gets_status_and_number():
    world = World()
    seen = []
    world.board.on_result = lambda status, number: seen.append((status, number))
    world.api.replies = [UNCLEAR, QUOTA]
    world.board.alarm("Leak", priority=CRITICAL)
    world.run(100)
    assert seen == [(0, 1), (4029, 1), (200, 1)]
    assert world.board.last.outcome == protocol.SENT


def test_a_verified_channel_has_no_limit():
    world = World(daily_limit=None, window=0)
    for number in range(400):
        world.board.alarm(str(number), priority=HIGH)
        world.run(1)
    assert len(world.api.posts) == 400
    assert world.board.left is None


def test_a_wrong_argument_is_named_with_what_to_do_and_no_secret():
    assert "to=" in problem(to="u_1")
    assert "to=" in problem(to=(ME,) * 9)
    assert "token=" in problem(token=SECRET)
    wrong = problem(secret="5" * 63)
    assert "secret=" in wrong and "555" not in wrong
    assert "reserve=" in problem(reserve=400)
    assert "window=" in problem(window=700)
    assert "queue=" in problem(queue=0)
    assert "timeout=" in problem(timeout=0)


def test_secrets_are_in_no_state_or_verdict():
    world = World(store=MemoryStore())
    world.api.replies = [FORBIDDEN]
    world.board.alarm("Leak", priority=CRITICAL)
    world.run(2)
    shown = world.board.state + repr(world.board.last)
    assert SECRET not in shown and TOKEN not in shown
    assert SECRET.encode() not in world.store.state and ME.encode() not in world.store.state


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


def test_an_alarm_every_second_does_not_wear_out_the_flash():
    world = World(window=600)
    for number in range(3600):
        world.board.alarm("Level {}".format(number % 7), key="level", priority=NORMAL)
        world.run(1)
    assert world.store.saves <= 3600 / 10 + 30


def test_criticals_that_come_quickly_do_not_keep_each_other_from_leaving():
    world = World()
    world.transport.delay_steps = 3
    for number in range(20):
        world.board.alarm("Tank {}".format(number), priority=CRITICAL)
        world.board.tick()
        world.ticks.sleep_ms(20)
    assert world.api.posts


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


def test_a_critical_finds_room_while_all_that_waits_is_on_its_way():
    for is_gone in (False, True):
        world = World(queue=4)
        for number in range(4):
            world.board.alarm("Door {}".format(number))
        world.ticks.sleep_ms(61000)
        world.board.tick()
        assert world.transport.busy
        if is_gone:
            world.board.tick()
        assert world.transport.is_gone == is_gone
        assert world.board.alarm("Fire", priority=CRITICAL)
        world.run(1)
        assert world.api.texts()[-1].startswith("Fire")


def test_a_sleeper_whose_replies_get_lost_does_not_spend_more_than_its_share():
    world = World(daily_limit=40)
    world.api.replies = [UNCLEAR] * 2000
    world.board.alarm("Leak", priority=CRITICAL)
    for _ in range(288):
        world.board.flush(15)
        world.boot(off_s=285)
    assert len(world.api.posts) <= 41


def test_a_sleeper_gets_past_an_alarm_that_is_refused():
    world = World()
    bad = lambda request: REJECTED if "Bad" in request["message"] else "sent"  # noqa: E731
    world.api.judge = bad
    world.board.alarm("Bad", priority=HIGH)
    world.board.flush(15)
    world.boot(off_s=285)
    world.board.alarm("Fire", priority=CRITICAL)
    world.board.flush(15)
    assert [post["message"] for post in world.api.posts if post["outcome"] == "sent"] == ["Fire"]
    for _ in range(8):
        world.boot(off_s=285)
        world.board.flush(15)
    assert world.board.pending == 0
    assert len(world.api.posts) < 12


def test_a_recipient_whose_replies_get_lost_does_not_keep_others_waiting():
    world = World(to=(ME, ANNA))
    world.api.judge = lambda request: UNCLEAR if request["to"] == ME else "sent"
    world.board.alarm("Leak", priority=CRITICAL)
    world.run(5)
    assert "Leak" in world.api.texts(ANNA)[0]


def test_long_texts_that_begin_alike_are_two_alarms():
    world = World()
    begin = "Water in the cellar of the house: "
    world.board.alarm(begin + "pump", priority=CRITICAL)
    world.board.alarm(begin + "boiler", priority=CRITICAL)
    world.run()
    assert world.api.texts() == [begin + "boiler\n" + begin + "pump"]
    for key in ("a" * 40 + "1", "a" * 40 + "2"):
        world.board.alarm(key[-1], priority=HIGH, key=key)
    world.run()
    assert len(world.api.texts()[1].split("\n")) == 2


def test_an_alarm_that_is_merged_keeps_its_place_and_its_life():
    world = World(queue_bytes=256, online=lambda: False)
    for number in range(4):
        assert world.board.alarm("Tank {} hot".format(number), priority=CRITICAL, key=str(number))
    assert world.board.alarm("Tank 0 is hot, " * 20, priority=CRITICAL, key="0")
    assert (world.board.pending, world.board.dropped) == (5, 0)
    world.board.alarm("Tank 1", priority=LOW, key="1", ttl=5)
    world.run(10)
    assert (world.board.pending, world.board.dropped) == (6, 0)


def test_an_alarm_from_before_a_restart_is_not_told_as_new():
    world = World(online=lambda: False)
    world.board.alarm("Leak", priority=HIGH)
    world.run(2)
    world.boot(off_s=36000, online=None)
    world.board.alarm("Leak", priority=HIGH)
    world.run()
    assert world.api.texts() == ["Leak\nLeak (before a restart)"]


class DeadClock:
    """Never gets the time; counts how often it is asked."""

    begins = 0

    def is_set(self):
        return False

    def begin(self):
        self.begins += 1

    def step(self):
        return False


def test_a_clock_that_cannot_be_set_is_tried_every_30_s():
    world = World()
    clock = DeadClock()
    world.board._engine._clock = clock
    world.board.alarm("Leak", priority=CRITICAL)
    world.run(120)
    assert 3 <= clock.begins <= 6
    assert world.board.state.startswith("unsent: the clock is not set")


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


def most_in_a_day(world):
    times_s = [post["at_s"] for post in world.api.posts]
    return max([len([at_s for at_s in times_s if 0 <= at_s - one_s < 86400]) for one_s in times_s])


def test_criticals_without_end_are_slowed_beyond_the_share():
    world = World(daily_limit=20, reserve=10)
    for number in range(1200):
        world.board.alarm("Tank at {} °C".format(number / 10), priority=CRITICAL)
        world.run(0.5)
    assert len(world.api.posts) <= 20 + 11


def test_a_window_of_nothing_does_not_repeat_without_end():
    world = World(window=0, max_wait=0)
    world.api.replies = [UNCLEAR] * 100
    world.board.alarm("Door")
    world.run(60)
    assert len(world.api.posts) <= 4


def test_whatever_it_is_given_alarm_does_not_raise():
    world = World(queue_bytes=256)
    link = "http://" + "x" * 230
    for odd in ({"url": link}, {"url": 5}, {"ttl": "x"}, {"ttl": 1e30}, {"key": 7}):
        assert world.board.alarm("Odd", priority=HIGH, **odd)
        world.run(600)
    assert world.board.alarm("Odd", priority="high")
    world.run(600)
    source = world.board.source("Odd source", priority="high", url=5)
    source.fire()
    world.run(600)
    assert len(world.api.posts) == 7
    assert [text for text in world.api.texts() if not text.startswith("Odd")] == []


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


def no_memory(parts, urgent=True):
    raise MemoryError


def test_flushing_again_and_again_writes_nothing():
    world = World()
    world.board.alarm("Door")
    assert world.board.flush(15)
    saves = world.store.saves
    for _ in range(5):
        assert world.board.flush(15)
    assert world.store.saves == saves
