"""The pages for users are true: their examples load, their lists are complete."""

import re
from pathlib import Path

import pytest

from kilopush_bridge.config import load_config, schema
from kilopush_bridge.errors import ConfigError
from kilopush_bridge.expressions import functions
from kilopush_bridge.rules import ENGINE_NAMES

DOCS = Path(__file__).parents[3] / "docs"
CONFIGURATION = (DOCS / "configuration.md").read_text(encoding="utf-8")
RULES = (DOCS / "rules.md").read_text(encoding="utf-8")
README = (DOCS.parent / "README.md").read_text(encoding="utf-8")
MQTT = (DOCS / "mqtt.md").read_text(encoding="utf-8")
REST = {
    "channels": 'channels: {home: {token: "${KILO_TOKEN}", secret: "${KILO_SECRET}"}}\n',
    "people": 'people: {me: "${KILO_ME}"}\n',
    "defaults": "defaults: {to: me}\n",
}
OTHERS = {
    "MQTT_PASSWORD": "open sesame",
    "ALARM_TOKEN": "c_" + "5e" * 20,
    "ALARM_SECRET": "6f" * 32,
}
MISTAKES = "# config.yaml, with mistakes\n"
SECRETS = "# secrets.yaml\n"


def blocks(page, language):
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def examples():
    pages = [CONFIGURATION, RULES, README, MQTT]
    found = [block for page in pages for block in blocks(page, "yaml")]
    return [one for one in found if not one.startswith((MISTAKES, SECRETS))]


def section(page, headline):
    return re.search(rf"^#+ {headline}\n(.*?)(?=^#|\Z)", page, re.DOTALL | re.MULTILINE)[1]


def first_cells(text):
    """The words in the first column of a table, without arguments and `is`."""
    cells = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    names = [name for cell in cells for name in re.findall(r"`(?:is )?(\w+)[^`]*`", cell)]
    return sorted(names)


@pytest.mark.parametrize("example", examples())
def test_an_example_loads_without_a_warning(tmp_path, environment, example):
    [secrets] = [one for one in blocks(CONFIGURATION, "yaml") if one.startswith(SECRETS)]
    (tmp_path / "secrets.yaml").write_text(secrets, encoding="utf-8")
    missing = [
        text for word, text in REST.items() if not re.search(f"^{word}:", example, re.MULTILINE)
    ]
    path = tmp_path / "config.yaml"
    path.write_text("".join([example, *missing]), encoding="utf-8")
    assert load_config(path, environment | OTHERS).warnings == ()


def test_the_example_of_problems_is_what_is_shown(tmp_path, environment, monkeypatch):
    monkeypatch.chdir(tmp_path)
    [mistakes] = [one for one in blocks(CONFIGURATION, "yaml") if one.startswith(MISTAKES)]
    path = Path("config.yaml")
    path.write_text(mistakes, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_config(path, environment)
    [shown] = blocks(CONFIGURATION, "console")
    command, *lines = shown.splitlines()
    assert command == "$ kilopush-bridge check"
    assert lines == str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("headline", "table"),
    [
        ("Functions", functions.FUNCTIONS),
        ("Filters", functions.FILTERS),
        ("Tests", functions.TESTS),
    ],
)
def test_what_expressions_may_call_is_listed(headline, table):
    assert first_cells(section(RULES, headline)) == sorted(table)


def test_the_methods_are_listed():
    text, _, _ = section(RULES, "Methods").partition(" A field of the same name")
    assert sorted(set(re.findall(r"`(\w+)`", text))) == sorted(functions.METHODS)


def test_every_word_of_a_rule_is_listed():
    fields = schema.RuleSection.model_fields.items()
    assert first_cells(section(RULES, "Rules")) == sorted(one.alias or name for name, one in fields)


def test_every_name_of_the_engine_is_listed():
    listed = [*first_cells(section(RULES, "Conditions")), *first_cells(section(RULES, "Templates"))]
    assert set(ENGINE_NAMES) <= set(listed)


@pytest.mark.parametrize(
    ("headline", "model"),
    [
        ("`mqtt`: the broker", schema.MqttSection),
        ("`channels`: what sends", schema.ChannelSection),
        ("`budget`: what a channel may send a day", schema.BudgetSection),
        ("`quiet`: hours in which only what is urgent is sent", schema.QuietSection),
        ("`digest`: what waited, as one message", schema.DigestSection),
        ("`senders`: who may ask for more", schema.SenderSection),
        ("`defaults`: what rules take when they do not say", schema.DefaultsSection),
    ],
)
def test_every_word_of_a_section_is_listed(headline, model):
    words = {one.alias or name for name, one in model.model_fields.items()}
    assert first_cells(section(CONFIGURATION, headline)) == sorted(words - schema.LATER_WORDS)


def test_every_section_is_listed():
    headlines = re.findall(r"^### `(\w+)`", CONFIGURATION, re.MULTILINE)
    singles = first_cells(section(CONFIGURATION, "Single values"))
    words = set(schema.FileSection.model_fields) - schema.LATER_WORDS
    assert sorted([*headlines, *singles]) == sorted(words)


def test_what_is_not_there_yet_is_listed():
    listed = set(re.findall(r"`(\w+)`", section(CONFIGURATION, "Not there yet")))
    assert listed == schema.LATER_WORDS | {"mqtt"}


@pytest.mark.parametrize("page", [CONFIGURATION, RULES])
def test_a_link_to_another_page_leads_somewhere(page):
    for name in re.findall(r"\]\(([\w.-]+\.md)\)", page):
        assert (DOCS / name).is_file()
