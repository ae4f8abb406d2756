"""What clocks, kills at an odd moment and changed files do to timers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from timeline.house import BEGIN_S, configuration

from kilopush_bridge.model import Alert, Message, Phase, Received
from kilopush_bridge.outbox.firing import flush_seen, load_episodes, remember_episode
from kilopush_bridge.outbox.store import open_state
from kilopush_bridge.rules import Engine
from kilopush_bridge.rules.keys import PAYLOAD_KEPT_BYTES
from kilopush_bridge.rules.succession import possible

WINDOW = """
window:
  topic: z/+device
  when: not contact
  for: 30s
  message: "{{ device }} is open"
"""
SILENT = """
silent:
  topic: z/+device
  stale: 3h
  message: "{{ device }} is silent"
"""
OPEN = b'{"contact": false}'
HOUR_S = 3600.0


def engine(rules, tmp_path, stored=None, **more):
    return Engine(configuration(rules, tmp_path).rules, stored or {}, **more)


def told(results):
    return [one.kind for one in results if isinstance(one, Alert)]


def hear(one, payload=OPEN, topic="z/shed", at_s=BEGIN_S):
    return one.handle(Received(topic, payload), at_s)


def test_a_flush_ahead_of_its_alarm_loses_no_timer(tmp_path):
    state = open_state(tmp_path / "state.db")
    window = engine(WINDOW, tmp_path)
    for mark in hear(window):
        remember_episode(state, mark)
    window.tick(BEGIN_S + 31)  # told, and not stored before the kill
    flush_seen(state, window.seen_since(0))
    again = engine(WINDOW, tmp_path, load_episodes(state))
    assert told(again.tick(BEGIN_S + 40)) == ["alarm"]


@pytest.mark.parametrize("by_s", [-HOUR_S, 30 * 24 * HOUR_S])
def test_a_clock_that_is_put_right_delays_no_timer_and_fires_none(tmp_path, by_s):
    window = engine(WINDOW + SILENT, tmp_path)
    hear(window)
    window.clock_moved(by_s)
    assert told(window.tick(BEGIN_S + by_s + 29)) == []
    assert told(window.tick(BEGIN_S + by_s + 31)) == ["alarm"]
    assert told(window.tick(BEGIN_S + by_s + 3 * HOUR_S + 1)) == ["alarm"]


def test_after_a_correction_new_timers_do_not_wait_for_the_old_date(tmp_path):
    window = engine(WINDOW, tmp_path, awaits_broker=True)
    window.online(BEGIN_S + 30 * 24 * HOUR_S)
    window.clock_moved(-30 * 24 * HOUR_S)
    hear(window, at_s=BEGIN_S)
    assert told(window.tick(BEGIN_S + 31)) == ["alarm"]


def test_silence_is_counted_from_when_something_could_be_heard(tmp_path):
    silent = engine(SILENT, tmp_path)
    hear(silent)
    silent.offline(BEGIN_S + HOUR_S)
    hear(silent, topic="z/attic", at_s=BEGIN_S + 9 * HOUR_S)  # before all is subscribed
    silent.online(BEGIN_S + 9 * HOUR_S)
    assert told(silent.tick(BEGIN_S + 11 * HOUR_S - 1)) == []
    assert told(silent.tick(BEGIN_S + 11 * HOUR_S + 1)) == ["alarm"]
    assert told(silent.tick(BEGIN_S + 12 * HOUR_S + 1)) == ["alarm"]


def test_what_a_corrected_topic_no_longer_reaches_mutes_nothing_after_a_start(tmp_path):
    before = engine(WINDOW, tmp_path)
    hear(before)
    corrected = configuration(WINDOW.replace("z/+device", "y/+device"), tmp_path).rules
    kept, gone = possible(corrected, before.episodes, BEGIN_S)
    assert (kept, [mark.key for mark in gone]) == ({}, ["z/shed"])


def test_a_repeat_that_is_new_at_a_start_reminds(tmp_path):
    before = engine(WINDOW, tmp_path)
    hear(before)
    before.tick(BEGIN_S + 31)
    rules = configuration(WINDOW + "  repeat: 10m\n", tmp_path).rules
    kept, _ = possible(rules, before.episodes, BEGIN_S + HOUR_S)
    assert told(Engine(rules, kept).tick(BEGIN_S + HOUR_S + 601)) == ["reminder"]


def test_another_word_at_a_reload_does_not_count_silence_that_could_not_be_broken(tmp_path):
    silent = engine(SILENT, tmp_path)
    hear(silent)
    silent.offline(BEGIN_S + HOUR_S)
    silent.online(BEGIN_S + 9 * HOUR_S)
    changed = configuration(SILENT + "  repeat: 1h\n", tmp_path).rules
    reloaded, _ = silent.with_rules(changed, None, BEGIN_S + 9 * HOUR_S)
    assert told(reloaded.tick(BEGIN_S + 10 * HOUR_S)) == []
    assert told(reloaded.tick(BEGIN_S + 11 * HOUR_S + 1)) == ["alarm"]


def test_of_a_picture_only_the_beginning_is_kept(tmp_path):
    window = engine(WINDOW.replace("not contact", "true"), tmp_path)
    hear(window, payload=bytes(10 * PAYLOAD_KEPT_BYTES))
    (episode,) = window.episodes["window"].values()
    assert len(episode.payload) < PAYLOAD_KEPT_BYTES
    assert episode.phase is Phase.HOLDS


def test_a_key_of_a_payload_cannot_pretend_to_be_a_timer(tmp_path):
    rules = WINDOW.replace("when: not contact", "when: on\n  key: id")
    window = engine(rules, tmp_path)
    hear(window, payload=b'{"id": "\\u0000release", "on": true}')
    assert told(window.tick(BEGIN_S + 31)) == ["alarm"]


def test_what_is_only_counted_does_not_keep_a_rescued_step_open():
    from kilopush_bridge.app.committer import Step
    from kilopush_bridge.model import Kind, Priority

    message = Message(
        kind=Kind.ALARM,
        origin="rule",
        name="leak",
        key="z",
        text="Water",
        to=("me",),
        channel="home",
        priority=Priority.CRITICAL,
        at_s=BEGIN_S,
        since_s=BEGIN_S,
    )
    step = Step(None, [replace(message, withdrawn="muted"), message])
    assert not step.is_rescued
    assert Step(None, [replace(message, withdrawn="muted")]).is_rescued
