"""``via=``: alarms go through the daemon, or directly when it does not answer; none is lost."""

import asyncio
import json

from fakes import ME, World
from kilopush import CRITICAL, HIGH, LOW, NORMAL
from kilopush.core.protocol import UNSENT
from kilopush.mqtt import Via

ANSWER_S = 5
REPEAT = " (may be a repeat)"


class MQTTException(Exception):  # noqa: N818 - its name in umqtt
    pass


class Daemon:
    """The broker and the daemon behind it. ``texts`` is what it sends to people."""

    def __init__(self):
        self.is_up = True
        self.requests = []
        self.texts = []
        self.ids = set()
        self.filters = set()

    def take(self, topic, payload):
        """Return the answer, None if there is none."""
        assert isinstance(topic, bytes) and isinstance(payload, bytes)
        request = json.loads(payload.decode())
        request["topic"] = topic.decode()
        self.requests.append(request)
        if not self.is_up:
            return None
        if request["id"] not in self.ids:
            self.ids.add(request["id"])
            self.texts.append(request["message"])
        return b"kilopush/accepted/" + request["id"].encode()


class TlsSock:
    def close(self):
        self.is_open = False


class Sock(TlsSock):
    is_open = True
    timeout_s = None

    def settimeout(self, timeout_s):
        self.timeout_s = timeout_s

    def close(self):
        self.is_open = False


class Simple:
    """umqtt.simple as far as it is used. ``error``: what it raises; ``fails``: in which method."""

    def __init__(self, daemon, error=None, fails="all"):
        self.daemon = daemon
        self.error = error
        self.fails = fails
        self.cb = None
        self.sock = Sock()
        self.inbox = []

    def set_callback(self, function):
        self.cb = function

    def subscribe(self, topic, qos=0):
        assert self.cb is not None
        self._fail("subscribe")
        self.daemon.filters.add(topic)
        self.sock.timeout_s = None

    def publish(self, topic, msg, retain=False, qos=0):
        self._fail("publish")
        assert not retain
        answer = self.daemon.take(topic, msg)
        if answer:
            self.inbox.append((answer, b""))

    def check_msg(self):
        self._fail("check_msg")
        if self.inbox:
            self.cb(*self.inbox.pop(0))

    def _fail(self, method):
        if self.error is not None and self.fails in (method, "all"):
            raise self.error


class Robust(Simple):
    """umqtt.robust: what fails is tried until it works, and until then nothing else happens."""

    def reconnect(self):
        raise SystemExit("the board waits for the broker for ever")

    def publish(self, topic, msg, retain=False, qos=0):
        return self._insist(super().publish, topic, msg)

    def check_msg(self):
        return self._insist(super().check_msg)

    def _insist(self, method, *arguments):
        while True:
            try:
                return method(*arguments)
            except OSError:
                self.reconnect()


class Async:
    """mqtt_as as far as it is used: ``heard`` is called with what it receives."""

    def __init__(self, daemon):
        self.daemon = daemon
        self.is_connected = True
        self.error = None
        self.heard = None
        self.cancelled = 0

    def isconnected(self):
        return self.is_connected

    async def subscribe(self, topic, qos=0):
        await self._connection()
        self.daemon.filters.add(topic)

    async def publish(self, topic, msg, retain=False, qos=0):
        await self._connection()
        answer = self.daemon.take(topic, msg)
        if answer:
            self.heard(answer, b"", False)

    async def _connection(self):
        try:
            while not self.is_connected:
                await asyncio.sleep_ms(1)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        if self.error is not None:
            raise self.error


def house(client_class=Simple, **arguments):
    """Return a board whose alarms go through a daemon, and that daemon."""
    daemon = Daemon()
    return World(via=client_class(daemon), name="cellar", **arguments), daemon


def client_of(world):
    return world.arguments["via"]


def wait(world, seconds):
    """Let the board tick for so long, whatever is under way."""
    for _ in range(int(20 * seconds)):
        world.board.tick()
        world.ticks.sleep_ms(50)


def alarm(world, text="Leak", priority=HIGH, seconds=0.0, **arguments):
    world.board.alarm(text, priority=priority, **arguments)
    world.run(seconds)


# --- umqtt ----------------------------------------------------------------------------------------


def test_what_the_daemon_has_accepted_is_never_posted_directly():
    for priority in (CRITICAL, HIGH, NORMAL, LOW):
        world, daemon = house()
        alarm(world, priority=priority, seconds=1000)
        assert daemon.texts == ["cellar: Leak"]
        assert (world.api.posts, world.board.pending, world.board.left) == ([], 0, 300)


def test_the_daemon_gets_what_the_alarm_says():
    world, daemon = house()
    alarm(world, "Cam", CRITICAL, url="https://cam.lan/1", key="cam")
    (request,) = daemon.requests
    assert request.pop("topic") == "kilopush/send/cellar"
    assert 0 < len(request.pop("id")) <= 64
    assert request == {
        "message": "cellar: Cam",
        "priority": "critical",
        "url": "https://cam.lan/1",
        "key": "cam",
        "silent": False,
    }
    alarm(world, "Battery", LOW)
    assert (daemon.requests[1]["priority"], daemon.requests[1]["silent"]) == ("low", True)


def test_the_daemons_prefix_and_its_name_for_people_can_be_given():
    daemon = Daemon()
    world = World(via=Via(Simple(daemon), name="well", to="family", prefix="home/push"))
    alarm(world)
    assert daemon.requests[0]["topic"] == "home/push/send/well"
    assert daemon.requests[0]["to"] == "family"
    assert daemon.filters == {b"home/push/accepted/+"}


def test_the_broker_keeps_one_subscription_however_many_alarms_there_are():
    world, daemon = house()
    for number in range(20):
        alarm(world, str(number))
    assert len(daemon.texts) == 20
    assert len(daemon.filters) == 1


def test_a_name_that_no_topic_can_have_is_refused():
    for name in ("Boiler #1", "a+b"):
        try:
            World(via=Simple(Daemon()), name=name)
        except ValueError as error:
            assert name in str(error)
        else:
            raise AssertionError(name)


def test_any_other_name_makes_an_id_that_the_daemon_takes():
    allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-"
    for name in ("", "Pump house", "a/b", "Подвал", "x" * 32):
        daemon = Daemon()
        alarm(World(via=Simple(daemon), name=name))
        name_id = daemon.requests[0]["id"]
        assert len(name_id) <= 64
        assert not [one for one in name_id if one not in allowed]


def test_no_answer_in_5_s_means_directly_and_says_that_it_may_be_a_repeat():
    world, daemon = house()
    daemon.is_up = False
    world.board.alarm("Leak", priority=HIGH)
    wait(world, ANSWER_S - 0.5)
    assert not world.api.posts
    wait(world, 1)
    assert world.api.texts() == ["cellar: Leak" + REPEAT]
    assert world.board.pending == 0


def test_normal_alarms_without_an_answer_are_collected_as_ever():
    world, daemon = house()
    daemon.is_up = False
    world.board.alarm("Door")
    world.board.alarm("Light")
    world.run(70)
    (text,) = world.api.texts()
    assert text.split("\n")[0] == "cellar: 2 alarms"
    assert len(text.split(REPEAT)) == 3


def test_while_the_daemon_is_away_others_do_not_wait_for_it():
    world, daemon = house()
    daemon.is_up = False
    alarm(world, "a", seconds=6)
    alarm(world, "b")
    alarm(world, "c", CRITICAL)
    assert world.api.texts() == ["cellar: a" + REPEAT, "cellar: b", "cellar: c"]
    assert len(daemon.requests) == 1


def test_a_minute_later_the_daemon_is_asked_again():
    world, daemon = house()
    daemon.is_up = False
    alarm(world, "a", seconds=6)
    daemon.is_up = True
    alarm(world, "b", seconds=61)
    alarm(world, "c")
    assert daemon.texts == ["cellar: c"]
    assert world.api.texts() == ["cellar: a" + REPEAT, "cellar: b"]


def test_a_late_answer_changes_nothing_and_leaves_nothing_behind():
    world, daemon = house()
    daemon.is_up = False
    alarm(world, seconds=6)
    late = b"kilopush/accepted/" + daemon.requests[0]["id"].encode()
    for _ in range(100):
        world.board.heard(late, b"")
    via = world.board._engine._via
    assert not via._heard
    alarm(world, "Door", seconds=61)
    assert len(world.api.posts) == 2


def test_a_broken_connection_means_directly_at_once_and_is_no_repeat():
    errors = [
        OSError(-1),
        OSError(104),
        MQTTException(128),
        IndexError("bytes index out of range"),
        AttributeError("'NoneType' object has no attribute 'write'"),
        AssertionError(),
        TypeError("'NoneType' object isn't subscriptable"),
        ValueError(),
        MemoryError(),
    ]
    for method in ("subscribe", "publish"):
        for error in errors:
            world, daemon = house()
            client_of(world).error, client_of(world).fails = error, method
            alarm(world, priority=CRITICAL)
            assert world.api.texts() == ["cellar: Leak"], error
            assert not daemon.requests


def test_a_client_that_was_never_connected_means_directly():
    world, _ = house()
    client_of(world).sock = None
    client_of(world).error = AttributeError("'NoneType' object has no attribute 'write'")
    alarm(world)
    assert world.api.texts() == ["cellar: Leak"]


def test_a_connection_that_breaks_before_the_answer_means_at_once_but_perhaps_a_repeat():
    for client_class in (Simple, Robust):
        world, daemon = house(client_class)
        daemon.is_up = False
        world.board.alarm("Leak", priority=HIGH)
        world.board.tick()
        client_of(world).error = OSError(-1)
        world.run()
        assert world.ticks.now_ms < 1000
        assert world.api.texts() == ["cellar: Leak" + REPEAT]


def test_umqtt_robust_does_not_hold_up_the_board_for_a_broker_that_is_away():
    world, _ = house(Robust)
    client = client_of(world)
    client.error = OSError(104)
    alarm(world)
    assert world.api.texts() == ["cellar: Leak"]
    try:
        client.publish(b"mine", b"1")
    except SystemExit:
        return
    raise AssertionError("the program's own calls must still reconnect")


def test_a_broker_that_does_not_answer_holds_up_the_board_for_two_seconds():
    world, _ = house()
    client = client_of(world)
    client.error, client.fails = OSError(110), "subscribe"
    alarm(world)
    assert client.sock.timeout_s == 2
    assert not client.sock.is_open


def test_tls_sockets_have_no_time_out_and_do_not_need_one():
    world, daemon = house()
    client_of(world).sock = TlsSock()
    alarm(world)
    assert daemon.texts == ["cellar: Leak"]


def test_a_broker_that_refuses_the_subscription_keeps_its_connection():
    world, _ = house()
    client = client_of(world)
    client.error, client.fails = MQTTException(128), "subscribe"
    alarm(world)
    assert client.sock.is_open
    assert len(world.api.posts) == 1


def test_two_alarms_in_one_tick_get_an_answer_each():
    world, daemon = house()
    world.board.alarm("Leak", priority=CRITICAL)
    world.board.alarm("Door", priority=NORMAL)
    world.run(700)
    assert daemon.texts == ["cellar: Leak", "cellar: Door"]
    assert not world.api.posts


def test_of_two_alarms_only_the_one_without_an_answer_is_posted():
    world, daemon = house()
    world.board.alarm("Leak", priority=HIGH)
    world.board.tick()
    daemon.is_up = False
    world.board.alarm("Door", priority=HIGH)
    world.run(6)
    assert daemon.texts == ["cellar: Leak"]
    assert world.api.texts() == ["cellar: Door" + REPEAT]


def test_the_same_words_again_are_another_alarm():
    world, daemon = house()
    for _ in range(3):
        alarm(world, seconds=1)
    assert len(daemon.ids) == 3


def test_after_a_reboot_the_id_is_the_same_and_the_daemon_sends_it_once():
    world, daemon = house()
    world.board.alarm("Leak", priority=HIGH)
    world.board.tick()  # published, and the answer lies in the broker
    world.boot(off_s=3, via=Simple(daemon))
    world.run(700)
    assert [one["id"] for one in daemon.requests] == [daemon.requests[0]["id"]] * 2
    assert daemon.texts == ["cellar: Leak"]
    assert (world.api.posts, world.board.pending) == ([], 0)


def test_after_a_reboot_without_a_broker_what_was_published_may_be_a_repeat():
    world, daemon = house()
    world.board.alarm("Leak", priority=HIGH)
    world.board.tick()
    world.boot(via=Simple(daemon, OSError(-1)))
    world.run()
    assert world.api.texts() == ["cellar: Leak (before a restart)" + REPEAT]


def test_what_was_left_to_the_board_before_a_reboot_is_no_repeat():
    world, daemon = house()
    client_of(world).error = OSError(-1)
    world.api.replies = [UNSENT] * 5
    alarm(world, seconds=1)
    world.boot(via=Simple(daemon))
    world.api.replies = []
    world.run()
    assert world.api.texts() == ["cellar: Leak (before a restart)"]
    assert not daemon.requests


def test_all_recipients_are_told_by_the_daemon_or_all_directly():
    anna = "u_" + "2" * 40
    world, daemon = house(to=(ME, anna))
    alarm(world)
    assert not world.api.posts
    daemon.is_up = False
    alarm(world, "Door", seconds=6)
    assert [post["to"] for post in world.api.posts] == [ME, anna]


def test_the_programs_own_callback_gets_its_messages_and_no_others():
    for is_late in (False, True):
        daemon = Daemon()
        client = Simple(daemon)
        mine = []
        if not is_late:
            client.set_callback(lambda *message, mine=mine: mine.append(message))
        world = World(via=client)
        if is_late:
            client.set_callback(lambda *message, mine=mine: mine.append(message))
        client.inbox.append((b"lamp/set", b"on"))
        alarm(world, seconds=1)
        client.check_msg()
        assert mine == [(b"lamp/set", b"on")]
        assert daemon.texts == ["Leak"] and not world.api.posts


def test_without_a_callback_foreign_messages_do_no_harm():
    world, daemon = house()
    client_of(world).inbox += [(b"lamp/set", b"on"), (b"\xff\xfe", b""), (b"", b"")]
    alarm(world, seconds=1)
    assert daemon.texts == ["cellar: Leak"] and not world.api.posts


def test_a_callback_that_raises_does_not_stop_the_board():
    world, daemon = house()
    client = client_of(world)

    def bad(topic, payload):
        raise KeyError("lamp")

    client.set_callback(bad)
    client.inbox.append((b"lamp/set", b"on"))
    alarm(world, seconds=6)
    assert world.api.texts() == ["cellar: Leak" + REPEAT]
    assert daemon.texts == ["cellar: Leak"]


def test_an_alarm_given_in_the_callback_is_not_lost():
    world, daemon = house()
    client = client_of(world)
    client.set_callback(lambda topic, payload: world.board.alarm("Button", priority=HIGH))
    client.inbox.append((b"button", b"1"))
    alarm(world, seconds=1)
    assert sorted(daemon.texts) == ["cellar: Button", "cellar: Leak"]
    assert (world.api.posts, world.board.pending) == ([], 0)


def test_answers_of_other_boards_are_not_ours():
    world, daemon = house()
    daemon.is_up = False
    world.board.alarm("Leak", priority=HIGH)
    world.board.tick()
    own = daemon.requests[0]["id"]
    for other in ("0" * 8 + own[8:], own[:-1], own + "0", ""):
        world.board.heard("kilopush/accepted/" + other, b"")
    world.run(6)
    assert len(world.api.posts) == 1


def test_answers_may_be_passed_on_as_text_or_any_kind_of_bytes():
    for kind in (bytes.decode, bytes, bytearray, memoryview):
        world, daemon = house()
        daemon.is_up = False
        world.board.alarm("Leak", priority=HIGH)
        world.board.tick()
        world.board.heard(kind(b"kilopush/accepted/" + daemon.requests[0]["id"].encode()), b"")
        world.run(700)
        assert not world.api.posts


def test_flush_waits_for_the_answer():
    world, daemon = house()
    world.board.alarm("Door")
    assert world.board.flush(15)
    assert daemon.texts == ["cellar: Door"] and not world.api.posts
    daemon.is_up = False
    world.board.alarm("Light")
    assert world.board.flush(15)
    assert world.api.texts() == ["cellar: Light" + REPEAT]


def test_a_storm_beyond_what_the_daemon_takes_is_posted_in_digests():
    world, daemon = house()
    for number in range(100):
        daemon.is_up = number < 60
        alarm(world, "Door {}".format(number), NORMAL, seconds=1)
    world.run(700)
    assert len(daemon.texts) == 60
    assert 1 <= len(world.api.posts) <= 4
    assert world.board.pending == 0


# --- mqtt_as --------------------------------------------------------------------------------------


async def live(world, seconds):
    """Let the board tick, and the tasks of its event loop run."""
    end_ms = world.ticks.now_ms + int(1000 * seconds)
    while world.ticks.now_ms < end_ms:
        world.board.tick()
        for _ in range(5):
            await asyncio.sleep_ms(1)
        world.ticks.sleep_ms(100)


def async_house():
    world, daemon = house(Async)
    client_of(world).heard = lambda topic, payload, _: world.board.heard(topic, payload)
    return world, daemon


async def test_mqtt_as_what_the_daemon_has_accepted_is_never_posted():
    world, daemon = async_house()
    world.board.alarm("Leak", priority=CRITICAL)
    world.board.alarm("Door")
    await live(world, 100)
    assert sorted(daemon.texts) == ["cellar: Door", "cellar: Leak"]
    assert (world.api.posts, world.board.pending) == ([], 0)


async def test_mqtt_as_no_answer_means_directly():
    world, daemon = async_house()
    daemon.is_up = False
    world.board.alarm("Leak", priority=HIGH)
    await live(world, 4.5)
    assert not world.api.posts
    await live(world, 1.5)
    assert world.api.texts() == ["cellar: Leak" + REPEAT]


async def test_mqtt_as_without_a_connection_means_directly_at_once():
    world, _ = async_house()
    client_of(world).is_connected = False
    world.board.alarm("Leak", priority=HIGH)
    await live(world, 1)
    assert world.api.texts() == ["cellar: Leak"]


async def test_mqtt_as_what_waits_for_a_connection_is_called_off_and_not_sent_later():
    world, daemon = async_house()
    client = client_of(world)
    world.board.alarm("Leak", priority=HIGH)
    world.board.tick()
    client.isconnected = lambda: True  # it has not noticed yet
    client.is_connected = False
    await live(world, 6)
    client.is_connected = True
    await live(world, 6)
    assert client.cancelled == 1
    assert not daemon.requests
    assert world.api.texts() == ["cellar: Leak"]


async def test_mqtt_as_whatever_it_raises_the_loop_lives_and_the_alarm_goes_directly():
    for error in (OSError(-1), MQTTException(), IndexError(), AttributeError(), ValueError()):
        world, _ = async_house()
        client_of(world).error = error
        world.board.alarm("Leak", priority=HIGH)
        await live(world, 1)
        assert world.api.texts() == ["cellar: Leak"], error
        assert not world.board._engine._via.is_waiting()


async def test_mqtt_as_a_task_is_held_as_long_as_its_answer_is_due():
    world, daemon = async_house()
    daemon.is_up = False
    world.board.alarm("Leak", priority=HIGH)
    world.board.alarm("Door", priority=HIGH)
    world.board.tick()
    tasks = [one.task for one in world.board._engine._via._questions]
    assert len(tasks) == 2 and None not in tasks
    await live(world, 6)
    assert [task.done() for task in tasks] == [True, True]
