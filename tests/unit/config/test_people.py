"""Who is behind a name."""

import pytest

from kilopush_bridge.config import expand_names

PEOPLE = """
channels:
  home: {token: "${KILO_TOKEN}", secret: "${KILO_SECRET}"}
people:
  everybody: [family, guest]
  me: ${KILO_ME}
  family: [anna, me, anna]
  anna: ${KILO_ANNA}
  guest: [anna]
  boss: me
"""


@pytest.mark.parametrize(
    ("names", "people"),
    [
        (["me"], ("me",)),
        (["family"], ("anna", "me")),
        (["everybody"], ("anna", "me")),
        (["boss"], ("me",)),
        (["me", "family"], ("me", "anna")),
        (["guest", "guest"], ("anna",)),
        (["nobody"], ()),
        ([], ()),
    ],
)
def test_a_name_gives_its_people_once_and_in_order(load, names, people):
    assert expand_names(names, load(PEOPLE).groups) == people


def test_only_people_have_tokens(load, environment):
    assert load(PEOPLE).people == {
        "me": environment["KILO_ME"],
        "anna": environment["KILO_ANNA"],
    }


def test_a_rule_without_recipients_takes_the_default_ones(load):
    rules = "alerts:\n  one: {topic: a, when: x, message: y}\n"
    rules += "  two: {topic: a, when: x, message: y, to: guest}\n"
    config = load(PEOPLE + "defaults: {to: [boss, guest]}\n" + rules)
    assert [rule.to for rule in config.rules] == [("me", "anna"), ("anna",)]
    assert config.default_to == ("me", "anna")
