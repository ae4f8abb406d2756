"""Nothing silently lost (promise G2): what was not told is counted, with its reason."""

import asyncio
import random
from pathlib import Path

import pytest
from timeline.house import House, books, configuration, events, story, tale

from kilopush_bridge.outbox.report import summary

RULES = """
down: {topic: z/bridge, when: offline(value), message: "the bridge is down"}
door:
  topic: z/+device
  except: z/bridge
  when: not contact
  to: [me, anna]
  unless: down
  cooldown: 10m
  message: "{{ device }} is open"
seen: {topic: f/+camera, event: person, cooldown: 5m, message: "Somebody at {{ camera }}"}
bell: {topic: b/+door, event: ring, limit: 1 per hour, message: "{{ door }} rings"}
"""


def counts(rules: str, script: str, folder: Path) -> dict[str, int]:
    """Return what `status` says of the alerts in the end."""
    house = House(configuration(rules, folder), random.Random(0))
    house.look = lambda state: summary(state)["alerts"]
    asyncio.run(house.live(events(script)))
    return house.answer


@pytest.mark.parametrize(
    ("script", "reasons"),
    [
        (
            """
            0 snooze door 1h
            1m z/gate {"contact": false}
            2m z/gate {"contact": true}
            2h end
            """,
            "snoozed; over after 1 min",
        ),
        (
            """
            0 z/bridge offline
            1m z/gate {"contact": false}
            2m z/gate {"contact": true}
            2h end
            """,
            "muted by down; over after 1 min",
        ),
    ],
)
def test_each_person_is_counted(script: str, reasons: str):
    assert books(RULES, script) == "\n".join([f"withdrawn door: {reasons}"] * 2)


def test_the_reason_is_what_muted_it_last():
    # alertmanager#876: why was I not told?
    script = """
        0 z/gate {"contact": false}
        1m z/gate {"contact": true}
        2m z/gate {"contact": false}
        5m z/bridge offline
        15m z/gate {"contact": true}
        """
    assert books(RULES, script) == tale("""
        withdrawn door: muted by down; over after 13 min
        withdrawn door: muted by down; over after 13 min
        """)


def test_all_that_was_ever_decided_is_in_one_place(tmp_path: Path):
    script = """
        0 z/gate {"contact": false}
        1m z/gate {"contact": true}
        2m z/gate {"contact": false}
        3m z/gate {"contact": true}
        4m f/yard {"person": true}
        5m f/yard {"person": true}
        6m b/front {"ring": true}
        7m b/front {"ring": true}
        8m b/front {"ring": true}
        9m snooze bell 1h
        10m b/front {"ring": true}
        11m phone off
        12m z/hall {"contact": false}
        13m end
        """
    assert counts(RULES, script, tmp_path) == {
        "accepted": 12,
        "sent": 4,  # the gate to both, the yard, the front door
        "digested": 0,
        "pending": 4,  # the hall to both, and two rings for the digest
        "dead": 0,
        "withdrawn": 4,  # the gate to both, the yard once more, a ring in the snooze
    }


def test_a_story_that_mutes_everything_tells_nothing_and_counts_everything():
    script = "0 snooze seen 1d\n" + "\n".join(
        f'{minute}m f/yard {{"person": true}}' for minute in range(1, 101)
    )
    assert story(RULES, script) == ""
    assert books(RULES, script).splitlines() == ["withdrawn seen: snoozed"] * 100
