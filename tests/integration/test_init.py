"""`kilopush-bridge init` as a person meets it: on a terminal, with a real broker."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import trustme
from harness import Listener, Mosquitto, free_port, publish
from harness.bridge import PEOPLE, PROGRAM, SECRET, SECRETS, TOKEN
from harness.broker import broker_program
from harness.terminal import CTRL_C, CTRL_D, Terminal

from kilopush_bridge.emulator import RunningEmulator, World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ME, ANNA = PEOPLE["me"], PEOPLE["anna"]
PASSWORD = 'Öpen $esame: "#1" ${NO}'
VARIABLES = {"KILO_TOKEN": TOKEN, "KILO_SECRET": SECRET, "KILO_ME": ME, "KILO_ANNA": ANNA}


@dataclass
class House:
    """A folder to set up, its broker and the API."""

    folder: Path
    environment: dict[str, str]

    @property
    def config(self) -> Path:
        return self.folder / "config.yaml"

    @property
    def secrets(self) -> Path:
        return self.folder / "secrets.yaml"

    @property
    def files(self) -> list[str]:
        return sorted(path.name for path in self.folder.iterdir())

    def terminal(self, *arguments: str, **variables: str) -> Terminal:
        return Terminal([PROGRAM, "init", *arguments], self.folder, self.environment | variables)

    def run(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [PROGRAM, *arguments],
            cwd=self.folder,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


@pytest.fixture
def house(tmp_path: Path, broker: Mosquitto, api: RunningEmulator) -> House:
    names = ("KILO_", "MQTT_", "KILOPUSH_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(names)}
    folder = tmp_path / "house"
    folder.mkdir()
    added = {
        "KILOPUSH_API_URL": api.url,
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "MQTT_URL": broker.url,
        "NO_COLOR": "1",
        "TERM": "dumb",
        "PYTHONUNBUFFERED": "1",
    }
    return House(folder, environment | added)


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker that lets in nobody but `kilopush`."""
    folder = tmp_path / "locked"
    folder.mkdir()
    file = folder / "passwords"
    program = broker_program().removesuffix("sbin/mosquitto") + "bin/mosquitto_passwd"
    subprocess.run([program, "-b", "-c", str(file), "kilopush", PASSWORD], check=True, timeout=20)
    file.chmod(0o644)
    with Mosquitto(folder, f"allow_anonymous false\npassword_file {file}") as running:
        yield running


def answer_channel(terminal: Terminal, secret: str = SECRET) -> None:
    terminal.answer("Channel token:", TOKEN)
    terminal.answer("Channel secret key:", secret)


def answer_people(terminal: Terminal) -> None:
    terminal.answer("Name of the first person [me]:", "")
    terminal.answer("User token of me:", ME)
    terminal.answer("Name of another person (empty: no more)", "")


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_whole_conversation_ends_with_a_test_message_and_a_configuration_that_works(
    house: House, broker: Mosquitto, api: RunningEmulator
):
    publish(broker.port, "zigbee2mqtt/bridge/state", '{"state":"online"}', retain=True)
    publish(broker.port, "tele/plug/LWT", "Online", retain=True)
    with house.terminal() as terminal:
        terminal.expect(f"Connecting to {broker.url}")
        terminal.expect("Connected. Heard: Zigbee2MQTT, Tasmota.")
        answer_channel(terminal)
        terminal.answer("Name of the first person [me]:", "")
        terminal.answer("User token of me:", ME)
        terminal.answer("Name of another person (empty: no more)", "anna")
        terminal.answer("User token of anna:", ANNA)
        terminal.answer("Name of another person (empty: no more)", "")
        terminal.answer("Who gets an alert whose rule names nobody", "everyone")
        terminal.answer("test message to me and anna? It takes 2 of the 300 messages", "y")
        terminal.expect("me: sent\nanna: sent")
        terminal.expect("kilopush-bridge run ")
        assert terminal.wait_ended() == 0
    assert [record.fields["to"] for record in api.delivered] == [ME, ANNA]
    assert house.files == ["config.yaml", "secrets.yaml"]
    assert mode_of(house.secrets) == 0o600
    assert not [one for one in SECRETS if one in terminal.said + house.config.read_text()]
    checked = house.run("check")
    said = checked.stdout.splitlines()[0]
    assert said == "config.yaml: 4 rules, 1 channel, 2 people: no problems"
    assert checked.stderr == ""
    assert (
        "water leak: fires, critical, to me, anna"
        in house.run("try", "zigbee2mqtt/cellar", '{"water_leak": true}').stdout
    )


def test_a_broker_with_a_password_is_asked_until_it_lets_us_in(house: House, locked: Mosquitto):
    with house.terminal("--no-test", MQTT_URL="") as terminal:
        terminal.expect("Looking for a broker")
        terminal.answer("\nBroker", f"127.0.0.1:{locked.port}")
        terminal.expect("it wants a user name and password")
        terminal.answer("User name (empty: another broker):", "kilopush")
        terminal.answer("Password:", "wrong")
        terminal.expect("the broker refused ")
        terminal.answer("User name (empty: another broker):", "kilopush")
        terminal.answer("Password:", PASSWORD)
        terminal.expect("Connected.")
        answer_channel(terminal)
        answer_people(terminal)
        assert terminal.wait_ended() == 0
    assert PASSWORD not in terminal.said
    assert "password: !secret kilo_mqtt_password" in house.config.read_text()
    assert "no problems" in house.run("check").stdout


@pytest.mark.parametrize("scheme", ["mqtts", "wss"])
def test_a_certificate_authority_of_the_house_is_asked_for(
    house: House, tmp_path: Path, scheme: str
):
    files, port = tmp_path / "tls", free_port()
    files.mkdir()
    authority = trustme.CA()
    authority.cert_pem.write_to_path(files / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(files / "it.pem")
    listener = (
        f"listener {port} 127.0.0.1\ncertfile {files}/it.pem\nkeyfile {files}/it.pem\n"
        f"protocol {'websockets' if scheme == 'wss' else 'mqtt'}\n"
    )
    url = f"{scheme}://127.0.0.1:{port}"
    with (
        Mosquitto(tmp_path / "with_tls", listener=listener),
        house.terminal("--no-test", "--broker", url) as terminal,
    ):
        terminal.expect("the broker's certificate is not trusted")
        question = "File with the certificate authority to trust (empty: another broker):"
        terminal.answer(question, "nowhere.pem")
        terminal.expect("there is no file nowhere.pem")
        terminal.answer(question, str(files / "ca.pem"))
        terminal.expect("Connected.")
        answer_channel(terminal)
        answer_people(terminal)
        assert terminal.wait_ended() == 0
    assert f"ca_file: {files}/ca.pem" in house.config.read_text().replace('"', "")


def test_every_wrong_answer_is_named_and_asked_again(house: House, api: RunningEmulator):
    gone = f"127.0.0.1:{free_port()}"
    with house.terminal("--no-test", MQTT_URL="") as terminal:
        for wrong, why in (
            ("ftp://x", "the address must start with"),
            ("mqtt://", "the address names no host"),
            (gone, "Connection refused"),
        ):
            terminal.answer("\nBroker", wrong)
            terminal.expect(why)
        terminal.answer("Use it anyway?", "n")
        terminal.answer("\nBroker", house.environment["MQTT_URL"])
        terminal.expect("Connected.")
        for wrong, why in (
            (ME, "this is a user token"),
            (TOKEN[:-1], "(this has 41 characters)"),
        ):
            terminal.answer("Channel token:", wrong)
            terminal.expect(why)
        terminal.answer("Channel token:", f"  '{TOKEN}' ")
        terminal.answer("Channel secret key:", TOKEN)
        terminal.expect("the secret key is the longer one")
        terminal.answer("Channel secret key:", SECRET)
        terminal.answer("Name of the first person [me]:", "u_" + "99" * 20)  # shows
        terminal.expect("first comes a name of your choice")
        terminal.answer("Name of the first person [me]:", "everyone")
        terminal.expect("the group of all people")
        terminal.answer("Name of the first person [me]:", "Jürgen & Ole")
        terminal.answer("User token of Jürgen & Ole:", TOKEN)
        terminal.expect("this is a channel token")
        terminal.answer("User token of Jürgen & Ole:", ME)
        terminal.answer("Name of another person", "anna")
        terminal.answer("User token of anna:", ME)
        terminal.expect("the token of Jürgen & Ole already")
        terminal.answer("User token of anna:", ANNA)
        terminal.answer("Name of another person", "")
        terminal.answer("whose rule names nobody", "ana")
        terminal.expect("did you mean `anna`?")
        terminal.answer("whose rule names nobody", "anna")
        assert terminal.wait_ended() == 0
    assert not [one for one in SECRETS if one in terminal.said]
    assert api.requests == []
    assert "0 rules, 1 channel, 2 people: no problems" in house.run("check").stdout


def test_a_broker_that_is_not_there_yet_can_be_used_anyway(house: House):
    url = f"mqtt://127.0.0.1:{free_port()}"
    with house.terminal("--no-test", "--broker", url) as terminal:
        terminal.answer("Use it anyway?", "y")
        answer_channel(terminal)
        answer_people(terminal)
        assert terminal.wait_ended() == 0
    assert f"url: {url}" in house.config.read_text()


def test_a_refused_secret_can_be_typed_again(house: House, api: RunningEmulator):
    api.world = World(channels={TOKEN: SECRET})
    with house.terminal() as terminal:
        answer_channel(terminal, secret="9" * 64)
        answer_people(terminal)
        terminal.answer("Send a test message to me?", "y")
        terminal.expect("me: pending, its token or secret or the address is refused")
        terminal.answer("Type the channel's token and secret key again?", "y")
        answer_channel(terminal)
        terminal.expect("me: sent")
        assert terminal.wait_ended() == 0
    assert SECRET in house.secrets.read_text()
    assert len(api.delivered) == 1
    listed = json.loads(house.run("queue", "list", "--json").stdout)
    assert [row["state"] for row in listed] == ["withdrawn"]


def test_a_test_message_that_reaches_nobody_ends_with_1_and_says_why(
    house: House, api: RunningEmulator
):
    api.world = World(blacklist=frozenset({(ME, TOKEN)}))
    with house.terminal("--test") as terminal:
        answer_channel(terminal)
        answer_people(terminal)
        terminal.expect("me: withdrawn, me has put the channel on the blacklist")
        assert terminal.wait_ended() == 1
    assert "no problems" in house.run("check").stdout


def test_a_file_that_is_there_is_left_alone_unless_forced(house: House):
    house.config.write_text("mine")
    house.secrets.write_text("# theirs\nwifi: hidden\nkilo_token: old\n")
    house.secrets.chmod(0o640)
    with house.terminal() as terminal:
        assert terminal.wait_ended() == 2
    assert "config.yaml is there already; --force overwrites it" in terminal.said
    assert house.config.read_text() == "mine"
    given = ("init", "--yes", "--person", "me")
    assert house.run(*given, "--force", **VARIABLES).returncode == 0
    assert house.secrets.read_text().startswith(f"# theirs\nwifi: hidden\nkilo_token: {TOKEN}\n")
    assert mode_of(house.secrets) == 0o640
    assert "no problems" in house.run("check").stdout


def test_other_secrets_of_the_same_name_are_replaced_only_on_demand(house: House):
    house.secrets.write_text("kilo_token: old\n")
    done = house.run("init", "--yes", "--person", "me", **VARIABLES)
    assert done.returncode == 2
    assert "another kilo_token already" in done.stderr
    assert house.files == ["secrets.yaml"]
    with house.terminal("--no-test", "--person", "me", **VARIABLES) as terminal:
        terminal.answer("another kilo_token already. Replace it? [y/N]", "n")
        assert terminal.wait_ended() == 1
    assert house.secrets.read_text() == "kilo_token: old\n"


def test_a_secret_file_that_cannot_be_read_back_stops_before_anything_is_written(house: House):
    house.secrets.write_text("a: [\n")
    done = house.run("init", "--yes", "--person", "me", **VARIABLES)
    assert done.returncode == 2
    assert done.stderr.startswith("secrets.yaml:")
    assert house.files == ["secrets.yaml"]


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
@pytest.mark.parametrize("question", ["Channel secret key:", "User token of me:", "another person"])
def test_stopping_in_the_middle_leaves_nothing(house: House, question: str, key: str):
    with house.terminal() as terminal:
        terminal.answer("Channel token:", TOKEN)
        if question != "Channel secret key:":
            terminal.answer("Channel secret key:", SECRET)
            terminal.answer("Name of the first person", "")
        if question == "another person":
            terminal.answer("User token of me:", ME)
        terminal.expect(question)
        terminal.type(key)
        assert terminal.wait_ended() == 1
    assert "Stopped: nothing was written." in terminal.said
    assert "Traceback" not in terminal.said
    assert house.files == []


def test_stopping_while_the_broker_is_tried_leaves_nothing(house: House):
    with house.terminal() as terminal:
        terminal.expect("Connecting to")
        terminal.type(CTRL_C)
        assert terminal.wait_ended() == 1
    assert "Stopped: nothing was written." in terminal.said
    assert house.files == []


def test_stopping_at_the_test_message_keeps_the_configuration(house: House):
    with house.terminal() as terminal:
        answer_channel(terminal)
        answer_people(terminal)
        terminal.expect("Send a test message")
        terminal.type(CTRL_C)
        assert terminal.wait_ended() == 1
    assert "Stopped; the configuration stays as written." in terminal.said
    assert "no problems" in house.run("check").stdout


def test_without_a_terminal_everything_that_is_missing_is_listed(house: House):
    done = house.run("init", "--broker", "ftp://x", KILO_TOKEN="c_1")
    assert done.returncode == 2
    assert [line.strip().partition(" ")[0] for line in done.stderr.splitlines()[1:]] == [
        "KILO_TOKEN:",
        "KILO_SECRET",
        "--person",
        "--broker:",
    ]
    assert house.files == []


@pytest.mark.parametrize("options", [[], ["--env"], ["--inline"]])
def test_everything_can_be_given_without_a_terminal(
    house: House, tmp_path: Path, api: RunningEmulator, locked: Mosquitto, options: list[str]
):
    given = tmp_path / "given.env"
    lines = [f"{name}={value}\n" for name, value in VARIABLES.items()]
    given.write_text("".join([*lines, f"MQTT_PASSWORD={PASSWORD}\n"]))
    done = house.run(
        *("init", "--yes", "--test", "--broker", locked.url, "--username", "kilopush"),
        *("--person", "me", "--person", "anna", "--to", "me,anna"),
        *("--secret-file", str(given), *options),
    )
    assert done.returncode == 0, done.stderr
    assert "me: sent\nanna: sent" in done.stdout
    assert not [one for one in (*SECRETS, PASSWORD) if one in done.stdout + done.stderr]
    if options == ["--env"]:
        assert "  KILO_ANNA\n" in done.stdout
    variables = {**VARIABLES, "MQTT_PASSWORD": PASSWORD} if options == ["--env"] else {}
    assert "no problems" in house.run("check", **variables).stdout
    assert mode_of(house.config) == (0o600 if options == ["--inline"] else 0o644)
    assert house.files == ["config.yaml"] + ([] if options else ["secrets.yaml"])


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["--env", "--inline"], "secrets are kept in one place"),
        (["--broker", "mqtt://me:secret@x"], "--broker must not hold a password"),
        (["--secret-file", "nowhere"], "--secret-file nowhere: No such file"),
        (["-c", "nowhere/config.yaml"], "there is no folder nowhere"),
    ],
)
def test_options_that_cannot_be_meant_end_with_2(house: House, arguments: list[str], why: str):
    done = house.run("init", *arguments)
    assert done.returncode == 2
    assert why in done.stderr
    assert house.files == []


def test_a_look_at_the_broker_publishes_nothing(house: House, broker: Mosquitto):
    with Listener(broker.port, "#") as listener:
        done = house.run("init", "--yes", "--person", "me", **VARIABLES)
        publish(broker.port, "test/end", "x")
    assert done.returncode == 0
    assert not [topic for topic, _, _ in listener.messages if topic != "test/end"]
