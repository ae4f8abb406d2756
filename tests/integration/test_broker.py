"""Section "MQTT" of the promises: sessions, protocols, encryption, refusals."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import paho.mqtt.client as paho
import pytest
import trustme
from harness import Bridge, Listener, Mosquitto, free_port, publish, publish_many
from harness.bridge import LEAK, UNLIMITED
from harness.broker import broker_program
from harness.wait import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from kilopush_bridge.emulator import RunningEmulator


def texts(api: RunningEmulator) -> list[str]:
    return [record.fields["message"] for record in api.delivered]


def test_a_broker_that_is_absent_at_start_is_waited_for_in_one_line(
    tmp_path: Path, api: RunningEmulator
):
    broker = Mosquitto(tmp_path / "broker")
    with Bridge(tmp_path / "bridge", broker.url, api.url) as bridge:
        bridge.start(wait=False)
        wait_until(lambda: "Connection refused" in bridge.log)
        time.sleep(3)
        assert bridge.log.count("Connection refused") == 1
        with broker:
            wait_until(lambda: "connected to" in bridge.log, 30)
            publish(broker.port, "test/1", "ping")
            api.wait_for_delivered(1)


def test_what_is_published_while_the_bridge_is_away_arrives_later(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.start()
    bridge.kill()
    publish_many(broker.port, [(f"test/{number}", "ping") for number in range(30)])
    bridge.start()
    api.wait_for_delivered(30)
    assert sorted(texts(api)) == sorted(f"ping {number}" for number in range(30))
    assert "session resumed" in bridge.log


def test_a_broker_restart_with_unacknowledged_messages_in_flight_loses_nothing(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.write_config(broker.url, tail=UNLIMITED)
    bridge.start()
    numbers = range(400)
    for start in range(0, 400, 100):
        publish_many(
            broker.port, [(f"test/{number}", "ping") for number in numbers[start : start + 100]]
        )
        broker.restart()
        wait_until(lambda count=start // 100 + 2: bridge.log.count("connected to") >= count, 40)
    wait_until(lambda: {f"ping {number}" for number in numbers} <= set(texts(api)), 60)


def test_a_filter_that_is_gone_from_the_configuration_is_unsubscribed(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.start()
    wait_until(lambda: bridge.rows("SELECT 1 FROM facts WHERE name = 'filters'"))
    bridge.stop()
    bridge.write_config(broker.url, LEAK)
    bridge.start()
    wait_until(lambda: "Received UNSUBSCRIBE" in broker.log)
    assert "test/+" in broker.log.split("Received UNSUBSCRIBE")[1]


# --- overlapping filters -------------------------------------------------------------------------

OVERLAPPING = """
  one:
    topic: [a/+x, a/b, +y/b]
    event: value == 'now'
    message: "one {{ topic }}"
  two:
    topic: a/#
    event: value == 'now'
    message: "two {{ topic }}"
  three:
    topic: +first/b
    event: value == 'now'
    message: "three {{ topic }}"
"""


def test_with_mqtt_5_a_message_reaches_a_rule_once_however_its_filters_overlap(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.write_config(broker.url, OVERLAPPING)
    bridge.start()
    publish(broker.port, "a/b", "now")
    publish(broker.port, "c/b", "now")
    publish(broker.port, "a/c", "now")
    api.wait_for_delivered(7)
    time.sleep(0.3)
    assert sorted(texts(api)) == [
        "one a/b",
        "one a/c",
        "one c/b",
        "three a/b",
        "three c/b",
        "two a/b",
        "two a/c",
    ]
    assert "MQTT 5" in bridge.log


def test_check_reports_the_overlaps_that_mqtt_3_1_1_may_deliver_twice(bridge: Bridge):
    bridge.write_config("mqtt://localhost", OVERLAPPING)
    assert "`+/b` and `a/#` overlap" in bridge.command("check").stderr


# --- the embedded broker speaks MQTT 3.1.1 only --------------------------------------------------


def test_an_embedded_broker_serves_devices_with_mqtt_3_1_1(tmp_path: Path, api: RunningEmulator):
    port = free_port()
    covered = """
  narrow:
    topic: a/b
    event: value == 'now'
    message: "narrow"
  wide:
    topic: a/#
    event: value == 'now'
    message: "wide"
"""
    with Bridge(tmp_path / "bridge", f"embedded://127.0.0.1:{port}", api.url, covered) as bridge:
        bridge.start()
        assert "MQTT 3.1.1" in bridge.log
        publish(port, "a/b", "now")
        api.wait_for_delivered(2)
        time.sleep(0.3)
        assert sorted(texts(api)) == ["narrow", "wide"]
        assert bridge.stop() == 0


def test_an_embedded_broker_beyond_loopback_demands_a_password_and_checks_it(
    tmp_path: Path, api: RunningEmulator
):
    port = free_port()
    with Bridge(tmp_path / "bridge", f"embedded://0.0.0.0:{port}", api.url) as bridge:
        assert "needs `username` and `password`" in bridge.command("check", check=False).stderr
        bridge.write_config(
            f'{{url: "embedded://0.0.0.0:{port}", username: house, password: open-sesame}}'
        )
        bridge.start()
        publish(port, "test/1", "ping", username="house", password="open-sesame")
        api.wait_for_delivered(1)
        stranger = paho.Client(paho.CallbackAPIVersion.VERSION2)
        refused: list[int] = []
        stranger.on_connect = lambda _c, _u, _f, reason, _p: refused.append(reason.value)
        stranger.connect("127.0.0.1", port)
        stranger.loop_start()
        wait_until(lambda: refused)
        stranger.loop_stop()
        assert refused[0] >= 128
        assert "open-sesame" not in bridge.log


def test_a_broker_that_only_speaks_mqtt_3_1_1_is_served_after_a_try_with_mqtt_5(
    tmp_path: Path, api: RunningEmulator
):
    port = free_port()
    with (
        Bridge(tmp_path / "host", f"embedded://127.0.0.1:{port}", api.url) as host,
        Bridge(
            tmp_path / "guest", f"{{url: 'mqtt://127.0.0.1:{port}', topic_prefix: guest}}", api.url
        ) as guest,
    ):
        host.start()
        guest.start()
        assert "trying MQTT 3.1.1" in guest.log
        assert "with MQTT 3.1.1" in guest.log


# --- refusals: said once, clearly ----------------------------------------------------------------


def test_a_wrong_password_is_said_once(tmp_path: Path, api: RunningEmulator):
    folder = tmp_path / "broker"
    folder.mkdir()
    passwords = folder / "passwords"
    passwords.write_text("bridge:right\n")
    subprocess.run(
        [
            str(Path(broker_program()).with_name("mosquitto_passwd")).replace("/sbin/", "/bin/"),
            "-U",
            passwords,
        ],
        check=True,
    )
    with Mosquitto(folder, f"allow_anonymous false\npassword_file {passwords}") as broker:
        mqtt = f'{{url: "{broker.url}", username: bridge, password: wrong-one}}'
        with Bridge(tmp_path / "bridge", mqtt, api.url) as bridge:
            bridge.start(wait=False)
            wait_until(lambda: "refused us" in bridge.log or "user name or password" in bridge.log)
            time.sleep(1)
            assert bridge.log.count("password") == 1
            assert "wrong-one" not in bridge.log
            bridge.kill()
            bridge.write_config(mqtt.replace("wrong-one", "right"))
            bridge.start()


def test_another_client_with_our_name_is_named_and_given_five_minutes(
    broker: Mosquitto, api: RunningEmulator, tmp_path: Path
):
    mqtt = f'{{url: "{broker.url}", client_id: same}}'
    with (
        Bridge(tmp_path / "one", mqtt, api.url) as one,
        Bridge(tmp_path / "two", mqtt, api.url) as two,
    ):
        one.start()
        two.start(wait=False)
        logs = lambda: one.log + two.log  # noqa: E731
        wait_until(lambda: "another client keeps connecting as `same`" in logs(), 40)
        wait_until(lambda: "next try in 5 min" in logs())


def test_a_subscription_that_the_broker_refuses_is_named(tmp_path: Path, api: RunningEmulator):
    folder = tmp_path / "broker"
    folder.mkdir()
    rules = folder / "acl"
    rules.write_text("topic read test/#\ntopic readwrite kilopush/#\ntopic write test/#\n")
    with (
        Mosquitto(folder, f"acl_file {rules}") as broker,
        Bridge(tmp_path / "bridge", broker.url, api.url) as bridge,
    ):
        bridge.start()
        publish(broker.port, "test/1", "ping")
        api.wait_for_delivered(1)


# --- encryption and WebSockets -------------------------------------------------------------------


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def files(tmp_path: Path, authority: trustme.CA) -> Path:
    folder = tmp_path / "tls"
    folder.mkdir()
    folder.chmod(0o755)
    authority.cert_pem.write_to_path(folder / "ca.pem")
    server = authority.issue_cert("localhost", "127.0.0.1")
    server.private_key_pem.write_to_path(folder / "server.key")
    for part in server.cert_chain_pems:
        part.write_to_path(folder / "server.pem", append=True)
    client = authority.issue_cert("bridge@example.org")
    client.private_key_and_cert_chain_pem.write_to_path(folder / "client.pem")
    return folder


@pytest.fixture
def tls_broker(tmp_path: Path, files: Path) -> Iterator[tuple[Mosquitto, dict[str, int]]]:
    ports = {"mqtts": free_port(), "wss": free_port(), "ws": free_port(), "client": free_port()}
    tls = f"cafile {files}/ca.pem\ncertfile {files}/server.pem\nkeyfile {files}/server.key\n"
    listeners = (
        f"listener {ports['mqtts']} 127.0.0.1\n{tls}"
        f"listener {ports['client']} 127.0.0.1\n{tls}require_certificate true\n"
        f"listener {ports['ws']} 127.0.0.1\nprotocol websockets\n"
        f"listener {ports['wss']} 127.0.0.1\nprotocol websockets\n{tls}"
    )
    with Mosquitto(tmp_path / "broker", listener=listeners) as broker:
        yield broker, ports


@pytest.mark.parametrize("scheme", ["mqtts", "ws", "wss"])
def test_alerts_arrive_over_every_transport(
    tmp_path: Path,
    api: RunningEmulator,
    tls_broker: tuple[Mosquitto, dict[str, int]],
    files: Path,
    scheme: str,
):
    broker, ports = tls_broker
    ca = f", ca_file: {files}/ca.pem" if scheme != "ws" else ""
    mqtt = f'{{url: "{scheme}://127.0.0.1:{ports[scheme]}"{ca}}}'
    with Bridge(tmp_path / "bridge", mqtt, api.url, tail=UNLIMITED) as bridge:
        bridge.start()
        publish_many(broker.port, [(f"test/{number}", "ping") for number in range(100)])
        publish(
            broker.port, "zigbee2mqtt/x", '{"water_leak": true, "padding": "' + "x" * 200_000 + '"}'
        )
        api.wait_for_delivered(101)


def test_a_client_certificate_is_shown_to_a_broker_that_wants_one(
    tmp_path: Path, api: RunningEmulator, tls_broker: tuple[Mosquitto, dict[str, int]], files: Path
):
    broker, ports = tls_broker
    url = f"mqtts://127.0.0.1:{ports['client']}"
    mqtt = f'{{url: "{url}", ca_file: {files}/ca.pem, cert_file: {files}/client.pem}}'
    with Bridge(tmp_path / "bridge", mqtt, api.url) as bridge:
        bridge.start()
        publish(broker.port, "test/1", "ping")
        api.wait_for_delivered(1)


@pytest.mark.parametrize(
    ("port", "trust", "said"),
    [
        ("mqtts", False, "certificate is not trusted"),
        ("client", True, "refused the client certificate"),
    ],
)
def test_a_refused_certificate_is_said_once(
    tmp_path: Path,
    api: RunningEmulator,
    tls_broker: tuple[Mosquitto, dict[str, int]],
    files: Path,
    port: str,
    trust: bool,
    said: str,
):
    _, ports = tls_broker
    ca = f", ca_file: {files}/ca.pem" if trust else ""
    with Bridge(
        tmp_path / "bridge", f'{{url: "mqtts://127.0.0.1:{ports[port]}"{ca}}}', api.url
    ) as bridge:
        bridge.start(wait=False)
        wait_until(lambda: said in bridge.log, what=f"{said} in {bridge.log}")
        time.sleep(1)
        assert bridge.log.count(said) == 1


def test_a_mqtt_listener_sees_the_session_of_the_bridge_survive(broker: Mosquitto, bridge: Bridge):
    with Listener(broker.port, "kilopush/status"):
        bridge.start()
        first = bridge.rows("SELECT value FROM facts WHERE name = 'client_id'")
        bridge.stop()
        bridge.start()
        assert bridge.rows("SELECT value FROM facts WHERE name = 'client_id'") == first
        assert first[0][0].startswith("kilopush-")


def test_a_session_that_the_broker_forgot_is_reported(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.start()
    wait_until(lambda: bridge.rows("SELECT 1 FROM facts WHERE name = 'filters'"))
    bridge.stop()
    broker.stop()
    (Path(broker._folder) / "mosquitto.db").unlink()
    broker.start()
    bridge.start()
    assert "has forgotten our session" in bridge.log
