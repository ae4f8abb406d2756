"""Who talks at a broker, told from a few topics, and which rules suit them.

Nothing here needs a subscription to `#`: these few filters bring mostly retained messages, which
come at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kilopush_bridge.topics import covers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_ON_AND_OFF = ("online", "offline")
# They say `online` below a topic of one level, too, and are no ESPHome devices.
_NO_DEVICES = ("homeassistant/status", "kilopush/status")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of device or program.

    `says` are the payloads that tell it from others on the same topic; empty: any.
    """

    name: str
    heard_at: str  # topic filter
    says: tuple[str, ...] = ()
    offline: str | None = None  # topic filter of a rule, where it says that it is gone
    rules: tuple[str, ...] = ()


KINDS = (
    Kind(
        "Zigbee2MQTT",
        "zigbee2mqtt/bridge/state",
        rules=("water leak", "zigbee2mqtt down", "battery low"),
    ),
    Kind(
        "Zigbee2MQTT",
        "zigbee2mqtt/+/availability",
        offline="zigbee2mqtt/+device/availability",
    ),
    Kind("Tasmota", "tele/+/LWT", offline="tele/+device/LWT"),
    Kind("ESPHome", "+/status", _ON_AND_OFF, offline="+device/status"),
    Kind("Shelly", "+/online", ("true", "false"), offline="+device/online"),
    Kind("Shelly", "shellies/+/online", offline="shellies/+device/online"),
    Kind("Frigate", "frigate/available", _ON_AND_OFF, rules=("person", "frigate down")),
    Kind("Homie", "homie/5/+/$state", rules=("device trouble",)),
)
FILTERS = tuple(kind.heard_at for kind in KINDS)

_OFFLINE_RULE = "device offline"
_CAUSE = "zigbee2mqtt down"  # takes the devices behind it with it
# The rules of a file for a house that was silent.
_EXAMPLES = ("water leak", _OFFLINE_RULE, "zigbee2mqtt down")

_RULES = {
    "water leak": """\
  water leak:                     # one rule for every sensor: +device is MQTT's + with a name
    topic: zigbee2mqtt/+device
    when: water_leak              # a state: told when it begins, and when it is over
    priority: critical            # always gets through
    message: "💧 Water at {{ device }}"
    recovered: "{{ device }} is dry again after {{ lasted }}"
""",
    "zigbee2mqtt down": """\
  zigbee2mqtt down:
    topic: zigbee2mqtt/bridge/state
    when: offline(value)          # Offline, offline, false, lost, {"state": "offline"}
    priority: high
    message: "zigbee2mqtt is down"
    recovered: "zigbee2mqtt is up again after {{ lasted }}"
""",
    "battery low": """\
  battery low:
    topic: zigbee2mqtt/+device
    when: battery < 15 or battery_low
    until: battery > 20
    priority: low                 # sent without a sound
    message: "The battery of {{ device }} is low"
""",
    "person": """\
  person:
    topic: frigate/reviews
    event: after.severity == 'alert' and before.severity != 'alert'   # each one counts
    key: after.id
    message: "{{ after.data.objects | join(', ') }} at {{ after.camera }}"
""",
    "frigate down": """\
  frigate down:
    topic: frigate/available
    when: offline(value)
    message: "Frigate is down"
    recovered: "Frigate is up again after {{ lasted }}"
""",
    "device trouble": """\
  device trouble:                 # Homie: a text while it lasts, empty when it is solved
    topic: homie/5/+device/$alert/+what
    when: value != ''
    message: "{{ device }}: {{ value }}"
""",
}


def kinds_in(heard: Iterable[tuple[str, bytes]]) -> tuple[Kind, ...]:
    """Return who talks, given topics and payloads."""
    found = {kind for topic, payload in heard if (kind := _kind_of(topic, payload)) is not None}
    return tuple(kind for kind in KINDS if kind in found)


def names_of(kinds: Iterable[Kind]) -> tuple[str, ...]:
    """Return the names of kinds, each once."""
    return tuple(dict.fromkeys(kind.name for kind in kinds))


def rules_for(kinds: Sequence[Kind]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the rules that suit what was heard by name, and others worth having as an example."""
    names = [name for kind in kinds for name in kind.rules]
    topics = [kind.offline for kind in kinds if kind.offline]
    rules = {name: _RULES[name] for name in names}
    if topics:
        rules[_OFFLINE_RULE] = _offline_rule(topics, has_cause=_CAUSE in rules)
    if len(rules) >= len(_EXAMPLES):
        return rules, {}
    every_topic = [kind.offline for kind in KINDS if kind.offline]
    examples = {**_RULES, _OFFLINE_RULE: _offline_rule(every_topic, has_cause=True)}
    return rules, {name: examples[name] for name in _EXAMPLES if name not in rules}


def _kind_of(topic: str, payload: bytes) -> Kind | None:
    if topic in _NO_DEVICES:
        return None
    text = payload.decode(errors="replace").strip().lower()
    for kind in KINDS:
        if covers(kind.heard_at, topic) and (not kind.says or text in kind.says):
            return kind
    return None


def _offline_rule(topics: Sequence[str], *, has_cause: bool) -> str:
    """Return the rule; a cause that is not among the rules cannot be named."""
    is_symptom = has_cause and any(one.startswith("zigbee2mqtt/") for one in topics)
    unless = f"    unless: {_CAUSE}      # the cause silences its symptoms\n" if is_symptom else ""
    if len(topics) == 1:
        topic = f" {topics[0]}\n"
    else:
        topic = "".join(["\n", *(f"      - {one}\n" for one in topics)])
    return f"""\
  {_OFFLINE_RULE}:
    topic:{topic}\
    when: offline(value)          # Offline, offline, false, lost, {{"state": "offline"}}
    for: 5m                       # only if it lasts
{unless}    message: "{{{{ device }}}} is offline"
    recovered: "{{{{ device }}}} is back after {{{{ lasted }}}}"
"""
