"""The commands as a person uses them: what they print and how they end."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from harness import Bridge, Mosquitto, free_port, publish
from harness.bridge import PEOPLE, PROGRAM, SECRET, SECRETS, TOKEN
from harness.wait import wait_until

from kilopush_bridge.emulator import World

if TYPE_CHECKING:
    from pathlib import Path

    from kilopush_bridge.emulator import RunningEmulator


@pytest.fixture
def alone(tmp_path: Path, api: RunningEmulator) -> Bridge:
    """A configuration whose bridge is not running."""
    return Bridge(tmp_path / "bridge", f"mqtt://127.0.0.1:{free_port()}", api.url)


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [PROGRAM, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "NO_COLOR": "1", **environment},
    )


def test_help_and_version_are_there():
    for arguments in (["--help"], ["run", "--help"], ["queue", "--help"], ["--version"]):
        done = run(*arguments)
        assert done.returncode == 0
        assert "kilopush-bridge" in done.stdout


@pytest.mark.parametrize("arguments", [["nonsense"], ["run", "--nonsense"], ["queue", "nonsense"]])
def test_a_wrong_command_line_ends_with_2(arguments: list[str]):
    done = run(*arguments)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_check_says_that_there_are_no_problems(alone: Bridge):
    done = alone.command("check")
    assert "2 rules, 1 channel, 2 people: no problems" in done.stdout


def test_check_says_every_problem_at_once_with_its_place_and_ends_with_2(alone: Bridge):
    alone.write_config(
        "mqtt://localhost", '  bad:\n    topic: "a/#/b"\n    wehn: x\n    message: "{{ x"\n'
    )
    done = alone.command("check", check=False)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert any("`#` must be the last level" in line for line in lines)
    assert any("did you mean `when`?" in line for line in lines)
    assert any("not a template" in line for line in lines)
    assert all(line.startswith(f"{alone.config}:") for line in lines)
    report = json.loads(alone.command("check", "--json", check=False).stdout)
    assert report["ok"] is False
    assert len(report["problems"]) == len(lines)


def test_check_takes_the_file_as_an_argument_too(tmp_path: Path):
    path = tmp_path / "bad.yaml"
    path.write_text("alerts: []\n")
    done = run("check", str(path))
    assert done.returncode == 2
    assert "the name goes before the colon" in done.stderr
    assert "once" in run("check", str(path), "-c", str(path)).stderr


def test_check_counts_the_warnings(alone: Bridge):
    alone.write_config(
        "mqtt://localhost",
        "  leak: {topic: a/*, when: state == on, message: Water, to: me}\n",
    )
    done = alone.command("check")
    assert "no problems, 2 warnings\n" in done.stdout
    assert done.stderr.count("warning: ") == 2


def test_a_file_that_is_not_there_is_named(tmp_path: Path):
    done = run("check", "-c", str(tmp_path / "nothing.yaml"))
    assert done.returncode == 2
    assert "there is no such file" in done.stderr


def test_run_with_a_wrong_configuration_ends_with_2(alone: Bridge):
    alone.write_config("mqtt://localhost", "  x: {}\n")
    done = alone.command("run", check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_try_says_what_would_be_sent_and_how_long_it_is(alone: Bridge):
    done = alone.command("try", "zigbee2mqtt/cellar", '{"water_leak": true}')
    assert "water leak: fires, critical, to me" in done.stdout
    assert "Water at cellar" in done.stdout
    assert "15 of 1000 units" in done.stdout
    assert "1 other rule does not listen" in done.stdout


@pytest.mark.parametrize(
    ("payload", "why"),
    [
        ('{"water_leak": false}', "is false"),
        ('{"battery": 3}', "`water_leak` is missing, null or unknown"),
        ("not json", "`water_leak` is missing, null or unknown"),
    ],
)
def test_try_says_why_a_rule_does_not_fire(alone: Bridge, payload: str, why: str):
    done = alone.command("try", "zigbee2mqtt/cellar", payload)
    assert why in done.stdout
    report = json.loads(alone.command("try", "zigbee2mqtt/cellar", payload, "--json").stdout)
    assert [one["fires"] for one in report if one["matches"]] == [False]


def test_try_names_everything_that_is_missing(alone: Bridge):
    alone.write_config("mqtt://localhost", "  r: {topic: t, when: a and b, message: x, to: me}\n")
    assert "`a`, `b` are missing" in alone.command("try", "t", "{}").stdout


def test_try_refuses_a_topic_with_wildcards(alone: Bridge):
    done = alone.command("try", "zigbee2mqtt/+", "{}", check=False)
    assert done.returncode == 2
    assert "a topic name has no wildcards" in done.stderr


def test_try_says_that_broken_json_is_taken_as_text(alone: Bridge):
    done = alone.command("try", "zigbee2mqtt/cellar", '{"water_leak": tru')
    assert done.stderr == "the payload is no JSON: taken as text\n"
    assert alone.command("try", "zigbee2mqtt/cellar", "{}").stderr == ""


def test_try_says_which_words_of_a_rule_give_nothing_and_why(alone: Bridge):
    words = 'topic: t, event: "true", message: "{{ a }}", url: "{{ b }}", silent: "{{ c }}", to: me'
    alone.write_config("mqtt://localhost", f"  r: {{{words}}}\n")
    done = alone.command("try", "t", '{"b": "nowhere"}')
    assert [line.strip() for line in done.stdout.splitlines()][1:5] == [
        "the message could not be rendered: `a` is missing; this is sent instead",
        "the url could not be rendered: it is no http(s) link; it is left out",
        "the silent could not be rendered: `c` is missing; it is left out",
        'r: t {"b": "nowhere"}',
    ]
    assert done.stderr == ""


def test_try_reads_a_payload_from_standard_input(alone: Bridge):
    done = subprocess.run(
        [PROGRAM, "try", "zigbee2mqtt/cellar", "-", "-c", str(alone.config)],
        input='{"water_leak": true}\n',
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, **alone.environment},
    )
    assert "water leak: fires" in done.stdout


def test_send_delivers_by_itself_when_no_bridge_runs(alone: Bridge, api: RunningEmulator):
    done = alone.command(
        "send", "hello", "--to", "family", "--url", "https://example.org", "--silent"
    )
    assert done.stdout.splitlines() == ["me: sent", "anna: sent"]
    assert [record.fields["silent"] for record in api.delivered] == ["1", "1"]


def test_send_reaches_everybody_whom_it_can_and_says_why_not_the_others(
    alone: Bridge, api: RunningEmulator
):
    api.world = replace(api.world, blacklist=frozenset({(PEOPLE["me"], TOKEN)}))
    done = alone.command("send", "hello", "--to", "family", check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines() == [
        "me: withdrawn, me has put the channel on the blacklist",
        "anna: sent",
    ]


def test_send_leaves_the_delivery_to_a_running_bridge(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    assert broker.port
    bridge.start()
    done = bridge.command("send", "hello", "--priority", "critical")
    assert done.stdout == "in the outbox; the running bridge delivers it\n"
    api.wait_for_delivered(1)


def test_send_that_cannot_be_delivered_stays_in_the_outbox_and_ends_with_1(
    alone: Bridge, api: RunningEmulator
):
    api.fault("500", times=None)
    done = alone.command("send", "hello", check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("me: pending, in the next digest; replies are lost (")
    rows = json.loads(alone.command("queue", "list", "--json").stdout)
    assert [(row["state"], row["text"]) for row in rows] == [("pending", "hello")]


def test_send_does_not_wait_for_a_secret_that_was_corrected(alone: Bridge, api: RunningEmulator):
    api.world = World(channels={TOKEN: "9" * 64})
    refused = alone.command("send", "first", check=False)
    assert refused.stdout.startswith("me: pending, its token or secret or the address is refused")
    text = alone.config.read_text()
    alone.config.write_text(text.replace(SECRET, "9" * 64))
    assert alone.command("send", "second").stdout == "me: sent\n"
    assert {record.fields["message"] for record in api.delivered} == {"first", "second"}


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["send", "x", "--to", "nobody"], "no person or group `nobody`"),
        (["send", "x", "--priority", "urgent"], "--priority must be"),
        (["send", "x", "--url", "ftp://x"], "--url must be"),
        (["send", ""], "no text"),
        (["queue", "retry"], "name the numbers"),
        (["queue", "list", "--state", "lost"], "--state must be"),
    ],
)
def test_a_wrong_argument_ends_with_2_and_says_which(alone: Bridge, arguments: list[str], why: str):
    done = alone.command(*arguments, check=False)
    assert done.returncode == 2, done.stderr
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_status_without_a_state_says_so_and_ends_with_3(alone: Bridge):
    done = alone.command("status", check=False)
    assert done.returncode == 3
    assert "there is no state" in done.stderr


def test_status_beside_a_running_bridge_says_what_fires_and_what_was_sent(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.start()
    publish(broker.port, "zigbee2mqtt/cellar", '{"water_leak": true}')
    api.wait_for_delivered(1)
    report = wait_until(lambda: (found := bridge.status())["alerts"]["sent"] and found)
    assert report["running"] is True
    assert report["channels"]["home"]["spent"] == 1
    assert [(one["rule"], one["key"]) for one in report["firing"]] == [
        ("water leak", "zigbee2mqtt/cellar")
    ]
    text = bridge.command("status").stdout
    assert "The bridge is running." in text
    assert "Firing: water leak (zigbee2mqtt/cellar)" in text


def test_dead_letters_can_be_retried_and_dropped(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.start()
    publish(broker.port, "kilopush/send/test", "first")
    api.wait_for_delivered(1)
    bridge.stop()
    connection_rows = bridge.rows("SELECT id FROM deliveries")
    import sqlite3

    connection = sqlite3.connect(bridge.state)
    connection.execute("UPDATE deliveries SET state = 'dead', reason = 'refused: odd'")
    connection.commit()
    connection.close()
    listed = bridge.command("queue", "list").stdout
    assert "dead" in listed
    assert "[refused: odd]" in listed
    number = str(connection_rows[0][0])
    assert bridge.command("queue", "retry", number).stdout == "1 back in the outbox\n"
    bridge.start()
    api.wait_for_delivered(2)
    assert bridge.command("queue", "drop", number, check=False).returncode == 1
    assert bridge.command("queue", "list").stdout == "Nothing waits.\n"


def test_schema_is_json_schema():
    schema = json.loads(run("schema").stdout)
    assert "alerts" in schema["properties"]


def test_no_command_prints_a_secret(alone: Bridge):
    said = ""
    for arguments in (
        ["check"],
        ["send", "hello"],
        ["status"],
        ["queue", "list"],
        ["try", "a", "b"],
    ):
        done = alone.command(*arguments, check=False)
        said += done.stdout + done.stderr
    assert not [secret for secret in SECRETS if secret in said]


# --- the demo ------------------------------------------------------------------------------------


def demo(*arguments: str, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [PROGRAM, "demo", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def test_the_demo_shows_the_whole_way_and_ends_by_itself_with_a_summary():
    output, _ = demo("--seconds", "9").communicate(timeout=40)
    assert "mqtt zigbee2mqtt/kitchen_leak" in output
    assert "rule water leak: alarm" in output
    assert "phone anna: 💧 Water at kitchen_leak" in output
    assert "That was:" in output
    assert "Traceback" not in output


def test_ctrl_c_ends_the_demo_cleanly():
    process = demo()
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=20)
    assert process.returncode == 0, output
    assert "That was:" in output
    assert "Traceback" not in output


def test_the_demo_with_rules_of_your_own_touches_neither_your_state_nor_your_broker(
    alone: Bridge, api: RunningEmulator
):
    api.fault("500", times=None)
    alone.command("send", "a real alarm that waits", "--priority", "critical", check=False)
    output, _ = demo("--seconds", "4", "-c", str(alone.config)).communicate(timeout=40)
    assert "mqtt zigbee2mqtt/kitchen_leak" in output
    assert "a real alarm that waits" not in output
    assert alone.status()["alerts"]["pending"] == 1
