"""Random stories, with and without crashes: the same alerts (promises D1, D2 and R1).

Messages come every 20 minutes, and every word has a time of its own between them, so that nothing
happens at the moment of something else. What may differ after a crash:

- a timer goes off up to 10 s later, and what is counted from it with it;
- an `event` is told twice (D2), or counted twice as withdrawn;
- what was on the way is sent again, and says that it may be a repeat;
- a group that was open is sent at once, so its lines can be in two messages.

So lines are compared, not messages; without their ages and "(may be a repeat)"; each within
`SLACK_S` of the same line of the other story; and only lines of events may be there once more.
Digests are left out of that: what goes there is a matter of the delivery. At the end the same keys
fire, are muted and cool down, acknowledged or not.
"""

import asyncio
import random
import re
from dataclasses import replace
from pathlib import Path

import pytest
from timeline.house import HEAD, House, configuration, events

from kilopush_bridge.config import Config

SEQUENCES = 200
AT_ONCE = 10
STEPS = 20
GRID_S = 1200
SLACK_S = 75.0
URGENT = HEAD.replace("{to: me}", "{to: me, priority: high}")  # less is summed up after a crash
RULES = """
leak:
  topic: leak/+device
  when: value.leak
  priority: critical
  message: "Water at {{ device }}"
  recovered: "{{ device }} is dry"
  repeat: [10m 7s, 45m 7s]
window:
  topic: window/+device
  when: not value.contact
  for: 15m 31s
  cooldown: 1h 1m 43s
  message: "{{ device }} is open"
  recovered: "{{ device }} is closed"
offline:
  topic: avail/+device
  when: offline(value)
  for: 25m 53s
  unless: down
  group: 20s
  repeat: [30m 11s]
  message: "{{ device }} is offline"
  recovered: "{{ device }} is online"
down:
  topic: bridge
  when: offline(value)
  for: 1m 19s
  message: "the bridge is down"
  recovered: "the bridge is up"
seen:
  topic: camera/+device
  event: value.person
  group: 20s
  unless: [down, update]
  message: "Seen at {{ device }}"
motion:
  topic: motion/+device
  event: value.occupancy
  clear_after: 35m 23s
  cooldown: 55m 37s
  repeat: [10m 13s]
  message: "Motion at {{ device }}"
  recovered: "Nobody at {{ device }}"
update:
  topic: update
  event: value.running
  clear_after: 30m 29s
  message: "Seen: an update"
silent:
  topic: sensor/+device
  stale: 1h 2m 17s
  repeat: [50m 3s]
  unless: update
  message: "{{ device }} is silent"
  recovered: "{{ device }} speaks"
door:
  topic: door/+device
  when: not value.contact
  limit: 2 per hour
  message: "Door {{ device }} is open"
  recovered: "Door {{ device }} is closed"
"""
EVENTS = ("Seen",)
TOPICS = {
    "leak": ('{"leak": true}', '{"leak": false}', '{"leak": null}'),
    "window": ('{"contact": false}', '{"contact": true}'),
    "avail": ("offline", "online"),
    "bridge": ("offline", "online"),
    "camera": ('{"person": true}',),
    "motion": ('{"occupancy": true}',),
    "update": ('{"running": true}',),
    "sensor": ("20",),
    "door": ('{"contact": false}', '{"contact": true}'),
}
NAMES = re.findall(r"^(\w+):", RULES, re.MULTILINE)
STATES = "SELECT rule, key, phase, is_acknowledged FROM firing WHERE phase <> 'heard' ORDER BY 1, 2"


@pytest.mark.parametrize("first", range(0, SEQUENCES, AT_ONCE))
def test_crashes_change_nothing_that_anybody_is_told(first: int, tmp_path: Path):
    config = configuration(RULES, tmp_path, URGENT)
    for seed in range(first, first + AT_ONCE):
        dice = random.Random(seed)
        calm, crashed = scripts(dice)
        told, states = live(calm, replace(config, state=tmp_path / f"{seed}.calm"))
        told_too, states_too = live(crashed, replace(config, state=tmp_path / f"{seed}.crash"))
        assert difference(told, told_too) == "", f"seed {seed}\n{crashed}"
        assert states == states_too, f"seed {seed}\n{crashed}"


def scripts(dice: random.Random) -> tuple[str, str]:
    """Return a random script, and the same with crashes."""
    calm, crashed = [], []
    crashes = set(dice.sample(range(STEPS), 3))
    silent_at = dice.randrange(2 * STEPS)  # in every other story the network is down for a while
    topic = ""
    for step in range(STEPS):
        at_s = (step + 1) * GRID_S
        if not topic or dice.random() < 0.5:  # else the same speaks again
            topic = dice.choice(list(TOPICS))
            topic += "" if topic in {"bridge", "update"} else f"/{dice.choice('aab')}"
        is_change = silent_at <= step <= silent_at + 1
        phone = "phone off" if step == silent_at else "phone on"
        what = phone if is_change else happening(topic, dice)
        calm.append(f"{at_s} {what}")
        if step not in crashes:
            crashed.append(f"{at_s} {what}")
        elif "/" in what or what.startswith(("bridge", "update")):
            crashed.append(f"{at_s} crash {dice.choice(('before', 'amid', 'after'))} {what}")
        else:
            at_too_s = at_s + GRID_S // 2 + dice.randrange(1, 60)
            crashed += [f"{at_s} {what}", f"{at_too_s} crash", f"{at_too_s} online"]
    end = f"{(STEPS + 1) * GRID_S} end"
    return "\n".join([*calm, end]), "\n".join([*crashed, end])


def happening(topic: str, dice: random.Random) -> str:
    number = dice.random()
    if number < 0.08:
        return f"ack {dice.choice(NAMES)}"
    if number < 0.16:
        return f"snooze {dice.choice(NAMES)} {dice.choice(('0', '33m41s', '2h3m59s'))}"
    return f"{topic} {dice.choice(TOPICS[topic.partition('/')[0]])}"


def live(script: str, config: Config) -> tuple[list[tuple[float, str]], list[tuple[str, ...]]]:
    house = House(config, random.Random(0))
    house.look = lambda state: list(map(tuple, state.execute(STATES)))
    house.flush_every_s = GRID_S / 2
    shown = asyncio.run(house.live(events(script)))
    lines = [
        (at_s, plain(line))
        for at_s, text in shown
        for line in text.partition(" ")[2].split(" | ")
        if not re.match(r"\d+ alerts, ", line)
    ]
    return lines, house.answer


def plain(line: str) -> str:
    """Return a line without what depends on the second."""
    return re.sub(r" \((for [^)]*|[^)]* ago|may be a repeat)\)", "", line)


def difference(told: list[tuple[float, str]], told_too: list[tuple[float, str]]) -> str:
    """Return what one story tells and the other one does not."""
    rest = list(told_too)
    for at_s, line in told:
        fitting = [one for one in rest if one[1] == line and abs(one[0] - at_s) <= SLACK_S]
        if not fitting:
            return f"missing: {at_s:.0f} {line}"
        rest.remove(min(fitting, key=lambda one: abs(one[0] - at_s)))
    for at_s, line in rest:
        if not line.startswith(EVENTS) or (line not in [text for _, text in told]):
            return f"too much: {at_s:.0f} {line}"
    return ""
