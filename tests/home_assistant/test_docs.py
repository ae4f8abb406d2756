"""The pages about Home Assistant are true: Home Assistant takes their examples, and they send."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from builders import ANNA, BEN, SECRET, TOKEN, channel_entry
from homeassistant.auth.mfa_modules import auth_mfa_module_from_config
from homeassistant.components.automation.config import async_validate_config_item
from homeassistant.core import Context
from homeassistant.core_config import CORE_CONFIG_SCHEMA, async_process_ha_core_config
from homeassistant.helpers import config_validation as cv
from homeassistant.helpers.script import Script, async_validate_actions_config
from homeassistant.setup import async_setup_component
from homeassistant.util.yaml.loader import parse_yaml
from kilo import OPTED_OUT, Kilo, async_set_up
from pytest_homeassistant_custom_component.common import async_capture_events

from custom_components.kilopush.const import CONF_LEGACY_ACTIONS
from custom_components.kilopush.outbox.digest import Digest, digest_text
from custom_components.kilopush.outbox.model import Delivery, EventType, Outcome, Priority
from custom_components.kilopush.services import EXTRAS

if TYPE_CHECKING:
    from homeassistant.core import HomeAssistant

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/home-assistant.md").read_text(encoding="utf-8")
MOVING = (ROOT / "docs/moving-to-kilopush.md").read_text(encoding="utf-8")
ADDRESS = {"external_url": "https://home.example", "internal_url": "http://192.0.2.2:8123"}

ACTION = "# an action"
AUTOMATIONS = "# automations.yaml"
SCRIPTS = "# scripts.yaml"
CONFIGURATION = "# configuration.yaml"
BRIDGE = "# config.yaml of the bridge"
BEFORE = "# before"
KINDS = (ACTION, AUTOMATIONS, SCRIPTS, CONFIGURATION, BRIDGE, BEFORE)


def blocks(page: str, *kinds: str) -> list[str]:
    """Return the YAML examples of a page; their first line says what they are."""
    found = re.findall(r"^```yaml\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return [block for block in found if block.startswith(kinds or "")]


def named(kind: str, pages: str = PAGE + MOVING) -> list[Any]:
    return [
        pytest.param(block, id=f"{kind.strip('# ')} {number}")
        for number, block in enumerate(blocks(pages, kind), 1)
    ]


@pytest.fixture
def kilo(aioclient_mock):
    return Kilo(aioclient_mock)


@pytest.fixture
async def home(hass, kilo):
    """Set up what the pages speak of: a channel "Home" with Anna and Ben."""
    await async_process_ha_core_config(hass, ADDRESS)
    return await async_set_up(hass, channel_entry("Anna", "Ben", **{CONF_LEGACY_ACTIONS: True}))


def test_every_example_says_what_it_is():
    assert blocks(PAGE + MOVING) == blocks(PAGE + MOVING, *KINDS)


@pytest.mark.parametrize("example", named(ACTION))
async def test_an_action_of_the_pages_sends_what_it_says(hass, kilo, home, example):
    action = parse_yaml(example)
    await async_run(hass, [action])
    data = action["data"]
    assert kilo.texts
    for post in kilo.posts:
        assert post["message"].endswith(data["message"])
        assert post["message"].startswith(data.get("title", ""))
        assert post.get("url", "").endswith(data.get("url", ""))


@pytest.mark.parametrize("example", named(AUTOMATIONS))
async def test_an_automation_of_the_pages_is_valid_and_runs(hass, kilo, home, example):
    copy_blueprints(hass)
    for sensor in ("cellar_leak", "kitchen_leak"):
        hass.states.async_set(f"binary_sensor.{sensor}", "on")
    configs = parse_yaml(example)
    assert await async_setup_component(hass, "automation", {"automation": configs})
    for config in configs:
        valid = await async_validate_config_item(hass, config["alias"], config)
        assert valid.validation_error is None
        if "use_blueprint" in config:
            continue
        await async_run(hass, config["actions"], {"trigger": {"to_state": event_of_anna()}})
        assert kilo.texts


def event_of_anna():
    return {"attributes": {"event_type": "dead", "title": "Water", "priority": "critical"}}


async def test_the_freezer_is_told_when_it_was_too_warm_for_long_enough(hass, kilo, home):
    (automations,) = [block for block in blocks(PAGE, AUTOMATIONS) if "Freezer" in block]
    hass.states.async_set("sensor.freezer", "-9")
    await async_run(hass, parse_yaml(automations)[0]["actions"])
    assert kilo.texts == 2 * ["Freezer\n\n-9 °C in the freezer"]


async def test_ben_hears_of_what_did_not_reach_anna(hass, kilo, home):
    (automation,) = [block for block in blocks(PAGE, AUTOMATIONS) if "did not reach" in block]
    assert await async_setup_component(hass, "automation", {"automation": parse_yaml(automation)})
    kilo.answers[ANNA] = OPTED_OUT
    water = {"title": "Water", "message": "Cellar", "priority": "critical"}
    step = {"action": "kilopush.send_message", "target": {"entity_id": "notify.anna"}}
    await async_run(hass, [step | {"data": water, "continue_on_error": True}])
    await hass.async_block_till_done()
    assert kilo.texts_to(BEN) == ["Anna did not get this\n\nWater"]


@pytest.mark.parametrize("example", named(SCRIPTS))
async def test_a_script_of_the_pages_is_valid_and_sends(hass, kilo, home, example):
    scripts = parse_yaml(example)
    assert await async_setup_component(hass, "script", {"script": scripts})
    for name in scripts:
        assert hass.states.get(f"script.{name}").state == "off"
        await hass.services.async_call("script", name, blocking=True)
    assert len(kilo.texts) in (1, 2)


async def test_a_script_goes_on_after_an_error_if_it_says_so(hass, kilo, home):
    (script,) = [block for block in blocks(PAGE, SCRIPTS) if "continue_on_error" in block]
    events = async_capture_events(hass, "house_was_locked")
    assert await async_setup_component(hass, "script", {"script": parse_yaml(script)})
    kilo.answers[ANNA] = OPTED_OUT
    await hass.services.async_call("script", "leave", blocking=True)
    assert kilo.texts_to(BEN) == ["The house is locked"]
    assert len(events) == 1


@pytest.mark.parametrize("example", named(CONFIGURATION))
async def test_a_configuration_of_the_pages_is_taken(hass, kilo, example):
    config = parse_yaml(example)
    assert CORE_CONFIG_SCHEMA(config.pop("homeassistant", {})) is not None
    for domain in config:
        assert await async_setup_component(hass, domain, config)


async def test_the_alert_of_the_page_reaches_everyone(hass, kilo, home):
    (example,) = [block for block in blocks(PAGE, CONFIGURATION) if "alert:" in block]
    hass.states.async_set("binary_sensor.freezer_warm", "off")
    alert = {"alert": parse_yaml(example)["alert"]}
    assert await async_setup_component(hass, "alert", alert)
    hass.states.async_set("binary_sensor.freezer_warm", "on")
    await hass.async_block_till_done()
    hass.states.async_set("binary_sensor.freezer_warm", "off")
    await hass.async_block_till_done()
    assert kilo.texts_to(ANNA) == ["Freezer is too warm", "Freezer is cold again"]
    assert kilo.texts_to(BEN) == kilo.texts_to(ANNA)


async def test_the_group_of_the_page_is_silent_for_ben_only(hass, kilo):
    (example,) = [block for block in blocks(PAGE, CONFIGURATION) if "platform: group" in block]
    config = {"notify": parse_yaml(example)["notify"]}
    assert await async_setup_component(hass, "notify", config)
    await async_set_up(hass, channel_entry("Anna", "Ben", **{CONF_LEGACY_ACTIONS: True}))
    await hass.services.async_call("notify", "parents", {"message": "Dinner"}, blocking=True)
    assert {post["to"]: post["silent"] for post in kilo.posts} == {ANNA: "0", BEN: "1"}


async def test_a_code_for_logging_in_can_go_to_the_action_of_the_page(hass, kilo, home):
    (example,) = [block for block in blocks(PAGE, CONFIGURATION) if "auth_mfa_modules" in block]
    config = parse_yaml(example)["homeassistant"]["auth_mfa_modules"][0]
    module = await auth_mfa_module_from_config(hass, config)
    assert module.aync_get_available_notify_services() == ["kilopush_home_anna"]


@pytest.mark.parametrize("example", named(BRIDGE))
def test_what_the_bridge_is_told_is_a_configuration_of_the_bridge(example, tmp_path):
    config = pytest.importorskip("kilopush_bridge.config")
    rest = {
        "mqtt": {"url": "mqtt://localhost"},
        "channels": {"home": {"token": TOKEN, "secret": SECRET}},
        "people": {"anna": ANNA},
        "defaults": {"to": "anna"},
    }
    path = tmp_path / "config.yaml"
    path.write_text(yaml.safe_dump(rest) + example, encoding="utf-8")
    loaded = config.load_config(path)
    assert loaded.grants["homeassistant"].priority == Priority.CRITICAL


@pytest.mark.parametrize("example", named(BEFORE))
def test_what_people_have_before_is_yaml(example):
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!secret", lambda loader, node: node.value)
    assert yaml.load(example, Loader)


def test_the_page_names_every_field_priority_event_and_status():
    words = set(re.findall(r"`([\w.]+)`", PAGE))
    assert {str(field) for field in EXTRAS} | {"message", "title"} <= words
    assert {priority.word for priority in Priority} <= words
    assert {event.value for event in EventType} <= words
    assert {"sent", "bridge", "digest", "pending"} <= words & set(Outcome)


async def test_the_page_names_every_entity(hass, home):
    entities = {state.entity_id for state in hass.states.async_all()}
    ours = {one for one in entities if "anna" in one or one.split(".")[1].startswith("home_")}
    assert ours | {"sensor.home_last_error"} == named_entities(PAGE)


def named_entities(page: str) -> set[str]:
    table = page.partition("## 6. Entities")[2].partition("## 7.")[0]
    return set(re.findall(r"^\| `([\w.]+_?\w*\.\w+)` \|", table, re.MULTILINE))


def test_the_digest_on_the_page_is_what_a_phone_would_show():
    digest = Digest(0)
    said = [
        ("Leak", "Hall is dry again", [(13, 5)], Priority.NORMAL),
        ("Left open", "Window has been open for 15 min", [(13, 10), (16, 2)], Priority.HIGH),
        ("", "The wash is done", [(13, 2), *[(15, 9)] * 4, (16, 5)], Priority.NORMAL),
    ]
    for title, text, times, priority in said:
        for hour, minute in times:
            digest.add(delivery(title, text, at(hour, minute), priority))
    assert f"```\n{digest_text(digest, at(19, 0), UTC)}\n```" in PAGE


def at(hour: int, minute: int) -> float:
    return datetime(2026, 11, 2, hour, minute, tzinfo=UTC).timestamp()


def delivery(title: str, text: str, at_s: float, priority: Priority) -> Delivery:
    return Delivery(
        id=1,
        person="anna",
        name=title,
        text=f"{title}\n\n{text}".strip(),
        url=None,
        silent=False,
        priority=priority,
        key="",
        created_at_s=at_s,
        expires_at_s=None,
        due_at_s=at_s,
    )


def test_links_between_the_pages_lead_somewhere():
    for name in ("home-assistant.md", "moving-to-kilopush.md", "releasing.md"):
        for target in re.findall(r"\]\(([^)#][^)]*)\)", (ROOT / "docs" / name).read_text()):
            if "://" in target:
                continue
            file, _, headline = target.partition("#")
            path = (ROOT / "docs" / file).resolve()
            assert path.exists(), target
            assert not headline or headline in anchors(path.read_text()), target
    inside = re.findall(r"\]\(#([^)]*)\)", PAGE + MOVING)
    assert set(inside) <= anchors(PAGE) | anchors(MOVING)


def anchors(page: str) -> set[str]:
    headlines = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line).strip().lower().replace(" ", "-") for line in headlines}


def copy_blueprints(hass: HomeAssistant) -> None:
    source = ROOT / "custom_components/kilopush/blueprints/automation"
    target = hass.config.path("blueprints/automation/kilopush")
    shutil.copytree(source, target, dirs_exist_ok=True)


async def async_run(hass: HomeAssistant, actions: list[Any], variables: Any = None) -> None:
    """Run actions as an automation does."""
    valid = await async_validate_actions_config(hass, cv.SCRIPT_SCHEMA(actions))
    script = Script(hass, valid, "page", "test")
    await script.async_run(variables, context=Context())
    await hass.async_block_till_done()
