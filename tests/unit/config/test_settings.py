"""The broker's address and the single values of a file."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from kilopush_bridge.config import default_state
from kilopush_bridge.core.protocol import API_URL
from kilopush_bridge.errors import ConfigError


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mqtt://mosquitto.lan", "mqtt://mosquitto.lan:1883"),
        ("mqtt://mosquitto.lan:1884", "mqtt://mosquitto.lan:1884"),
        ("MQTT://Mosquitto.LAN/", "mqtt://mosquitto.lan:1883"),
        ("mqtts://mosquitto.lan", "mqtts://mosquitto.lan:8883"),
        ("ws://mosquitto.lan", "ws://mosquitto.lan:80/mqtt"),
        ("wss://mosquitto.lan/", "wss://mosquitto.lan:443/mqtt"),
        ("wss://mosquitto.lan:8084/broker", "wss://mosquitto.lan:8084/broker"),
        ("mqtt://192.168.1.2", "mqtt://192.168.1.2:1883"),
        ("mqtt://[::1]:1883", "mqtt://[::1]:1883"),
        ("embedded://127.0.0.1", "embedded://127.0.0.1:1883"),
        ("embedded://[::1]", "embedded://[::1]:1883"),
    ],
)
def test_a_broker_is_found_at_its_address(load_with_head, url, shown):
    assert load_with_head(f'mqtt: {{url: "{url}"}}\n').broker.url == shown


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("mosquitto.lan", "`url` is no address"),
        ("mosquitto.lan:1883", "`url` is no address"),
        ("mqtt:mosquitto.lan", "`url` is no address"),
        ("mqtt://[", "`url` is no address"),
        ("mqtt://host:port", "`url` is no address"),
        ("mqtt://host:99999", "`url` is no address"),
        ("mqtt://host name", "`url` is no address"),
        ("http://host", "`url` must start with one of mqtt://"),
        ("mqtss://host", "did you mean `mqtts`?"),
        ("mqtt://", "`url` names no host"),
        ("mqtt://host:0", "`url` has port 0"),
        ("mqtt://host/path", "`url` has a part too many"),
        ("ws://host/mqtt?token=x", "`url` has a part too many"),
        ("mqtt://user@host", "`url` must not hold a user name or password"),
        ("embedded://0.0.0.0", "an embedded broker beyond 127.0.0.1 needs"),
    ],
)
def test_an_address_that_cannot_be_right_is_a_problem(load_with_head, url, problem):
    with pytest.raises(ConfigError) as caught:
        load_with_head(f'mqtt: {{url: "{url}"}}\n')
    [found] = caught.value.problems
    assert problem in str(found)
    assert (found.line, found.column) == (7, 13)


def test_an_embedded_broker_with_a_login_may_listen_to_the_network(load_with_head):
    login = "username: u, password: p"
    assert load_with_head(f'mqtt: {{url: "embedded://0.0.0.0", {login}}}\n').broker.username == "u"


def test_a_certificate_is_a_file_and_needs_an_encrypted_connection(load_with_head, tmp_path):
    ca = tmp_path / "ca.pem"
    ca.touch()
    broker = load_with_head(f'mqtt: {{url: "mqtts://host", ca_file: "{ca}"}}\n').broker
    assert broker.ca_file == str(ca)
    with pytest.raises(ConfigError, match="`ca_file` needs an mqtts:// or wss:// address"):
        load_with_head(f'mqtt: {{url: "mqtt://host", ca_file: "{ca}"}}\n')


def test_the_password_is_in_no_repr(load_with_head):
    config = load_with_head("mqtt: {username: u, password: geheim}\n")
    assert "geheim" not in repr(config)
    assert "3c3c" not in repr(config)
    assert "2b2b" not in repr(config)


@pytest.mark.parametrize(
    ("word", "state"),
    [("state.db", "{here}/state.db"), ("/var/x.db", "/var/x.db"), ("~/x.db", "{home}/x.db")],
)
def test_the_state_counts_from_the_file(load_with_head, tmp_path, word, state):
    config = load_with_head(f"state: {word}\n")
    assert config.state == Path(state.format(here=tmp_path, home=Path.home()))


@pytest.mark.parametrize(
    ("variables", "state"),
    [
        ({"STATE_DIRECTORY": "/var/lib/one:/var/lib/two"}, "/var/lib/one/state.db"),
        ({"STATE_DIRECTORY": "/s", "XDG_STATE_HOME": "/x"}, "/s/state.db"),
        ({"XDG_STATE_HOME": "/x"}, "/x/kilopush-bridge/state.db"),
    ],
)
def test_the_state_has_a_home_by_default(variables, state):
    assert default_state(variables) == Path(state)


@pytest.mark.parametrize(
    ("word", "variable", "used"),
    [
        ("", "", API_URL),
        ("https://example.com/send", "", "https://example.com/send"),
        ("http://127.0.0.1:8711/send", "", "http://127.0.0.1:8711/send"),
        ("http://[::1]:8711/send", "", "http://[::1]:8711/send"),
        ("https://example.com/send", "http://localhost:1/x", "http://localhost:1/x"),
    ],
)
def test_the_environment_wins_over_the_files_api_address(load_with_head, word, variable, used):
    config = load_with_head(f"api_url: {word}\n", KILOPUSH_API_URL=variable)
    assert config.api_url == used


@pytest.mark.parametrize("url", ["http://example.com", "ftp://x", "x", "https://u:p@x", "http://["])
def test_a_wrong_api_address_in_the_environment_is_no_ones_line(load_with_head, url):
    with pytest.raises(ConfigError) as caught:
        load_with_head("", KILOPUSH_API_URL=url)
    [problem] = caught.value.problems
    assert problem.line == 0
    assert problem.what.startswith("the variable `KILOPUSH_API_URL`")


def test_times_are_printed_in_the_named_zone(load_with_head):
    assert load_with_head("timezone: Europe/Berlin\n").zone == ZoneInfo("Europe/Berlin")
    assert load_with_head("").zone is None
