"""How long to wait after a connection ended, and what to speak next."""

from __future__ import annotations

import pytest

from kilopush_bridge.mqtt.policy import (
    REFUSED_RETRY_S,
    RETRY_MAX_S,
    TAKEOVER_WAIT_S,
    Ended,
    Protocol,
    Reconnect,
)

LOST = Ended("lost", was_connected=True)
SILENT = Ended("closed", was_connected=True, is_silent=True)
TAKEN = Ended("taken", was_connected=True, is_takeover=True)
MUTE = Ended("no answer", wrong_protocol=True)


def test_waits_double_up_to_a_minute_with_full_jitter():
    policy = Reconnect()
    longest = [policy.wait_s(LOST, 0, 1.0) for _ in range(12)]
    assert longest[:6] == [2, 4, 8, 16, 32, 60]
    assert set(longest[6:]) == {RETRY_MAX_S}
    assert policy.wait_s(LOST, 0, 0.0) == 0


def test_a_broker_that_let_us_in_is_asked_again_soon():
    policy = Reconnect()
    for _ in range(9):
        policy.wait_s(LOST, 0, 1.0)
    policy.connected()
    assert policy.wait_s(LOST, 0, 1.0) == 2


@pytest.mark.parametrize(("jitter", "wait_s"), [(0.0, REFUSED_RETRY_S / 2), (1.0, REFUSED_RETRY_S)])
def test_a_broker_that_said_no_is_asked_rarely(jitter: float, wait_s: float):
    assert Reconnect().wait_s(Ended("no", is_refusal=True), 0, jitter) == wait_s


def test_without_an_answer_both_protocols_are_tried_in_turn():
    policy = Reconnect()
    assert policy.wait_s(MUTE, 0, 1.0) == 0
    assert policy.protocol is Protocol.MQTT_3_1_1
    assert policy.wait_s(MUTE, 0, 1.0) > 0
    assert policy.protocol is Protocol.MQTT_5


def test_two_takeovers_within_a_minute_mean_another_client_with_our_name():
    policy = Reconnect()
    assert policy.wait_s(TAKEN, 0, 0.0) < TAKEOVER_WAIT_S
    assert policy.wait_s(TAKEN, 59, 0.0) == TAKEOVER_WAIT_S
    assert policy.wait_s(TAKEN, 60, 0.0) < TAKEOVER_WAIT_S  # counted anew


def test_takeovers_far_apart_mean_nothing():
    policy = Reconnect()
    assert [policy.wait_s(TAKEN, at_s, 0.0) for at_s in (0, 61, 122, 183)] == [0, 0, 0, 0]


def test_it_takes_four_silent_ends_because_a_broker_that_restarts_is_silent_too():
    policy = Reconnect()
    waits = [policy.wait_s(SILENT, at_s, 0.0) for at_s in (0, 5, 10, 15)]
    assert waits == [0, 0, 0, TAKEOVER_WAIT_S]
