"""A hundred thousand timers: what one message costs. Counted, not timed."""

from collections.abc import Iterator
from pathlib import Path

from timeline.house import BEGIN_S, configuration

from kilopush_bridge.model import Episode, Phase, Received
from kilopush_bridge.rules import Engine

MANY = 100_000
RULES = """
window: {topic: w/+device, when: not contact, for: 15m, cooldown: 1h, message: open}
motion: {topic: m/+device, event: occupancy, clear_after: 5m, message: motion}
silent: {topic: s/+device, stale: 1d, message: silent}
"""


class Episodes(dict[str, Episode]):
    """Episodes that nobody may go through."""

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("a message looks at all keys")

    keys = values = items = __iter__  # type: ignore[assignment]


def crowd(folder: Path, rule: str, phase: Phase, topic: str, in_s: float) -> Engine:
    """Return an engine in which a hundred thousand keys of a rule wait for their time."""
    stored = {
        f"{topic}/{number}": Episode(
            BEGIN_S, BEGIN_S, phase=phase, due_at_s=BEGIN_S + in_s, topic=f"{topic}/{number}"
        )
        for number in range(MANY)
    }
    engine = Engine(configuration(RULES, folder).rules, {rule: stored})
    life = engine._life
    life.keys.episodes[rule] = Episodes(life.keys.episodes[rule])
    return engine


def timers(engine: Engine) -> int:
    return len(list(engine._life.keys.timers.entries))


def ticks(engine: Engine, now_s: float) -> int:
    """Return how much happens until there is nothing left to look at."""
    number = 0
    while engine.next_s is not None and engine.next_s <= now_s:
        number += len(engine.tick(now_s))
    return number


def test_a_message_to_one_key_does_not_look_at_the_others(tmp_path: Path):
    engine = crowd(tmp_path, "window", Phase.HOLDS, "w", 900)
    assert timers(engine) == MANY
    for number in range(100):
        assert engine.handle(Received(f"w/{number}", b'{"contact": false}'), BEGIN_S + 1) == []
    assert timers(engine) == MANY
    for number in range(100):
        assert len(engine.handle(Received(f"w/{number}", b'{"contact": true}'), BEGIN_S + 2)) == 1
    assert timers(engine) == MANY
    assert len(engine.handle(Received("w/new", b'{"contact": false}'), BEGIN_S + 3)) == 1
    assert timers(engine) == MANY + 1


def test_a_sign_of_life_does_not_touch_the_timers(tmp_path: Path):
    engine = crowd(tmp_path, "silent", Phase.HEARD, "s", 86_400)
    for number in range(1000):
        assert engine.handle(Received(f"s/{number % 10}", b"1"), BEGIN_S + number) == []
    assert timers(engine) == MANY


def test_nothing_is_looked_at_before_its_time(tmp_path: Path):
    engine = crowd(tmp_path, "silent", Phase.HEARD, "s", 86_400)
    assert engine.next_s == BEGIN_S + 86_400
    assert engine.tick(BEGIN_S + 86_399) == []
    assert timers(engine) == MANY


def test_the_event_loop_gets_its_turn_when_all_are_due_at_once(tmp_path: Path):
    engine = crowd(tmp_path, "window", Phase.HOLDS, "w", 900)
    results = engine.tick(BEGIN_S + 900)
    assert 0 < len(results) <= 2000
    assert engine.next_s == BEGIN_S + 900


def test_one_key_that_always_speaks_does_not_fill_the_memory(tmp_path: Path):
    engine = Engine(configuration(RULES, tmp_path).rules, {})
    for second in range(20_000):
        engine.handle(Received("m/hall", b'{"occupancy": true}'), BEGIN_S + second)
    assert timers(engine) <= 2_000
    over_at_s = BEGIN_S + 19_999 + 300
    assert ticks(engine, over_at_s - 1) == 0
    assert ticks(engine, over_at_s) == 2, "the end of it, and what is to be forgotten"
