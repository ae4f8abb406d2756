"""What follows each reply, and no reply: who waits, who does not, what is told twice."""

from fakes import ANNA, ME, SECRET, TOKEN, World
from kilopush import CRITICAL, HIGH
from kilopush.core.protocol import BLOCKED, FORBIDDEN, OPTED_OUT, QUOTA, REJECTED, UNCLEAR, UNSENT


class DeadClock:
    """Never gets the time; counts how often it is asked."""

    begins = 0

    def is_set(self):
        return False

    def begin(self):
        self.begins += 1

    def step(self):
        return False


def test_a_critical_alarm_goes_at_once():
    world = World(name="boiler")
    assert world.board.alarm("Tank 3 at 87 °C", priority=CRITICAL)
    world.run()
    (post,) = world.api.posts
    assert post["message"] == "boiler: Tank 3 at 87 °C"
    assert (post["to"], post["token"], post["secret"], post["silent"]) == (ME, TOKEN, SECRET, "0")
    assert world.board.pending == 0
    assert world.board.state == "idle"


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


def test_criticals_that_come_quickly_do_not_keep_each_other_from_leaving():
    world = World()
    world.transport.delay_steps = 3
    for number in range(20):
        world.board.alarm("Tank {}".format(number), priority=CRITICAL)
        world.board.tick()
        world.ticks.sleep_ms(20)
    assert world.api.posts


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


def test_a_clock_that_cannot_be_set_is_tried_every_30_s():
    world = World()
    clock = DeadClock()
    world.board._engine._clock = clock
    world.board.alarm("Leak", priority=CRITICAL)
    world.run(120)
    assert 3 <= clock.begins <= 6
    assert world.board.state.startswith("unsent: the clock is not set")


def test_a_window_of_nothing_does_not_repeat_without_end():
    world = World(window=0, max_wait=0)
    world.api.replies = [UNCLEAR] * 100
    world.board.alarm("Door")
    world.run(60)
    assert len(world.api.posts) <= 4
