"""What is published, and the rules that look at it.

In every throughput workload one message in a hundred causes an alert, and the last message, on a
topic of its own, causes a critical one: its POST ends the run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from importlib.resources import files

from bench.names import END_TOPIC
from bench.wire import publish_packet

ALERT_EVERY = 100
FLOORS = ("cellar", "ground", "attic")


@dataclass(frozen=True)
class Rule:
    """A rule in the words of the bridge, and of mqttwarn where that can say the same."""

    topic: str
    words: tuple[str, ...]  # such as `event: temperature > 50`
    message: str
    mqttwarn_topic: str = ""
    mqttwarn_filter: str = ""  # a Python expression over `value`: when to send
    mqttwarn_format: str = ""


@dataclass(frozen=True)
class Workload:
    """Messages, and the rules that look at them. Without a quota, each alert is a POST."""

    name: str
    rules: tuple[Rule, ...]
    messages: tuple[tuple[str, bytes], ...]
    per_day: int | str = "unlimited"

    @property
    def alerts(self) -> int:
        """How many messages are steady causes of an alert, without the last one."""
        return sum(map(_is_alert, range(len(self.messages))))

    @property
    def packets(self) -> bytes:
        """All messages and the one that ends the run, as PUBLISH packets."""
        ended = (*self.messages, (END_TOPIC, b"now"))
        return b"".join(publish_packet(topic, payload) for topic, payload in ended)


def sensors(rules: int, messages: int) -> Workload:
    """Return as many sensors as rules, each sensor watched by one rule."""
    return Workload(
        name=f"{rules} rule{'s' if rules > 1 else ''}",
        rules=tuple(_hot_rule(number) for number in range(rules)),
        messages=tuple(
            (f"house/{at % rules}/climate", _climate(99 if _is_alert(at) else 20))
            for at in range(messages)
        ),
    )


def home(messages: int) -> Workload:
    """Return a home: real payloads, thirty rules, ten of which match each topic.

    The conditions of the ten are those that people write. Most payloads lack the field
    that a rule asks for. What holds at all begins to hold with a topic's first message and then
    goes on, so that the steady alerts are the presses of a button.
    """
    mix = [(f"house/{floor}/{topic}", payload) for topic, payload in _real() for floor in FLOORS]
    press = [(f"house/{floor}/button", b'{"action":"double","battery":97}') for floor in FLOORS]
    return Workload(
        name="a home, 30 rules",
        rules=tuple(
            Rule(f"house/{floor}/#thing", (condition,), f"{{{{ thing }}}}, {floor}")
            for floor in FLOORS
            for condition in HOME_CONDITIONS
        ),
        messages=tuple(
            press[at // ALERT_EVERY % 3] if _is_alert(at) else mix[at % len(mix)]
            for at in range(messages)
        ),
    )


HOME_CONDITIONS = (
    "when: water_leak",
    "when: smoke",
    "when: not contact",
    "when: battery < 10",
    "when: temperature > 55",
    "when: tamper",
    "when: offline(value)",
    "when: value['DS18B20-2'].Temperature > 80",
    "event: after.severity == 'alert' and before.severity != 'alert'",
    "event: action == 'double'",
)


def doorbell() -> Workload:
    """Return rules for the latency run: one critical alert for each message."""
    return Workload("doorbell", (_RING,), ())


def storm(messages: int) -> Workload:
    """Return a doorbell beside sensors each of whose messages is a normal alert, 300 a day."""
    motion = Rule(
        topic="house/+room/motion",
        words=("event: motion",),
        message="Motion in {{ room }}",
    )
    return Workload(
        name="storm",
        rules=(_RING, motion),
        messages=tuple(
            (f"house/room {at % 20}/motion", b'{"battery":100,"motion":true}')
            for at in range(messages)
        ),
        per_day=300,
    )


_RING = Rule(
    topic="house/door",
    words=("event: n >= 0", "key: n", "priority: critical"),
    message="{{ n }}",
    mqttwarn_topic="house/door",
    mqttwarn_format="{n}",
)


def _is_alert(at: int) -> bool:
    return at % ALERT_EVERY == 7


def _hot_rule(number: int) -> Rule:
    return Rule(
        topic=f"house/{number}/+thing",
        words=("event: temperature > 50",),
        message=f"{{{{ thing }}}} {number}: {{{{ temperature }}}} °C",
        mqttwarn_topic=f"house/{number}/+",
        mqttwarn_filter="value['temperature'] > 50",
        mqttwarn_format=f"climate {number}: {{temperature}} °C",
    )


def _climate(temperature: int) -> bytes:
    return (
        b'{"battery":100,"linkquality":83,"temperature":%d,"voltage":3025,"water_leak":false}'
        % temperature
    )


def _real() -> list[tuple[str, bytes]]:
    """Return the payloads of the demonstration, one for each topic: a second one would flap."""
    lines = files("kilopush_bridge.demo").joinpath("mqtt.jsonl").read_text().splitlines()
    examples = [json.loads(line) for line in lines]
    first = {one["topic"]: one["payload"].encode() for one in reversed(examples)}
    return list(first.items())
