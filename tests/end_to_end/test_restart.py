"""Home Assistant is killed in the middle of everything, again and again.

What an automation was told is taken, and what was on the disk, is not lost: it has arrived, or
waits, or is in a digest. Alarms come twice at most, and the second time say so.

Messages are sent over one WebSocket, which keeps their order, without waiting for each.
"""

from __future__ import annotations

import itertools
import json
import os
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from end_to_end.channel import Channel, user_token
from harness import free_port
from harness.hass import HomeAssistant
from harness.wait import wait_until
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from kilopush_bridge.emulator import World, running_emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from kilopush_bridge.emulator import RunningEmulator

pytestmark = pytest.mark.timeout(180)

_PEOPLE = {"anna": user_token(1), "ben": user_token(2)}
_REPEAT = " (may be a repeat)"
_ORDINARY_A_DAY = 208  # 300 without what is kept for alarms, digests and other senders
# What is sent in each round: each number is another message, to everybody.
_ROUND = ("high", "critical", "normal", "high", "low", "high", "critical", "high")


class Line:
    """A WebSocket that performs actions in their order; ``taken`` are those that succeeded."""

    def __init__(self, house: HomeAssistant) -> None:
        self.taken: list[str] = []
        self.failed: list[str] = []
        self._sent: dict[int, str] = {}
        self._ids = itertools.count(1)
        address = f"ws://127.0.0.1:{house.port}/api/websocket"
        self._socket = connect(address, proxy=None, open_timeout=10)
        self._socket.recv(timeout=10)
        self._socket.send(json.dumps({"type": "auth", "access_token": house._token()}))
        assert json.loads(self._socket.recv(timeout=10))["type"] == "auth_ok"
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def send(self, person: str, text: str, priority: str) -> None:
        number = next(self._ids)
        self._sent[number] = text
        command = {
            "id": number,
            "type": "call_service",
            "domain": "kilopush",
            "service": "send_message",
            "service_data": {"message": text, "priority": priority},
            "target": {"entity_id": Channel.entity(person)},
        }
        self._socket.send(json.dumps(command))

    def close(self) -> None:
        self._socket.close()
        self.wait_closed()

    def wait_closed(self) -> None:
        self._reader.join(20)
        assert not self._reader.is_alive()
        self._socket.close()

    def _read(self) -> None:
        try:
            for answer in map(json.loads, self._socket):
                if answer["type"] == "result":
                    target = self.taken if answer["success"] else self.failed
                    target.append(self._sent[answer["id"]])
        except ConnectionClosed:
            return


@dataclass(frozen=True)
class Count:
    """What Home Assistant said was left, and how many ordinary POSTs KILO.Push had seen then."""

    posts_before: int
    left: int
    posts_after: int
    kills: int


@dataclass
class Story:
    """A channel with two people, and all that it has been told."""

    house: HomeAssistant
    api: RunningEmulator
    channel: Channel
    taken: set[str] = field(default_factory=set)
    counts: list[Count] = field(default_factory=list)
    kills: int = 0
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def kill_when(self, is_time: Callable[[Line], bool], what: str) -> None:
        """Send one round of messages; kill Home Assistant as soon as it is time."""
        line = Line(self.house)
        for priority in _ROUND:
            number = next(self.numbers)
            for person in _PEOPLE:
                line.send(person, f"{priority} {number:03} for {person}", priority)
        wait_until(lambda: is_time(line), 15, what)
        self.count()
        self.house.kill()
        self.kills += 1
        line.wait_closed()
        assert line.failed == []
        self.taken.update(line.taken, self.waiting())

    def start(self, **env: str) -> None:
        """Start it again, with all well."""
        self.api.clear_faults()
        self.house.start(env=env)
        self.channel.wait_there()
        self.count()

    def settle(self, timeout_s: float = 15) -> None:
        """Wait until everything has left that may leave now."""
        wait_until(lambda: not self.channel.pending(), timeout_s, "everything leaving")

    def count(self) -> None:
        before, left = self._ordinary_posts(), self.channel.left
        self.counts.append(Count(before, left, self._ordinary_posts(), self.kills))

    def _ordinary_posts(self) -> int:
        return sum(not text.startswith("critical") for text in self.posts())

    def waiting(self) -> list[str]:
        """Return what is on the disk and has not arrived."""
        on_disk = [*self.channel.pending(), *self.channel.in_digests()]
        return [_plain(one.text) for one in on_disk]

    def posts(self, person: str = "") -> list[str]:
        return [
            str(one.fields["message"])
            for one in self.api.requests
            if person in ("", _name(str(one.fields["to"])))
        ]

    def arrived(self) -> list[str]:
        return [str(one.fields["message"]) for one in self.api.delivered]


def _name(token: str) -> str:
    return next(name for name, known in _PEOPLE.items() if known == token)


def _plain(text: str) -> str:
    """Return a text without its marks."""
    return text.partition(" (")[0]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("restart") / "house"
    seed = int(os.environ.get("KILOPUSH_SEED", str(random.randrange(10**6))))
    print(f"\nseed {seed}")
    chance = random.Random(seed)
    with (
        running_emulator(World()) as api,
        HomeAssistant(folder, env={"KILOPUSH_API_URL": api.url}) as house,
    ):
        story = Story(house, api, Channel(house, _PEOPLE))
        story.channel.wait_written()

        # The first messages are on their way, and the answer comes late.
        api.fault("slow", times=None, delay_s=0.4)
        story.kill_when(lambda _: bool(api.requests), "the first POST")
        story.start()
        story.settle()

        # Some have been answered, some not.
        api.fault("slow", times=None, delay_s=0.3)
        story.kill_when(lambda line: len(line.taken) > 5, "the sixth answer")
        story.start()
        story.settle()

        # They arrive, and nobody says so.
        seen = len(api.requests)
        api.fault("silent", times=None)
        story.kill_when(lambda _: len(api.requests) > seen + 3, "four silent POSTs")
        story.start()
        story.settle()

        # At any moment.
        api.fault("slow", times=None, delay_s=0.1)
        at_s = time.monotonic() + chance.random() / 2
        story.kill_when(lambda _: time.monotonic() > at_s, "a moment of chance")

        # Nobody is there.
        nobody = f"http://127.0.0.1:{free_port()}/v1/messages/send"
        story.start(KILOPUSH_API_URL=nobody)
        story.kill_when(lambda line: len(line.taken) == len(_ROUND) * len(_PEOPLE), "all kept")
        story.start()
        story.settle(40)
        story.count()
        lefts = [one.left for one in story.counts]
        print(f"{story.kills} kills, {len(story.taken)} messages taken, left {lefts}")
        yield story


def test_whatever_was_taken_has_arrived_or_waits(story: Story):
    assert len(story.taken) > 50
    assert story.taken <= {*map(_plain, story.arrived()), *story.waiting()}


def test_an_alarm_comes_twice_at_most_and_then_says_so(story: Story):
    alarms = [text for text in story.arrived() if text.startswith("critical")]
    assert alarms
    counts = Counter(map(_plain, alarms))
    assert max(counts.values()) <= 2
    for text, count in counts.items():
        if count == 2:
            first, second = (one for one in alarms if _plain(one) == text)
            assert _REPEAT in second
            assert _REPEAT not in first


@pytest.mark.parametrize("person", _PEOPLE)
def test_the_order_for_a_person_is_kept(story: Story, person: str):
    texts = [_plain(text) for text in story.posts(person) if text.startswith("high")]
    firsts = list(dict.fromkeys(texts))
    assert len(firsts) > 10
    assert firsts == sorted(firsts)


def test_the_ledger_goes_on(story: Story):
    assert len(story.counts) == 2 * story.kills + 1
    for one in story.counts:
        # Never more than there is, and less only by what was about to leave, now or at a kill.
        about_to_leave = len(_PEOPLE) * (one.kills + 1)
        assert one.left <= _ORDINARY_A_DAY - one.posts_before
        assert one.left >= _ORDINARY_A_DAY - one.posts_after - about_to_leave


def test_an_alarm_that_comes_while_the_channel_is_loaded_again_is_not_lost(story: Story):
    # Saved options, a new recipient and a new secret key all load the channel again.
    seen = len(story.api.requests)
    story.api.fault("slow", delay_s=3)
    line = Line(story.house)
    line.send("anna", "critical 900 for anna", "critical")
    wait_until(lambda: len(story.api.requests) > seen, 10, "the POST")
    path = f"/api/config/config_entries/entry/{story.channel.entry_id}/reload"
    reload = threading.Thread(target=story.house.post, args=(path,))
    reload.start()
    wait_until(lambda: story.house.entries()[0]["state"] != "loaded", 10, "the reload")
    line.send("ben", "critical 901 for ben", "critical")
    reload.join(20)
    wait_until(lambda: "critical 901 for ben" in line.taken, 15, "the answer")
    line.close()
    story.settle()
    assert "critical 901 for ben" in [*map(_plain, story.arrived()), *story.waiting()]
