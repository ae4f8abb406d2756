"""The real Home Assistant of the end-to-end tests has its packages: it may not download any."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

import homeassistant.components
from awesomeversion import AwesomeVersion
from homeassistant.bootstrap import CORE_INTEGRATIONS, DEFAULT_INTEGRATIONS
from homeassistant.const import __version__
from packaging.requirements import Requirement

COMPONENTS = Path(homeassistant.components.__path__[0])
ROOT = Path(__file__).parents[2]
# What tests/harness/hass.py turns on, and what its tests add.
USED = {"automation", "config", "frontend", "history", "logbook", "mqtt", "my", "onboarding"}


def manifest(domain: str) -> dict[str, list[str]]:
    return json.loads((COMPONENTS / domain / "manifest.json").read_text())


def with_dependencies(domains: set[str]) -> set[str]:
    found = set()
    while domains:
        found |= domains
        domains = {one for name in domains for one in manifest(name).get("dependencies", [])}
        domains -= found
    return found


def test_every_package_that_home_assistant_would_download_is_locked_in_its_version():
    wanted = {
        requirement
        for domain in with_dependencies({*USED, *CORE_INTEGRATIONS, *DEFAULT_INTEGRATIONS})
        for requirement in map(Requirement, manifest(domain).get("requirements", []))
    }
    assert wanted
    assert [str(one) for one in wanted if not one.specifier.contains(version(one.name))] == []


def test_no_package_is_locked_for_nothing():
    named = [
        Requirement(line)
        for line in (ROOT / "requirements" / "home-assistant.in").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    tools = {"pytest-homeassistant-custom-component", "mypy"}
    taken = {
        Requirement(requirement).name.lower()
        for path in COMPONENTS.glob("*/manifest.json")
        for requirement in json.loads(path.read_text()).get("requirements", [])
    }
    assert {one.name for one in named} - tools <= taken


def test_the_version_that_users_need_is_not_newer_than_the_one_tested():
    needed = json.loads((ROOT / "hacs.json").read_text())["homeassistant"]
    assert AwesomeVersion(needed) <= AwesomeVersion(__version__)
