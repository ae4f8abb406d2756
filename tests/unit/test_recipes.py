"""docs/recipes.md: every rule loads, and every story is what the phone shows."""

import json
import re
import textwrap
from pathlib import Path

import pytest
from timeline.house import HEAD, configuration, run

from kilopush_bridge.demo.devices import samples

PAGE = (Path(__file__).parents[2] / "docs" / "recipes.md").read_text(encoding="utf-8")
RECIPE = re.compile(
    r"^### (?P<name>.+?)\n\n```yaml\nalerts:\n(?P<rules>.*?)^```\n\n```\n(?P<story>.*?)^```$",
    re.DOTALL | re.MULTILINE,
)
SYSTEM = re.compile(r"^## (.+)$", re.MULTILINE)
PHONE = "phone: "


def recipes():
    """Name, rules and story of each recipe; the name has that of the system before it."""
    found = []
    for one in RECIPE.finditer(PAGE):
        system = SYSTEM.findall(PAGE, 0, one.start())[-1]
        name = f"{system}: {one['name']}"
        found.append(pytest.param(textwrap.dedent(one["rules"]), one["story"], id=name))
    return found


def told(story):
    """Split a story into what happens and what the phone shows."""
    script, shown = [], []
    for line in story.splitlines():
        when, _, what = line.partition(" ")
        if not when:  # the next line of a message
            shown[-1] += f" | {what.strip()}"
        elif what.strip().startswith(PHONE):
            shown.append(f"{when} {what.strip().removeprefix(PHONE)}")
        else:
            script.append(f"{when} {what.strip()}")
    return script, shown


def play(rules, script, end):
    lines = run(rules, "\n".join([*script, f"{end} end"]))
    return [line for _, line in lines]


@pytest.mark.parametrize(("rules", "story"), recipes())
def test_a_recipe_does_what_its_story_says(rules, story):
    script, shown = told(story)
    times = [line.partition(" ")[0] for line in (*script, *shown)]
    assert play(rules, script, max(times, key=seconds_of)) == shown


@pytest.mark.parametrize(("rules", "story"), recipes())
def test_a_recipe_loads_without_a_warning(tmp_path, rules, story):
    assert configuration(rules, tmp_path, HEAD).warnings == ()


def test_every_recipe_of_the_page_is_tested():
    blocks = re.findall(r"^```yaml$", PAGE, re.MULTILINE)
    assert len(list(recipes())) == len(blocks) == len(re.findall(r"^### ", PAGE, re.MULTILINE))
    assert set(SYSTEM.findall(PAGE)) == {
        "Zigbee2MQTT",
        "Tasmota",
        "Frigate",
        "ESPHome",
        "Shelly",
        "rtl_433",
        "OwnTracks",
    }


def test_payloads_of_stories_are_json_where_they_look_like_it():
    for line in PAGE.splitlines():
        if "{" in line and (found := re.match(r"\S+ +\S.*? (\{.*\})$", line)) and "{{" not in line:
            json.loads(found[1])


def seconds_of(when):
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1, "": 1}
    return sum(int(number) * units[unit] for number, unit in re.findall(r"(\d+)([dhms]?)", when))


@pytest.mark.parametrize(
    ("recipe", "topic", "text"),
    [
        ("Door left open", "zigbee2mqtt/SZ_WINDOW01", "SZ_WINDOW01 is still open"),
        ("A device is offline, and why", "zigbee2mqtt/my_bulb/availability", "my_bulb is offline"),
        ("A plug is offline", "tele/tasmota_XXXXXX/LWT", "tasmota_XXXXXX is offline"),
        (
            "The boiler is too hot",
            "tele/sonoff_shalb_boiler/SENSOR",
            "sonoff_shalb_boiler: 56.8 °C",
        ),
        ("A person in the yard", "frigate/reviews", "person, car at front_cam"),
        ("Frigate or a camera is down", "frigate/available", "Frigate is down"),
        (
            "Frigate or a camera is down",
            "frigate/front_door/status/detect",
            "front_door has no picture",
        ),
        (
            "A fire alarm is heard",
            "frigate/front_door/audio/fire_alarm",
            "🔥 front_door hears a fire alarm",
        ),
        ("A node is offline", "livingroom/status", "livingroom is offline"),
        (
            "Water, or a cable that is gone",
            "shellyfloodg4-7c2c67722288/status/flood:0",
            "shellyfloodg4-7c2c67722288 cannot measure: cable_unplugged",
        ),
        (
            "The iron is still on",
            "shelly1pmminig3-5432044edbc0/status/switch:0",
            "shelly1pmminig3-5432044edbc0 is still on",
        ),
        (
            "A button on the wall",
            "shellyplus1-a8032abc7158/events/rpc",
            "shellyplus1-a8032abc7158 was pressed twice",
        ),
        (
            "A device is offline",
            "shellyplus1pm-Kuechenblock/online",
            "shellyplus1pm-Kuechenblock is offline",
        ),
        (
            'A leak sensor that never says "dry"',
            "rtl_433/9b13b3f4-rtl433/events",
            "💧 Water at sensor 56948 (Govee-Water)",
        ),
    ],
)
def test_a_recorded_payload_is_told(recipe, topic, text):
    [rules] = [found["rules"] for found in RECIPE.finditer(PAGE) if found["name"] == recipe]
    payload = next(one.payload for one in samples() if one.topic == topic)
    [line, *_] = play(rules, [f"0 {topic} {payload}"], "1h")
    assert line.partition(" ")[2] == text


def test_all_recipes_together_tell_nothing_of_payloads_without_a_value():
    rules = "\n".join(found["rules"] for found in RECIPE.finditer(PAGE))
    heard = [one for one in samples() if " " not in one.topic]
    script = [f"{number} {one.topic} {one.payload}" for number, one in enumerate(heard)]
    texts = {line.partition(" ")[2] for line in play(rules, script, "59m")}
    assert {"livingroom is offline", "person, car at front_cam"} <= texts
    assert not [text for text in texts if "nan" in text or "None" in text or "leak-bad" in text]
