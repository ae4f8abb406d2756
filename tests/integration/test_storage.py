"""What happens when the state cannot be used: full disk, no permission, another bridge, too new."""

from __future__ import annotations

import resource
import sqlite3
import time
from typing import TYPE_CHECKING

import pytest
from harness import Bridge, Mosquitto, publish, publish_many
from harness.bridge import SECRETS, UNLIMITED
from harness.wait import wait_until

if TYPE_CHECKING:
    from pathlib import Path

    from kilopush_bridge.emulator import RunningEmulator


def texts(api: RunningEmulator) -> list[str]:
    return [record.fields["message"] for record in api.delivered]


def fill_disk(bridge: Bridge) -> None:
    """Make every write that needs more room than the write-ahead log has fail."""
    set_file_limit(bridge, bridge.state.with_name("state.db-wal").stat().st_size)


def free_disk(bridge: Bridge) -> None:
    set_file_limit(bridge, resource.RLIM_INFINITY)


def set_file_limit(bridge: Bridge, size_bytes: int) -> None:
    assert bridge.process is not None
    hard = resource.prlimit(bridge.process.pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(bridge.process.pid, resource.RLIMIT_FSIZE, (size_bytes, hard))


def test_on_a_full_disk_criticals_go_out_and_everything_else_stays_with_the_broker(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.start()
    fill_disk(bridge)
    publish(broker.port, "test/1", "ping")
    publish(broker.port, "zigbee2mqtt/cellar", '{"water_leak": true}')
    api.wait_for_delivered(1)
    assert texts(api) == ["Water at cellar"]
    assert "criticals go out all the same" in bridge.log
    free_disk(bridge)
    api.wait_for_delivered(2)
    time.sleep(1.5)
    assert texts(api) == ["Water at cellar", "ping 1"]
    publish(broker.port, "zigbee2mqtt/cellar", '{"water_leak": false}')
    api.wait_for_delivered(3)
    assert bridge.status()["alerts"]["sent"] == 3


@pytest.mark.timeout(150)
def test_after_a_minute_of_a_full_disk_the_bridge_ends_with_3_and_the_broker_still_has_the_rest(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.start()
    fill_disk(bridge)
    publish(broker.port, "test/1", "ping")
    publish(broker.port, "zigbee2mqtt/cellar", '{"water_leak": true}')
    assert bridge.wait_ended(100) == 3
    assert texts(api) == ["Water at cellar"]
    assert "could not be written" in bridge.log
    bridge.start()
    wait_until(lambda: "ping 1" in texts(api))


def test_a_state_folder_that_cannot_be_written_ends_the_start_with_3(
    broker: Mosquitto, bridge: Bridge
):
    blocked = bridge.folder / "state"
    blocked.write_text("a file where the folder should be")
    bridge.start(wait=False)
    assert bridge.wait_ended() == 3
    assert "cannot be written" in bridge.log
    assert "Traceback" not in bridge.log


def test_a_second_bridge_on_the_same_state_ends_with_3(bridge: Bridge):
    bridge.start()
    second = bridge.command("run", check=False)
    assert second.returncode == 3
    assert "another bridge is running" in second.stderr


def test_a_lock_dies_with_its_process(bridge: Bridge):
    bridge.start()
    bridge.kill()
    bridge.start()


def test_a_state_that_a_newer_version_wrote_is_refused_with_3(bridge: Bridge):
    bridge.start()
    bridge.stop()
    connection = sqlite3.connect(bridge.state)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    bridge.start(wait=False)
    assert bridge.wait_ended() == 3
    assert "newer kilopush-bridge" in bridge.log
    assert bridge.command("status", check=False).returncode == 3


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b""])
def test_a_file_that_is_no_state_is_refused_or_taken_as_new(bridge: Bridge, content: bytes):
    bridge.state.parent.mkdir(parents=True)
    bridge.state.write_bytes(content)
    bridge.start(wait=False)
    if content:
        assert bridge.wait_ended() == 3
        assert "Traceback" not in bridge.log
    else:
        wait_until(lambda: "connected to" in bridge.log)


def test_the_state_is_readable_by_its_owner_only(bridge: Bridge):
    bridge.start()
    assert oct(bridge.state.stat().st_mode & 0o777) == "0o600"


def test_a_thousand_alerts_at_once_share_commits_and_all_arrive(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge
):
    bridge.write_config(broker.url, tail=UNLIMITED)
    bridge.start()
    publish_many(broker.port, [(f"test/{number}", "ping") for number in range(1000)])
    wait_until(lambda: len(set(texts(api))) == 1000, 60)
    assert len(texts(api)) == 1000


def test_the_state_holds_no_secret(
    broker: Mosquitto, api: RunningEmulator, bridge: Bridge, tmp_path: Path
):
    bridge.start()
    publish(broker.port, "zigbee2mqtt/cellar", '{"water_leak": true}')
    api.wait_for_delivered(1)
    bridge.stop()
    stored = b"".join(path.read_bytes() for path in bridge.state.parent.iterdir() if path.is_file())
    assert not [secret for secret in SECRETS if secret.encode() in stored]
