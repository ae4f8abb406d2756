"""The written files are read back by the real loader, whatever was answered."""

import dataclasses
import itertools

import pytest

from kilopush_bridge.config import Broker, load_config
from kilopush_bridge.setup import Answers, Keep, config_text, merged_secrets, references
from kilopush_bridge.setup.devices import KINDS
from kilopush_bridge.setup.files import clashes, secrets_of

TOKEN, SECRET = "c_" + "a1" * 20, "5e" * 32
ME, ANNA = "u_" + "11" * 20, "u_" + "22" * 20
NASTY = "a: #b ${C} 'd' \"e\" \\f !g *h 💧"
ANSWERS = Answers(
    Broker("mqtt", "broker.lan", 1883, username="kilopush", password=NASTY),
    TOKEN,
    SECRET,
    {"me": ME, "anna": ANNA},
    ("me",),
)


@pytest.fixture
def load(tmp_path):
    """Write answers as files, and load them as the bridge does."""

    def load(answers, keep):
        path = tmp_path / "config.yaml"
        path.write_text(config_text(answers, keep), encoding="utf-8")
        if keep is Keep.FILE:
            secrets = merged_secrets("", answers)
            (tmp_path / "secrets.yaml").write_text(secrets, encoding="utf-8")
        environment = secrets_of(answers) if keep is Keep.ENVIRONMENT else {}
        return load_config(path, environment)

    return load


@pytest.mark.parametrize("keep", Keep)
def test_every_answer_is_read_back(load, keep):
    config = load(ANSWERS, keep)
    assert config.broker == ANSWERS.broker
    assert (config.channels["home"].token, config.channels["home"].secret) == (TOKEN, SECRET)
    assert config.people == {"me": ME, "anna": ANNA}
    assert config.groups["everyone"] == ("me", "anna")
    assert config.default_to == ("me",)
    assert config.warnings == ()


@pytest.mark.parametrize("keep", [Keep.FILE, Keep.ENVIRONMENT])
def test_the_configuration_holds_no_secret(keep):
    text = config_text(ANSWERS, keep)
    assert not [one for one in secrets_of(ANSWERS).values() if one in text]


@pytest.mark.parametrize("keep", Keep)
@pytest.mark.parametrize("secret", ["null", "yes", "0815", " x ", "~", "!secret a", "$$", "a\tb"])
def test_a_secret_stays_what_it_is(load, keep, secret):
    broker = dataclasses.replace(ANSWERS.broker, password=secret)
    assert load(dataclasses.replace(ANSWERS, broker=broker), keep).broker.password == secret


@pytest.mark.parametrize("name", ["null", "no", "42", "O'Neill: #1", "$me", "Ольга", "token", "💧"])
def test_any_name_will_do(load, name):
    answers = dataclasses.replace(ANSWERS, people={name: ME, "x": ANNA}, default_to=(name, "x"))
    for keep in Keep:
        config = load(answers, keep)
        assert config.people == {name: ME, "x": ANNA}
        assert config.default_to == (name, "x")


@pytest.mark.parametrize("kinds", list(itertools.combinations(KINDS, 2)))
def test_the_rules_for_what_was_heard_are_free_of_problems(load, kinds):
    config = load(dataclasses.replace(ANSWERS, kinds=kinds), Keep.INLINE)
    assert config.rules
    assert config.warnings == ()


def test_the_rules_for_everything_are_free_of_problems(load):
    config = load(dataclasses.replace(ANSWERS, kinds=KINDS), Keep.INLINE)
    assert len(config.rules) == 7
    assert config.warnings == ()


def test_the_examples_for_a_silent_house_are_comments_that_can_be_used(load, tmp_path):
    assert load(ANSWERS, Keep.INLINE).rules == ()
    head, _, examples = config_text(ANSWERS, Keep.INLINE).partition("alerts:\n")
    lines = [line.removeprefix("# ") for line in examples.splitlines()]
    path = tmp_path / "config.yaml"
    path.write_text(head + "alerts:\n" + "\n".join(lines), encoding="utf-8")
    names = [rule.name for rule in load_config(path, {}).rules]
    assert names == ["water leak", "device offline", "zigbee2mqtt down"]


def test_a_critical_rule_wakes_everybody(load):
    answers = dataclasses.replace(ANSWERS, kinds=KINDS[:1])
    assert load(answers, Keep.INLINE).rules[0].to == ("me", "anna")
    alone = dataclasses.replace(answers, people={"me": ME})
    assert load(alone, Keep.INLINE).rules[0].to == ("me",)


def test_variables_of_people_are_names_and_unique():
    people = ["anna", "Änna", "Ольга", "token", "Jo Ann", "Jo-Ann", "secret", "person 2"]
    assert list(references(people).values()) == [
        "KILO_ANNA",
        "KILO_PERSON_2",
        "KILO_PERSON_3",
        "KILO_PERSON_4",
        "KILO_JO_ANN",
        "KILO_PERSON_6",
        "KILO_PERSON_7",
        "KILO_PERSON_8",
    ]


def test_what_others_keep_in_the_secret_file_stays():
    known = "# mine\nwifi: x  # upstairs\nkilo_me: old\nmqtt_password: theirs"
    text = merged_secrets(known, ANSWERS)
    assert text.startswith(f"# mine\nwifi: x  # upstairs\nkilo_me: {ME}\nmqtt_password: theirs\n")
    assert merged_secrets(text, ANSWERS) == text


def test_only_other_values_of_our_names_clash():
    assert clashes("kilo_me: old\nwifi: x\nkilo_token : old\n", ANSWERS) == [
        "kilo_me",
        "kilo_token",
    ]
    assert clashes(merged_secrets("wifi: x\n", ANSWERS), ANSWERS) == []
