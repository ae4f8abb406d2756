"""YAML as people write it."""

import pytest

from kilopush_bridge.config import load_config
from kilopush_bridge.errors import ConfigError


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("0815", "0815"),
        ("1.10", "1.10"),
        ("1e3", "1e3"),
        ("0x1F", "0x1F"),
        ("22:30", "22:30"),
        ("on", "on"),
        ("no", "no"),
        ("true", "true"),
        ("2024-01-01", "2024-01-01"),
        ("=", "="),
        ('"a b"', "a b"),
        ("'it''s'", "it's"),
        ("a#b", "a#b"),
        ("a  # comment", "a"),
        ("p$$word", "p$word"),
        ("!!str 5", "5"),
        (r'"\ud83d\udca7"', "💧"),
        ("~", None),
        ("null", None),
        ('""', None),
        ("", None),
    ],
)
def test_a_value_is_the_text_that_was_written(load_with_head, written, read):
    assert load_with_head(f"mqtt:\n  client_id: {written}\n").broker.client_id == read


@pytest.mark.parametrize("empty", ["", "~", "{}"])
@pytest.mark.parametrize("section", ["mqtt", "alerts", "log"])
def test_a_section_with_nothing_below_it_is_an_empty_one(load_with_head, section, empty):
    config = load_with_head(f"{section}: {empty}\n")
    assert (config.broker.url, config.rules, config.log_level) == (
        "mqtt://localhost:1883",
        (),
        "info",
    )


def test_people_channels_and_rules_may_be_called_anything(load):
    config = load("""
        channels:
          1: {token: "${KILO_TOKEN}", secret: "${KILO_SECRET}"}
        people: {007: "${KILO_ME}", "on": "${KILO_ANNA}", Ännchen Öl: [007, on]}
        alerts:
          2024: {topic: a, when: x, message: y, to: 007, channel: 1}
          true: {topic: a, when: x, message: y, to: [Ännchen Öl]}
          True: {topic: a, when: x, message: y, to: on}
        """)
    assert [(rule.name, rule.to, rule.channel) for rule in config.rules] == [
        ("2024", ("007",), "1"),
        ("true", ("007", "on"), "1"),
        ("True", ("on",), "1"),
    ]


def test_anchors_aliases_and_merges_work(load_with_head):
    first, second = load_with_head("""
alerts:
  one: &leak
    topic: &topics [a, b]
    when: leak
    message: one
  two:
    <<: *leak
    topic: *topics
    message: two
""").rules
    assert [one.text for one in first.filters] == ["a", "b"]
    assert second.filters == first.filters
    assert second.condition.source == "leak"
    assert (first.message.source, second.message.source) == ("one", "two")


def test_earlier_merged_mappings_win_and_a_merge_of_itself_is_harmless(load_with_head):
    config = load_with_head("""
mqtt: &mqtt
  <<: [{client_id: one}, {client_id: two, username: u}, *mqtt]
""")
    assert (config.broker.client_id, config.broker.username) == ("one", "u")


def test_a_byte_order_mark_and_windows_line_ends_are_no_problem(tmp_path, environment):
    path = tmp_path / "config.yaml"
    lines = ["channels:", "  home: {token: '${KILO_TOKEN}', secret: '${KILO_SECRET}'}"]
    lines += ["people:", "  me: ${KILO_ME}", "oops: 1"]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    with pytest.raises(ConfigError, match=":5:1: `oops` is no word here"):
        load_config(path, environment)


def test_secrets_are_read_beside_the_file_as_they_stand(load, tmp_path):
    secrets = "token: c_" + "5e" * 20 + "\nsecret: " + "6f" * 32 + "\npassword: 0815${X}\n"
    (tmp_path / "secrets.yaml").write_text(secrets)
    config = load("""
        mqtt: {username: u, password: !secret password}
        channels: {home: {token: !secret token, secret: !secret secret}}
        people: {me: "${KILO_ME}"}
        """)
    assert config.broker.password == "0815${X}"
    assert config.channels["home"].secret == "6f" * 32


def test_an_unknown_secret_is_answered_with_the_nearest_one(load_with_head, tmp_path):
    (tmp_path / "secrets.yaml").write_text("mqtt_password: x\n")
    with pytest.raises(ConfigError) as caught:
        load_with_head("mqtt: {username: u, password: !secret mqtt_passwort}\n")
    assert str(caught.value).endswith(
        ":7:31: there is no secret of this name in secrets.yaml; did you mean `mqtt_password`?"
    )


@pytest.mark.parametrize("content", ["- a\n", "a: [", "just text\n"])
def test_a_broken_file_of_secrets_is_said_once_with_its_own_name(load_with_head, tmp_path, content):
    (tmp_path / "secrets.yaml").write_text(content)
    with pytest.raises(ConfigError) as caught:
        load_with_head("mqtt: {username: !secret u, password: !secret p}\n")
    [problem] = caught.value.problems
    assert problem.file == str(tmp_path / "secrets.yaml")


def test_a_file_that_is_not_there_says_what_to_do(tmp_path, environment):
    with pytest.raises(ConfigError, match=r"there is no such file; copy config.example.yaml"):
        load_config(tmp_path / "config.yaml", environment)


def test_a_folder_is_no_file(tmp_path, environment):
    with pytest.raises(ConfigError, match="cannot be read: "):
        load_config(tmp_path, environment)
