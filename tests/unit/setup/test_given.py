"""Secrets that are not typed."""

from kilopush_bridge.setup.given import Given, parse_secret_file, tokens_of

TEXT = """\
# KILO_TOKEN=old
KILO_TOKEN=c_1
export KILO_SECRET='a b = c'
kilo_me: "u_1"
MQTT_PASSWORD=x=y#z

not a line
"""


def test_a_secret_file_may_be_one_for_systemd_or_a_secrets_yaml():
    assert parse_secret_file(TEXT) == {
        "KILO_TOKEN": "c_1",
        "KILO_SECRET": "a b = c",
        "KILO_ME": "u_1",
        "MQTT_PASSWORD": "x=y#z",
    }


def test_a_token_is_said_with_the_name_or_found_under_it():
    assert tokens_of(["me", "Anna=u_2", "bob"], {"KILO_ME": "u_1"}) == {
        "me": "u_1",
        "Anna": "u_2",
        "bob": None,
    }


def test_no_representation_shows_a_secret():
    given = Given(password="s1", token="s2", secret="s3", people={"me": "s4"})
    assert not [one for one in ("s1", "s2", "s3", "s4") if one in repr(given)]
