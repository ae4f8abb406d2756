"""Promise D1 in memory: stored, then acknowledged, in order; and what happens when that fails."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from kilopush_bridge.app import committer as committer_module
from kilopush_bridge.app import rescue
from kilopush_bridge.app.committer import BACKLOG_FULL, Committer, Step
from kilopush_bridge.core.protocol import OPTED_OUT, SENT, UNCLEAR, UNSENT, Verdict
from kilopush_bridge.errors import StorageError
from kilopush_bridge.model import Batch, Kind, Message, Priority

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

NOW_S = 1_000_000.0
DELAYS = {UNCLEAR: 0.001, UNSENT: 0.001}  # after anything else, a rescue is over


def message(text: str, priority: Priority = Priority.NORMAL, **changes: Any) -> Message:
    values: dict[str, Any] = {
        "kind": Kind.EVENT,
        "origin": "rule",
        "name": "rule",
        "key": text,
        "text": text,
        "to": ("me",),
        "channel": "home",
        "priority": priority,
        "at_s": NOW_S,
        "since_s": NOW_S,
    }
    return Message(**{**values, **changes})


def critical(text: str, **changes: Any) -> Message:
    return message(text, Priority.CRITICAL, **changes)


class Disk:
    """Takes what is stored, unless it is full or held up."""

    def __init__(self, journal: list[str]) -> None:
        self.journal = journal
        self.is_full = False
        self.gate = asyncio.Event()
        self.gate.set()
        self.stored: list[Message] = []

    async def put(self, messages: Sequence[Message]) -> None:
        await self.gate.wait()
        if self.is_full:
            raise StorageError("state cannot be written: disk full")
        self.stored.extend(messages)
        self.journal.append("commit " + " ".join(str(one.text) for one in messages))


class Bench:
    """A committer between a scripted disk, a scripted API and a journal of what it did."""

    def __init__(self) -> None:
        self.journal: list[str] = []
        self.disk = Disk(self.journal)
        self.posts: list[tuple[str, str]] = []
        self.answer: Callable[[Batch], str] = lambda _batch: SENT
        self.reply = asyncio.Event()
        self.reply.set()
        self.committer = Committer(
            self.disk.put,
            self,
            lambda: NOW_S,
            lambda ticket: self.journal.append(f"ack {ticket}"),
            lambda steps: self.journal.append(f"stored {len(steps)}"),
            lambda is_paused: self.journal.append(f"pause {is_paused}"),
        )

    async def send(self, batch: Batch) -> Verdict:
        self.posts.append((batch.person, batch.text))
        await self.reply.wait()
        return Verdict(self.answer(batch), None, "scripted")

    @property
    def log(self) -> list[str]:
        return [one for one in self.journal if not one.startswith("pause")]


@pytest.fixture(autouse=True)
def no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(committer_module, "RETRY_S", 0.01)


@pytest.fixture
async def bench() -> Iterator[Bench]:  # type: ignore[misc]
    made = Bench()
    running = asyncio.create_task(made.committer.run())
    yield made
    running.cancel()
    made.disk.gate.set()
    await asyncio.wait([running])
    made.committer.close()


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(3):
        while not look():  # noqa: ASYNC110
            await asyncio.sleep(0.001)


async def test_a_message_is_acknowledged_after_its_commit_and_then_reported(bench: Bench):
    bench.committer.add(Step(1, [message("a")]))
    await until(lambda: bench.log)
    assert bench.log == ["commit a", "ack 1", "stored 1"]


async def test_what_changes_nothing_is_acknowledged_at_once_but_never_out_of_turn(bench: Bench):
    bench.committer.add(Step(1, ()))
    assert bench.log == ["ack 1"]
    bench.disk.gate.clear()
    bench.committer.add(Step(2, [message("a")]))
    await asyncio.sleep(0.01)
    bench.committer.add(Step(3, ()))  # behind a commit that is under way
    assert bench.log == ["ack 1"]
    bench.disk.gate.set()
    await until(lambda: "ack 3" in bench.log)
    assert bench.log == ["ack 1", "commit a", "ack 2", "stored 1", "ack 3"]


async def test_what_arrives_during_a_commit_shares_the_next_one(bench: Bench):
    bench.disk.gate.clear()
    bench.committer.add(Step(1, [message("a")]))
    await asyncio.sleep(0.01)
    for number in range(2, 5):
        bench.committer.add(Step(number, [message(f"m{number}")]))
    bench.disk.gate.set()
    await until(lambda: "ack 4" in bench.log)
    assert [one for one in bench.log if one.startswith("commit")] == ["commit a", "commit m2 m3 m4"]


async def test_without_a_ticket_there_is_nothing_to_acknowledge(bench: Bench):
    bench.committer.add(Step(None, [message("a")]))
    await until(lambda: "stored 1" in bench.log)
    assert bench.log == ["commit a", "stored 1"]


async def test_a_stop_in_the_middle_of_a_commit_still_acknowledges_it(bench: Bench):
    bench.disk.gate.clear()
    bench.committer.add(Step(1, [message("a")]))
    task = asyncio.create_task(bench.committer.flush())
    await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.01)
    task.cancel()
    bench.disk.gate.set()
    await asyncio.wait([task])
    await until(lambda: "ack 1" in bench.log)
    assert bench.log == ["commit a", "ack 1", "stored 1"]


async def test_a_full_disk_acknowledges_nothing_and_loses_nothing(bench: Bench):
    bench.disk.is_full = True
    for number in range(3):
        bench.committer.add(Step(number, [message(f"m{number}")]))
    await until(lambda: bench.committer.failing_since_s)
    await asyncio.sleep(0.03)
    assert (bench.log, bench.posts) == ([], [])
    bench.disk.is_full = False
    await until(lambda: "ack 2" in bench.log)
    assert bench.log == ["commit m0 m1 m2", "ack 0", "ack 1", "ack 2", "stored 3"]
    assert bench.committer.failing_since_s is None


async def test_on_a_full_disk_a_critical_leaves_from_memory_once_and_is_acknowledged_on_its_200(
    bench: Bench,
):
    bench.disk.is_full = True
    bench.committer.add(Step(1, [critical("c", to=("me", "anna"))]))
    await until(lambda: "ack 1" in bench.log)
    await asyncio.sleep(0.05)
    assert sorted(bench.posts) == [("anna", "c"), ("me", "c")]
    bench.disk.is_full = False
    await until(lambda: bench.disk.stored)
    assert bench.disk.stored[0].already_sent == {"me", "anna"}
    assert bench.log.count("ack 1") == 1


async def test_a_critical_that_did_not_reach_everybody_is_not_acknowledged(bench: Bench):
    bench.disk.is_full = True
    bench.answer = lambda batch: SENT if batch.person == "me" else OPTED_OUT
    bench.committer.add(Step(1, [critical("c", to=("me", "anna"))]))
    await until(lambda: len(bench.posts) == 2)
    await asyncio.sleep(0.03)
    assert bench.log == []
    bench.disk.is_full = False
    await until(lambda: bench.disk.stored)
    assert bench.disk.stored[0].already_sent == {"me"}
    assert bench.disk.stored[0].maybe_sent == frozenset()


async def test_what_came_with_a_critical_keeps_the_message_at_the_broker(bench: Bench):
    bench.disk.is_full = True
    bench.committer.add(Step(1, [critical("c"), message("n")]))
    await until(lambda: bench.posts)
    await asyncio.sleep(0.03)
    assert bench.log == []  # its 200 is no proof that "n" will not be lost


async def test_a_lost_reply_is_not_asked_for_every_second_and_leaves_its_doubt_in_the_outbox(
    bench: Bench,
):
    bench.disk.is_full = True
    bench.answer = lambda _batch: UNCLEAR
    bench.committer.add(Step(1, [critical("c")]))
    await until(lambda: bench.posts)
    await asyncio.sleep(0.1)  # ten tries of the disk
    assert bench.posts == [("me", "c")]
    bench.disk.is_full = False
    await until(lambda: bench.disk.stored)
    assert bench.disk.stored[0].maybe_sent == {"me"}


async def test_a_second_try_from_memory_is_marked_as_a_repeat(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rescue, "retry_delay_s", lambda *_a, **_k: 0.01)
    bench.disk.is_full = True
    bench.answer = lambda _batch: UNCLEAR
    bench.committer.add(Step(1, [critical("c")]))
    await until(lambda: len(bench.posts) >= 2)
    bench.answer = lambda _batch: UNSENT  # the doubt of the first stays
    await until(lambda: len(bench.posts) >= 4)
    assert {text for _, text in bench.posts[1:]} == {"c (may be a repeat)"}


async def test_a_post_that_is_on_the_way_when_the_disk_is_back_leaves_its_doubt(bench: Bench):
    bench.disk.is_full = True
    bench.reply.clear()
    bench.committer.add(Step(1, [critical("c")]))
    await until(lambda: bench.posts)
    assert bench.committer.is_rescuing
    bench.disk.is_full = False
    await until(lambda: bench.disk.stored)
    assert bench.disk.stored[0].maybe_sent == {"me"}
    await until(lambda: not bench.committer.is_rescuing)


def spent(bench: Bench) -> int:
    """Return how many POSTs the ledger will have of the critical that was stored."""
    (stored,) = bench.disk.stored
    return dict(stored.rescue_posts).get("me", 1)


async def test_each_post_from_memory_that_counts_is_counted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(rescue, "retry_delay_s", lambda outcome, *_, **_k: DELAYS.get(outcome))
    bench.disk.is_full = True
    answers = iter([UNCLEAR] * 5 + [UNSENT, UNSENT, SENT])  # what never left was free
    bench.answer = lambda _batch: next(answers)
    bench.committer.add(Step(1, [critical("c")]))
    await until(lambda: len(bench.posts) == 8)
    bench.disk.is_full = False
    await until(lambda: bench.disk.stored)
    assert bench.disk.stored[0].already_sent == {"me"}
    assert spent(bench) == 6


@pytest.mark.parametrize("before", [UNCLEAR, UNSENT])
async def test_a_post_that_is_on_the_way_when_the_disk_is_back_counts_too(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, before: str
):
    monkeypatch.setattr(rescue, "retry_delay_s", lambda *_a, **_k: 0.001)
    bench.disk.is_full = True
    bench.answer = lambda _batch: before
    bench.committer.add(Step(1, [critical("c")]))
    await until(lambda: bench.posts)
    bench.reply.clear()
    await until(lambda: bench.committer.is_rescuing)
    ended = len(bench.posts) - 1
    bench.disk.is_full = False
    await until(lambda: bench.disk.stored)
    assert spent(bench) == 1 + (ended if before == UNCLEAR else 0)


async def test_a_flood_stops_the_reading_and_resumes_it_once_it_is_stored(bench: Bench):
    bench.disk.gate.clear()
    bench.committer.add(Step(None, [message("first")]))
    await asyncio.sleep(0.01)
    for _ in range(BACKLOG_FULL):
        bench.committer.add(Step(None, [message("m")]))
    assert bench.journal[-1] == "pause True"
    bench.disk.gate.set()
    await until(lambda: bench.journal[-1] == "pause False")
