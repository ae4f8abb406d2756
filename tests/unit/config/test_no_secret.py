"""Promise S1 for configuration files: no problem and no warning shows a secret."""

import copy
import json
import re

import pytest

from kilopush_bridge.config import load_config
from kilopush_bridge.errors import ConfigError

SECRET = "geheim"
# In the places where it is wrong, each of these is refused in another way.
VALUES = [SECRET, f"{SECRET} {SECRET}", f"{{{{ {SECRET}", f"{SECRET}/#/x", f"mqtt://{SECRET}:x"]


CONFIG = {
    "mqtt": {
        "url": "mqtts://host",
        "username": "u",
        "password": "p",
        "ca_file": "/",
        "cert_file": "/",
        "key_file": "/",
        "client_id": "i",
        "topic_prefix": "kilopush",
        "discovery": False,
    },
    "channels": {
        "home": {
            "token": "${KILO_TOKEN}",
            "secret": "${KILO_SECRET}",
            "budget": {"per_day": 200, "digests": 4},
            "critical_channel": "other",
        },
        "other": {"token": "${KILO_TOKEN}", "secret": "${KILO_SECRET}"},
    },
    "people": {"me": "${KILO_ME}", "anna": "${KILO_ANNA}", "family": ["me", "anna"]},
    "defaults": {"to": "me", "priority": "low", "channel": "home"},
    "timezone": "UTC",
    "state": "state.db",
    "log": {"level": "info", "format": "text"},
    "api_url": "https://example.com",
    "budget": {"per_day": 300, "keep_for_critical": 60, "other_senders": 20, "digests": 12},
    "quiet": {"from": "22:30", "to": "07:00", "let_through": "high"},
    "digest": {"at": ["07:00"]},
    "senders": {"door": {"priority": "critical", "per_hour": 120}},
    "alerts": {
        "leak": {
            "topic": ["a/+device", "b"],
            "except": "c",
            "when": "x",
            "until": "y",
            "key": "z",
            "priority": "high",
            "to": ["me", "family"],
            "channel": "home",
            "message": "m",
            "url": "https://example.com",
            "silent": "{{ x }}",
            "recovered": "r",
            "retained": "fire",
        },
        "motion": {"topic": "a", "event": "x", "message": "m", "to": "me"},
    },
}


def leaves(data, path=()):
    """Return the path of every single value."""
    if not isinstance(data, (dict, list)):
        return [path]
    items = data.items() if isinstance(data, dict) else enumerate(data)
    return [leaf for key, value in items for leaf in leaves(value, (*path, key))]


def with_value(data, path, value):
    """Return a copy of `data` with another value at `path`."""
    if not path:
        return value
    first, *rest = path
    copied = copy.copy(data)
    copied[first] = with_value(data[first], rest, value)
    return copied


@pytest.fixture
def said_of(tmp_path, environment):
    """Everything that loading a text says."""
    path = tmp_path / "config.yaml"

    def said_of(text, **variables):
        path.write_text(text, encoding="utf-8")
        try:
            config = load_config(path, environment | variables)
        except ConfigError as error:
            return str(error)
        return "\n".join(map(str, config.warnings))

    return said_of


def test_the_configuration_of_these_tests_is_refused_for_its_files_only(said_of):
    assert set(re.findall(r"file `.*`", said_of(json.dumps(CONFIG)))) == {"file `/`"}


@pytest.mark.parametrize("value", VALUES)
def test_a_variable_that_ends_up_anywhere_is_not_shown(said_of, value):
    for leaf in leaves(CONFIG):
        text = json.dumps(with_value(CONFIG, leaf, "${SECRET}"))
        assert SECRET not in said_of(text, SECRET=value), leaf


@pytest.mark.parametrize("value", VALUES)
def test_a_secret_that_is_written_into_the_file_is_not_shown(said_of, value):
    for place in [
        ("channels", "home", "token"),
        ("channels", "home", "secret"),
        ("people", "me"),
        ("people", "family", 0),
        ("mqtt", "password"),
        ("mqtt", "url"),
    ]:
        assert SECRET not in said_of(json.dumps(with_value(CONFIG, place, value))), place


@pytest.mark.parametrize(
    "token", ["u_" + "7g" * 20, "c_" + "7g" * 20, "7g" * 32, "u_" + "7g" * 19, "u_" + "7g" * 21]
)
def test_a_token_in_the_wrong_place_is_not_shown(said_of, token):
    for leaf in leaves(CONFIG):
        assert "7g7g" not in said_of(json.dumps(with_value(CONFIG, leaf, token))), leaf
    assert "7g7g" not in said_of(f"{token}: x\npeople: {{{token}: me}}\nalerts: {{{token}: x}}\n")


@pytest.mark.parametrize("start", [*"*&!%@`[{\"'|>", "!a!"])
@pytest.mark.parametrize("end", ["", ": x", " ]", '"x'])
def test_a_password_that_breaks_the_yaml_is_not_shown(said_of, start, end):
    assert SECRET not in said_of(f"mqtt:\n  username: u\n  password: {start}{SECRET}{end}\n")


@pytest.mark.parametrize("password", ["${%s!}", "${a %s:-x}", "!secret %s"])
def test_a_password_that_looks_like_a_reference_is_not_shown(said_of, tmp_path, password):
    (tmp_path / "secrets.yaml").write_text("a: b\n")
    assert SECRET not in said_of(f"mqtt:\n  username: u\n  password: {password % SECRET}\n")
