"""The integration is as Home Assistant and HACS want it; every check has been seen to fail."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hassfest
import pytest
import yaml

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
INTEGRATION = ROOT / "custom_components" / "kilopush"

MANIFEST = {
    "domain": "bell",
    "name": "Bell",
    "codeowners": ["@somebody"],
    "config_flow": True,
    "documentation": "https://example.org/bell",
    "integration_type": "service",
    "iot_class": "cloud_push",
    "issue_tracker": "https://example.org/bell/issues",
    "version": "1.2.3",
}
STRINGS = {
    "config": {
        "step": {
            "user": {
                "title": "A bell",
                "data": {"where": "Where it is"},
                "data_description": {"where": "As {example} says."},
            }
        },
        "abort": {"already_configured": "It is there."},
    },
    "config_subentries": {
        "door": {
            "entry_type": "Door",
            "initiate_flow": {"user": "Add a door"},
            "step": {"door": {"data": {"name": "Name"}}},
        }
    },
    "entity": {"sensor": {"rings": {"name": "Rings", "state": {"loud": "Loud"}}}},
    "exceptions": {"too_loud": {"message": "{name} is too loud."}},
    "issues": {"broken": {"title": "{name} is broken", "description": "Buy another."}},
    "selector": {"tone": {"options": {"high": "High"}}},
    "services": {
        "ring": {
            "name": "Ring",
            "description": "Rings it.",
            "fields": {
                "tone": {"name": "Tone", "description": "How it sounds."},
                "times": {"name": "Times", "description": "How often."},
            },
            "sections": {"more": {"name": "More"}},
        }
    },
}
ICONS = {
    "entity": {"sensor": {"rings": {"default": "mdi:bell", "state": {"loud": "mdi:bell-ring"}}}},
    "services": {"ring": {"service": "mdi:bell-ring"}},
}
SERVICES = {
    "ring": {
        "target": {"entity": {"domain": "sensor", "integration": "bell"}},
        "fields": {
            "tone": {
                "required": True,
                "selector": {"select": {"options": ["high"], "translation_key": "tone"}},
            },
            "more": {"fields": {"times": {"selector": {"number": {"min": 1, "max": 9}}}}},
        },
    }
}
PROGRAM = '''\
"""A bell."""

from homeassistant.components.sensor import SensorEntity
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir

from .const import DOMAIN, RINGS


class Rings(SensorEntity):
    _attr_translation_key = RINGS

    def ring(self):
        ir.async_create_issue(
            self.hass, DOMAIN, "b", translation_key="broken", translation_placeholders={"name": "B"}
        )
        raise HomeAssistantError(
            translation_domain=DOMAIN,
            translation_key="too_loud",
            translation_placeholders={"name": "B"},
        )
'''
FLOW = '''\
"""Its flow."""

from homeassistant.config_entries import ConfigFlow


class Flow(ConfigFlow):
    async def async_step_user(self):
        if self.is_there:
            return self.async_abort(reason="already_configured")
        return self.async_show_form(step_id="user")
'''


def test_the_files_are_there_and_every_json_file_is_one():
    assert problems(hassfest.files) == []


def test_the_manifest_has_what_it_needs_in_the_wanted_order():
    assert problems(hassfest.manifest) == []


def test_the_english_words_are_well_formed_and_the_same_in_both_files():
    assert problems(hassfest.strings) == []


def test_every_language_has_the_same_words_with_the_same_placeholders():
    assert problems(hassfest.translations) == []


def test_every_icon_exists_and_every_action_has_one():
    assert problems(hassfest.icons) == []


def test_every_action_has_fields_that_home_assistant_takes_and_words_for_them():
    assert problems(hassfest.services) == []


def test_the_program_asks_for_words_that_exist_and_for_all_of_them():
    assert problems(hassfest.translation_keys) == []


def test_every_rule_of_the_quality_scale_is_answered():
    assert problems(hassfest.quality_scale) == []


def test_the_pictures_have_the_sizes_that_are_shown():
    assert problems(hassfest.brand) == []


def test_the_folder_needs_nothing_but_home_assistant():
    assert problems(hassfest.self_contained) == []


def test_hacs_takes_the_repository():
    assert list(hassfest.hacs(ROOT)) == []


def test_a_good_integration_has_no_problems(sample: Path):
    assert {check.__name__: list(check(sample)) for check in hassfest.OF_FOLDER} == {
        check.__name__: [] for check in hassfest.OF_FOLDER
    }
    assert list(hassfest.hacs(sample.parents[1])) == []


def problems(check: Callable[[Path], Any]) -> list[str]:
    return list(check(INTEGRATION))


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    """Write a repository with a small integration that has everything; return its folder."""
    folder = tmp_path / "custom_components" / "bell"
    (folder / "translations").mkdir(parents=True)
    (folder / "brand").mkdir()
    (tmp_path / "hacs.json").write_text('{"name": "Bell", "homeassistant": "2026.8.0"}')
    (tmp_path / "README.md").write_text("# Bell\n")
    (tmp_path / "LICENSE").write_text("MIT\n")
    for name, content in {
        "manifest.json": MANIFEST,
        "strings.json": STRINGS,
        "translations/en.json": STRINGS,
        "translations/de.json": STRINGS,
        "icons.json": ICONS,
    }.items():
        (folder / name).write_text(json.dumps(content))
    (folder / "services.yaml").write_text(yaml.safe_dump(SERVICES))
    rules = dict.fromkeys(hassfest.RULES, "done")
    (folder / "quality_scale.yaml").write_text(yaml.safe_dump({"rules": rules}))
    (folder / "brand" / "icon.png").write_bytes(png(256, 256))
    (folder / "brand" / "icon@2x.png").write_bytes(png(512, 512))
    (folder / "__init__.py").write_text('"""A bell."""\n')
    (folder / "const.py").write_text('DOMAIN = "bell"\nRINGS = "rings"\n')
    (folder / "sensor.py").write_text(PROGRAM)
    (folder / "config_flow.py").write_text(FLOW)
    return folder


def png(width: int, height: int) -> bytes:
    """Return the beginning of a picture: nobody looks further."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height)


def change(name: str, *path: str, to: Any = None, of: str = "") -> Callable[[Path], None]:
    """Return what sets one value of a JSON or YAML file, or of `of` too; None takes it away."""

    def apply(folder: Path) -> None:
        for one in filter(None, (name, of)):
            load, dump = (
                (yaml.safe_load, yaml.safe_dump)
                if one.endswith(".yaml")
                else (json.loads, json.dumps)
            )
            content = load((folder / one).read_text())
            inner = content
            for key in path[:-1]:
                inner = inner.setdefault(key, {})
            if to is None:
                del inner[path[-1]]
            else:
                inner[path[-1]] = to
            (folder / one).write_text(dump(content))

    return apply


def words(*path: str, to: Any = None) -> Callable[[Path], None]:
    """Change strings.json and its copy."""
    return change("strings.json", *path, to=to, of="translations/en.json")


def write(name: str, text: str | bytes) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        data = text.encode() if isinstance(text, str) else text
        (folder / name).write_bytes(data)

    return apply


def append(name: str, text: str) -> Callable[[Path], None]:
    return lambda folder: write(name, (folder / name).read_text() + text)(folder)


def rename(name: str, to: str) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        (folder / name).rename(folder / to)

    return apply


def remove(name: str) -> Callable[[Path], None]:
    return lambda folder: (folder / name).unlink()


RAISE = 'raise HomeAssistantError(translation_domain=DOMAIN, translation_key="{}")\n'
STEP = ("config", "step", "user")
BROKEN = [
    ("files", remove("strings.json"), "strings.json is missing"),
    ("files", write("icons.json", "{,}"), "icons.json: "),
    ("files", write("icons.json", '{"a": 1, "a": 2}'), "a is there twice"),
    ("manifest", change("manifest.json", "version"), "version is missing"),
    ("manifest", change("manifest.json", "version", to="new"), "version is no version"),
    ("manifest", change("manifest.json", "colour", to="red"), "colour is no key"),
    ("manifest", change("manifest.json", "after_dependencies", to=[]), "the order is"),
    ("manifest", change("manifest.json", "domain", to="gong"), "not the name of the folder"),
    ("manifest", change("manifest.json", "iot_class", to="push"), "no such iot_class"),
    ("manifest", change("manifest.json", "integration_type", to="x"), "no such integration_type"),
    ("manifest", change("manifest.json", "codeowners", to=["me"]), "codeowners"),
    ("manifest", change("manifest.json", "config_flow"), "config_flow and config_flow.py"),
    ("manifest", remove("config_flow.py"), "config_flow and config_flow.py"),
    ("manifest", change("manifest.json", "issue_tracker", to="http://a"), "issue_tracker is"),
    ("manifest", change("manifest.json", "dependencies", to=["bells"]), "no integration bells"),
    ("strings", change("strings.json", *STEP, "title", to="B"), "en.json is not the same"),
    ("strings", words(*STEP, "title", to="<b>A</b> bell"), "has HTML"),
    ("strings", words(*STEP, "title", to="See https://a.example"), "has an address"),
    ("strings", words(*STEP, "title", to="The '{name}'"), "in single quotes"),
    ("strings", words(*STEP, "title", to="A bell "), "blanks around it"),
    ("strings", words(*STEP, "title", to="[%key:common::a%]"), "has a reference"),
    ("strings", words(*STEP, "title", to="A {bell"), "belongs to no placeholder"),
    ("strings", words(*STEP, "data", "Where", to="There"), "Where is no good key"),
    ("strings", words(*STEP, "data", "_where", to="There"), "_where is no good key"),
    ("strings", words(*STEP, "data_description", "when", to="Then."), "when is described"),
    ("strings", words(*STEP, "datum", to={}), "datum is not expected"),
    ("strings", words("config", "step", "user", to="A bell"), "is a text, not a group"),
    ("strings", words(*STEP, "title", to={"a": "b"}), "is no text"),
    ("strings", words("config_subentries", "door", "entry_type"), "entry_type is missing"),
    ("strings", words("config_subentries", "door", "initiate_flow", to={}), "user is missing"),
    ("strings", words("issues", "broken", "description"), "either a description or"),
    ("strings", words("issues", "broken", "fix_flow", to={}), "either a description or"),
    ("strings", words("exceptions", "too_loud", to={}), "message is missing"),
    ("strings", words("services", "ring", "description"), "description is missing"),
    ("strings", words("services", "ring", "fields", "tone", "name"), "name is missing"),
    ("translations", change("translations/de.json", "selector"), "tone.options.high is missing"),
    ("translations", change("translations/de.json", *STEP, "a", to="b"), "not in English"),
    (
        "translations",
        change("translations/de.json", "exceptions", "too_loud", "message", to="{who} is loud."),
        "other placeholders",
    ),
    (
        "translations",
        change("translations/de.json", *STEP, "title", to="Eine Glocke "),
        "blanks around it",
    ),
    ("translations", rename("translations/de.json", "translations/german.json"), "no language"),
    ("icons", change("icons.json", "services", "ring", "service", to="bell"), "no icon bell"),
    ("icons", change("icons.json", "services", "ring", "service", to="mdi:bel"), "icon mdi:bel"),
    ("icons", change("icons.json", "services", "ring", to="mdi:bell"), "is a text, not a group"),
    ("icons", change("icons.json", "services", "ring"), "ring has none"),
    ("icons", change("icons.json", "services", "go", to={"service": "mdi:bell"}), "no action"),
    (
        "icons",
        change("icons.json", "entity", "sensor", "rings", "state", "loud", to="mdi:bell"),
        "has the default icon",
    ),
    ("services", change("services.yaml", "ring", "response", to={}), "beside target and fields"),
    ("services", change("services.yaml", "rang", to={}), "rang is in one"),
    ("services", change("services.yaml", "ring", "target", "room", to=[]), "ring: "),
    ("services", change("services.yaml", "ring", "fields", "when", to={}), "when is in one"),
    (
        "services",
        change("services.yaml", "ring", "fields", "tone", "selector", to={"choice": {}}),
        "ring.tone: ",
    ),
    ("services", change("services.yaml", "ring", "fields", "tone", "selector"), "no selector"),
    (
        "services",
        change("services.yaml", "ring", "fields", "times", to={"selector": {"text": None}}),
        "times is there twice",
    ),
    (
        "services",
        change("services.yaml", "ring", "fields", "less", to={"fields": {}}),
        "the section ring.less",
    ),
    ("services", change("services.yaml", "ring", "fields", "tone", "name", to="T"), "has name"),
    ("services", words("selector", to={}), "selector tone has no words"),
    (
        "services",
        lambda folder: (
            change("services.yaml", "ring", "target")(folder),
            change("services.yaml", "ring", "fields", "tone", "filter", to={})(folder),
        ),
        "a filter needs a target",
    ),
    ("translation_keys", append("sensor.py", RAISE.format("gone")), "exceptions gone has no words"),
    ("translation_keys", append("sensor.py", RAISE.format("too_loud")), "other placeholders"),
    ("translation_keys", write("const.py", 'RINGS = "calls"\n'), "sensor calls has no words"),
    (
        "translation_keys",
        append("sensor.py", 'ir.async_create_issue(0, DOMAIN, translation_key="wet")\n'),
        "issues wet has no words",
    ),
    (
        "translation_keys",
        append("config_flow.py", 'SelectSelectorConfig(translation_key="taste")\n'),
        "selector taste has no words",
    ),
    ("translation_keys", append("config_flow.py", 'async_abort(reason="no")\n'), "abort no has"),
    (
        "translation_keys",
        append("config_flow.py", 'async_show_form(step_id="next")\n'),
        "step next has no words",
    ),
    (
        "translation_keys",
        words("exceptions", "wet", to={"message": "Wet."}),
        "nobody asks for exceptions wet",
    ),
    ("translation_keys", words("entity", "sensor", "dry", to={}), "nobody asks for entity dry"),
    (
        "translation_keys",
        change("icons.json", "entity", "sensor", "dry", to={"default": "mdi:bell"}),
        "nobody asks for entity dry",
    ),
    ("quality_scale", change("quality_scale.yaml", "rules", "devices"), "devices is missing"),
    ("quality_scale", change("quality_scale.yaml", "rules", "sound", to="done"), "is no rule"),
    ("quality_scale", change("quality_scale.yaml", "rules", "devices", to="todo"), "neither done"),
    (
        "quality_scale",
        change("quality_scale.yaml", "rules", "devices", to={"status": "exempt", "comment": " "}),
        "without a reason",
    ),
    ("brand", remove("brand/icon.png"), "icon.png is missing"),
    ("brand", write("brand/icon.png", png(255, 256)), "icon.png is 255 x 256"),
    ("brand", write("brand/icon@2x.png", png(256, 256)), "icon@2x.png is 256 x 256"),
    ("brand", write("brand/logo.png", png(900, 300)), "logo.png is 900 x 300"),
    ("brand", write("brand/dark_icon.png", b"GIF89a"), "is no PNG"),
    ("brand", write("brand/icon.svg", "<svg/>"), "is no name of a picture"),
    ("self_contained", append("sensor.py", "import requests\n"), "imports requests"),
    ("self_contained", append("sensor.py", "from kilopush_bridge import x\n"), "kilopush_bridge"),
    ("self_contained", append("sensor.py", "from .. import gong\n"), "from above the folder"),
    ("self_contained", append("sensor.py", "from .gong import x\n"), "what is not there"),
    (
        "self_contained",
        append("sensor.py", "from homeassistant.components import mqtt\n"),
        "mqtt is not in the manifest",
    ),
    (
        "self_contained",
        change("manifest.json", "requirements", to=["bells==1"]),
        "the folder brings its own",
    ),
    ("hacs", write("../../hacs.json", '{"name": "Bell", "logo": "x"}'), "logo is no key"),
    ("hacs", write("../../hacs.json", "{}"), "name is missing"),
    (
        "hacs",
        write("../../hacs.json", '{"name": "Bell", "homeassistant": "new"}'),
        "homeassistant is no version",
    ),
    ("hacs", remove("../../README.md"), "README.md is missing"),
    ("hacs", remove("../../LICENSE"), "LICENSE is missing"),
    ("hacs", remove("manifest.json"), "one integration from a repository"),
]


@pytest.mark.parametrize(
    ("check", "damage", "complaint"), BROKEN, ids=[f"{one}: {text}" for one, _, text in BROKEN]
)
def test_a_broken_integration_is_found(
    sample: Path, check: str, damage: Callable[[Path], Any], complaint: str
):
    damage(sample)
    where = sample.parents[1] if check == "hacs" else sample
    assert [one for one in getattr(hassfest, check)(where) if complaint in one]
