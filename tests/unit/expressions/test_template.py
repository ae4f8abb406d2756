"""The text of messages."""

from __future__ import annotations

from typing import Any

import pytest

from kilopush_bridge.expressions import RenderFailure, Scope, Template

PAYLOAD = {
    "temperature": 56.8,
    "objects": ["person", "dog"],
    "zones": {"yard": 3, "door": None},
    "devices": [{"name": "sink"}, {"name": "bath"}],
    "pairs": [["a", 1], ["b"]],
    "deep": [[[1]]],
    "empty": [],
}


def render(source: str, payload: Any = PAYLOAD, **names: Any) -> str | RenderFailure:
    return Template(source, names).render(Scope(payload, names))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("plain", "plain"),
        ("  \n around \n ", "around"),
        ("", ""),
        ("{{ temperature }} °C", "56.8 °C"),
        ("{{ objects | join(', ') }}", "person, dog"),
        ("{{ objects }}", '["person","dog"]'),
        ("{{ 1, 'a' }}", '[1,"a"]'),
        ("{# a comment #}x", "x"),
        ("{% raw %}{{ x }}{% endraw %}", "{{ x }}"),
        ("{% if temperature > 50 %}hot{% endif %}", "hot"),
        ("{% if temperature > 60 %}hot{% elif temperature > 50 %}warm{% endif %}", "warm"),
        ("{% if temperature > 60 %}hot{% else %}fine{% endif %}", "fine"),
        ("{% if humidity %}wet{% else %}dry{% endif %}", "dry"),
        ("{% for one in objects %}[{{ one }}]{% endfor %}", "[person][dog]"),
        ("{% for one in empty %}{{ one }}{% endfor %}none", "none"),
        ("{% for one in devices %}{{ one.name }} {% endfor %}", "sink bath"),
        ("{% for zone in zones %}{{ zone }} {% endfor %}", "yard door"),
        (
            "{% for zone, n in zones.items() %}{{ zone }}={{ n | d(0) }} {% endfor %}",
            "yard=3 door=0",
        ),
        ("{% for a, b in pairs %}{{ a }}{{ b | default('-') }}{% endfor %}", "a1b-"),
        ("{% for a, b in objects %}{{ a | default('-') }}{% endfor %}", "--"),
        ("{% for x in objects %}{{ loop.index }}/{{ loop.length }} {% endfor %}", "1/2 2/2"),
        (
            "{% for x in objects %}{{ x }}{% if not loop.last %}, {% endif %}{% endfor %}",
            "person, dog",
        ),
        ("{% for one in objects %}{% if loop.first %}{{ one }}{% endif %}{% endfor %}", "person"),
        ("{% for one in 'a,b'.split(',') %}{{ one }}.{% endfor %}", "a.b."),
        ("{% for a in objects %}{{ a }}{% endfor %}{% for b in empty %}{% endfor %}", "persondog"),
        ("{% for value in objects %}{{ value }}{% endfor %}", "persondog"),
    ],
)
def test_templates(source: str, text: str):
    assert render(source) == text


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("{{ humidity }}", "`humidity` is missing"),
        ("{{ temperature }} {{ zones.door }}", "`zones.door` is missing"),
        ("{{ after.camera }}", "`after` is missing"),
        ("{{ temperature + objects }}", "it cannot be computed"),
        ("{{ 'a' if humidity else 'b' }}", "`humidity` is missing"),
        ("{% for x in temperature %}{% endfor %}", "what `for` loops over is not a list"),
        ("{% for x in humidity %}{% endfor %}", "what `for` loops over is not a list"),
        ("{% for x in devices %}{{ x.place }}{% endfor %}", "`x.place` is missing"),
        ("{% if humidity %}{{ humidity }}{% endif %}{{ humidity }}", "`humidity` is missing"),
    ],
)
def test_a_template_that_writes_what_is_not_said_fails_with_the_reason(source: str, reason: str):
    assert render(source) == RenderFailure(reason)


def test_a_loop_variable_ends_with_its_loop():
    source = "{% for one in objects %}{% endfor %}{{ one }}"
    assert render(source) == RenderFailure("`one` is missing")


def test_names_of_the_engine_win_over_payload_keys():
    text = render("{{ device }} {{ value.device }}", {"device": "its own"}, device="topic's")
    assert text == "topic's its own"


def test_a_template_shows_its_source():
    assert repr(Template("Water")) == "<Template 'Water'>"
