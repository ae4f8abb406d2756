"""Every recorded payload through the example configuration, with the expected outcome as a file.

`UPDATE_GOLDEN=1 pytest tests/unit/test_samples.py` writes the file anew; look at the difference.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kilopush_bridge.config import load_config
from kilopush_bridge.demo.demo import DEMO_VALUES, example_config
from kilopush_bridge.demo.devices import samples
from kilopush_bridge.model import Alert, Received
from kilopush_bridge.rules import Engine
from kilopush_bridge.templates import Renderer

if TYPE_CHECKING:
    from kilopush_bridge.config import Config

GOLDEN = Path(__file__).with_name("samples.golden.json")
NOW_S = 1_750_000_000.0


def outcomes(config: Config) -> list[dict[str, Any]]:
    """Return what each recorded payload does, in order, to a bridge that starts with no state."""
    engine, renderer = Engine(config.rules, {}, config.zone), Renderer()
    found = []
    for number, one in enumerate(samples()):
        received = Received(one.topic, one.payload.encode())
        results = engine.handle(received, NOW_S + 60 * number)
        messages = [renderer.render(one) for one in results if isinstance(one, Alert)]
        said = [
            f"{m.kind} {m.priority.word} to {'+'.join(m.to)}: {m.text} {m.url or ''}".strip()
            for m in messages
        ]
        found.append({"topic": one.topic, "payload": one.payload[:60], "says": said})
    assert renderer.failures == 0
    return found


def test_the_recorded_payloads_have_the_expected_outcome_under_the_example_configuration():
    found = outcomes(load_config(example_config(), DEMO_VALUES))
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    if os.environ.get("UPDATE_GOLDEN"):
        GOLDEN.write_text(text, encoding="utf-8")
    assert found == json.loads(GOLDEN.read_text(encoding="utf-8"))


def test_a_payload_that_says_nothing_about_a_rule_does_nothing():
    quiet = [one for one in outcomes(load_config(example_config(), DEMO_VALUES)) if not one["says"]]
    assert {"zigbee2mqtt/waterleak-bad", "zigbee2mqtt/aqara_water_leak"} <= {
        one["topic"] for one in quiet
    }
