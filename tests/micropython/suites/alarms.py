"""What an alarm becomes: collected, merged, told in full, left out with a count."""

from fakes import ME, SECRET, TOKEN, World
from kilopush import CRITICAL, HIGH, LOW, KiloPush
from kilopush.core import protocol
from kilopush.core.protocol import QUOTA, UNCLEAR, UNSENT


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


def problem(**arguments):
    settings = {"to": ME, "token": TOKEN, "secret": SECRET, "insecure": True, "store": None}
    settings.update(arguments)
    try:
        KiloPush(**settings)
    except ValueError as error:
        return str(error)
    return ""


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


def test_a_source_counts_in_an_interrupt_and_is_told_by_the_next_tick():
    world = World()
    door = world.board.source("Door open", key="door")
    for _ in range(3):
        door.fire()
    assert world.board.pending == 0
    world.run()
    assert world.api.texts() == ["Door open ×3"]


def test_on_result_gets_status_and_number():
    world = World()
    seen = []
    world.board.on_result = lambda status, number: seen.append((status, number))
    world.api.replies = [UNCLEAR, QUOTA]
    world.board.alarm("Leak", priority=CRITICAL)
    world.run(100)
    assert seen == [(0, 1), (4029, 1), (200, 1)]
    assert world.board.last.outcome == protocol.SENT


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
