"""The examples do what they say, on boards that are made up, through a real connection."""

import json

import pytest
from micropython import interpreters

from kilopush_bridge.emulator import running_emulator

SCRIPT = interpreters.HERE / "scripts" / "run_example.py"
EXAMPLES = interpreters.SOURCES / "examples"
DAY_MS = 24 * 60 * 60 * 1000
AGAIN_MS = 15 * 60 * 1000
OPENS = [33, 1]
CLOSES = [33, 0]


@pytest.fixture(params=[False, True], ids=["sources", "built"])
def tell(request):
    """Return a function that runs an example, and returns its messages and what it printed."""

    def run(name):
        with running_emulator() as emulator:
            result = interpreters.run("unix", SCRIPT, name, emulator.url, built=request.param)
            records = emulator.delivered
        assert result.returncode == 0, result.stdout + result.stderr
        *printed, last = result.stdout.splitlines()
        return [one.fields["message"] for one in records], json.loads(last), printed

    return run


def test_the_door_is_told_and_the_board_sleeps(tell):
    messages, found, _ = tell("esp32_door")
    assert messages == ["Shed: Door open", "Shed: Door open (before a restart)"]
    assert found["sleeps"] == [
        [DAY_MS, OPENS],
        [DAY_MS, CLOSES],
        [DAY_MS, OPENS],
        [AGAIN_MS, OPENS],
        [DAY_MS, OPENS],
    ]
    assert found["connects"] == [1, 3]


def test_the_boiler_is_told_once_when_hot_once_when_cool_and_when_nobody_knows(tell):
    messages, found, _ = tell("picow_boiler")
    assert messages == [
        "Boiler: 93 °C",
        "Boiler: Cool again: 79 °C",
        "Boiler: The sensor does not answer",
    ]
    assert found["ends"] == "end of the story"
    assert found["longest_ms"] < 8000


def test_the_loop_tells_of_water_and_gets_its_wifi_back(tell):
    messages, found, printed = tell("plain_loop")
    assert messages[0] == "Cellar: Water!"
    assert len(messages) == 2
    assert found["longest_ms"] < 8000
    assert printed[0] == "status 200 for 1 alarms; 299 messages left"


@pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.py")), ids=lambda path: path.stem)
def test_an_example_is_short(path):
    assert len(path.read_text().splitlines()) < 80
