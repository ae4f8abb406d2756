"""From a received message to a step: what reaches the rules, and what is only acknowledged."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from kilopush_bridge.app.app import App
from kilopush_bridge.errors import StorageError
from kilopush_bridge.model import Received

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from kilopush_bridge.app.committer import Step
    from kilopush_bridge.config import Config


class Bench:
    """An app whose engine and committer only note what they are given."""

    def __init__(self, app: App) -> None:
        self.app = app
        self.handled: list[str] = []
        self.steps: list[Step] = []
        app._engine = SimpleNamespace(handle=self.handle, find=lambda _name: None)  # type: ignore[assignment]
        app._committer = SimpleNamespace(add=self.steps.append)  # type: ignore[assignment]

    def handle(self, received: Received, _now_s: float) -> list[Any]:
        if received.topic == "broken":
            raise ZeroDivisionError
        self.handled.append(received.topic)
        return []

    def receive(self, *topics: str, payload: bytes = b"hi") -> None:
        self.app._on_messages(
            [Received(topic, payload, ticket=at) for at, topic in enumerate(topics, 1)]
        )


@pytest.fixture
def bench(tmp_path: Path, make_config: Callable[..., Config]) -> Iterator[Bench]:
    app = App(make_config(state=tmp_path / "state.db"))
    yield Bench(app)
    app._store.close()
    app._lock.release()


def test_every_message_becomes_a_step_in_order(bench: Bench):
    bench.receive("a", "", "kilopush/status", "b")
    assert [step.ticket for step in bench.steps] == [1, 2, 3, 4]


def test_copies_that_do_not_count_and_the_own_prefix_never_reach_rules(bench: Bench):
    bench.receive("", "kilopush", "kilopush/bridge", "kilopush/send/x", "kilopushy", "a/kilopush")
    assert bench.handled == ["kilopushy", "a/kilopush"]


def test_only_a_request_with_a_payload_becomes_a_message(bench: Bench):
    bench.receive("kilopush/send/door", "kilopush/send", "kilopush/sent/door", "kilopush/ack/x")
    assert [[one.name for one in step.changes] for step in bench.steps] == [
        ["door"],
        ["anybody"],
        [],
        [],
    ]
    bench.receive("kilopush/send/door", payload=b"")
    assert not bench.steps[-1].changes


def test_a_message_that_we_stumble_over_does_not_stop_the_ones_behind_it(
    bench: Bench, caplog: pytest.LogCaptureFixture
):
    bench.receive("a", "broken", "b")
    assert bench.handled == ["a", "b"]
    assert [step.ticket for step in bench.steps] == [1, 2, 3]
    assert "`broken` could not be handled" in caplog.text


def test_a_second_app_on_the_same_state_is_refused(
    bench: Bench, tmp_path: Path, make_config: Callable[..., Config]
):
    with pytest.raises(StorageError, match="another bridge is running"):
        App(make_config(state=tmp_path / "state.db"))
