"""The example file, and the JSON Schema that editors check it with."""

import copy
import re
from pathlib import Path

import pytest
import yaml

from kilopush_bridge.config import json_schema, load_config

EXAMPLE = Path(__file__).parents[3] / "config.example.yaml"
TYPES = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "number": (int, float),
    "integer": int,
    "null": type(None),
}


def broken_limits(value, schema):
    """Return the words of `schema` that a single value does not keep to."""
    limits = {
        "enum": lambda allowed: value in allowed,
        "const": lambda only: value == only,
        "pattern": lambda pattern: not isinstance(value, str) or re.search(pattern, value),
        "minimum": lambda least: not isinstance(value, int) or value >= least,
        "maximum": lambda most: not isinstance(value, int) or value <= most,
        "minItems": lambda least: not isinstance(value, list) or len(value) >= least,
        "maxItems": lambda most: not isinstance(value, list) or len(value) <= most,
    }
    return [word for word, keeps in limits.items() if word in schema and not keeps(schema[word])]


def violations(value, schema, root, at="file"):
    """Return what is wrong with `value`, for the part of JSON Schema that ours uses."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix("#/$defs/")
        schema = root["$defs"][name] | {key: schema[key] for key in schema if key != "$ref"}
    found = []
    for choice, fits in (("anyOf", lambda n: n > 0), ("oneOf", lambda n: n == 1)):
        if choice in schema:
            results = [violations(value, one, root, at) for one in schema[choice]]
            found += [] if fits(results.count([])) else [f"{at}: {choice}"]
    types = schema.get("type", [])
    allowed = [TYPES[one] for one in ([types] if isinstance(types, str) else types)]
    if allowed and not any(isinstance(value, one) for one in allowed):
        return [*found, f"{at}: {types}"]
    found += [f"{at}: {word}" for word in broken_limits(value, schema)]
    if isinstance(value, list):
        for index, item in enumerate(value):
            found += violations(item, schema.get("items", {}), root, f"{at}[{index}]")
    if isinstance(value, dict):
        found += [f"{at}.{key}: required" for key in schema.get("required", []) if key not in value]
        known, others = schema.get("properties", {}), schema.get("additionalProperties", {})
        for key, item in value.items():
            part = known.get(key, others)
            found += (
                [f"{at}.{key}: unknown"]
                if part is False
                else violations(item, part, root, f"{at}.{key}")
            )
    return found


def example():
    return yaml.safe_load(EXAMPLE.read_text(encoding="utf-8"))


def check(value):
    schema = json_schema()
    return violations(value, schema, schema)


def test_the_example_loads_without_a_warning(environment):
    config = load_config(EXAMPLE, environment)
    assert config.warnings == ()
    assert len(config.rules) == len(example()["alerts"])


def test_the_example_fits_the_schema():
    assert check(example()) == []


@pytest.mark.parametrize(
    ("words", "violation"),
    [
        ({"massage": "x"}, "file.alerts.rule.massage: unknown"),
        ({"priority": "urgent"}, "file.alerts.rule.priority: anyOf"),
        ({"repeat": []}, "file.alerts.rule.repeat: anyOf"),
        ({"message": ["x"]}, "file.alerts.rule.message: anyOf"),
        ({"to": []}, "file.alerts.rule.to: anyOf"),
        ({"event": "x"}, "file.alerts.rule: oneOf"),
        ({"stale": "3h"}, "file.alerts.rule: oneOf"),
    ],
)
def test_a_mistake_in_a_rule_does_not_fit_the_schema(words, violation):
    sections = copy.deepcopy(example())
    sections["alerts"] = {"rule": {"topic": "a", "when": "x", "message": "y"} | words}
    assert check(sections) == [violation]


@pytest.mark.parametrize(
    ("change", "violation"),
    [
        ({"channls": {}}, "file.channls: unknown"),
        ({"log": {"level": "loud"}}, "file.log.level: enum"),
        ({"channels": {"home": {"token": "x"}}}, "file.channels.home.secret: required"),
        ({"budget": {"per_day": "many"}}, "file.budget.per_day: anyOf"),
        ({"budget": {"per_day": 0}}, "file.budget.per_day: anyOf"),
        ({"budget": {"digests": -1}}, "file.budget.digests: anyOf"),
        ({"quiet": {"from": "22:30"}}, "file.quiet: anyOf"),
        ({"digest": {"at": "25:00"}}, "file.digest.at: anyOf"),
        ({"senders": {"door": {"per_hour": 0}}}, "file.senders.door.per_hour: minimum"),
        ({"senders": {"door": {"priority": "urgent"}}}, "file.senders.door.priority: enum"),
    ],
)
def test_a_mistake_in_a_section_does_not_fit_the_schema(change, violation):
    assert check(example() | change) == [violation]


@pytest.mark.parametrize(
    "change",
    [
        {"budget": {"per_day": "unlimited", "digests": 0}},
        {"quiet": {"from": "22:30", "to": "7:00", "let_through": "critical"}},
        {"digest": {"at": "18:30"}},
        {"digest": {"at": ["0:00", "23:59"]}},
        {"senders": {"door": {"priority": "critical", "per_hour": 120}, "bell": {}}},
        {"defaults": {"priority": "digest"}},
    ],
)
def test_the_sections_fit_the_schema(change):
    assert check(example() | change) == []


def test_what_yaml_calls_a_number_or_a_boolean_fits_where_a_text_is_asked_for():
    sections = example()
    sections["mqtt"] = {"username": 5, "password": 815}
    sections["alerts"] = {"rule": {"topic": "a", "event": True, "message": 5, "to": 7}}
    assert check(sections) == []


def test_every_word_has_a_description():
    schema = json_schema()
    models = [schema, *schema["$defs"].values()]
    for model in models:
        for word, part in model["properties"].items():
            assert "description" in part or "$ref" in part, word
        assert "description" in model
        assert model["additionalProperties"] is False
