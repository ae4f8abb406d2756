"""Through the real daemon: a board on the unix port, umqtt, mosquitto, and the emulator."""

import json
import os
import signal
import threading
from contextlib import contextmanager

import pytest
from harness import Bridge, Mosquitto
from harness.wait import wait_until
from micropython import interpreters, packages

from kilopush_bridge.emulator import World, running_emulator

SCRIPT = interpreters.HERE / "scripts" / "board_via.py"
CLIENTS = ("simple", "robust")
ME = "u_" + "11" * 20  # the daemon's person, and another one than the board's own


@pytest.fixture
def broker(tmp_path):
    with Mosquitto(tmp_path / "broker") as running:
        yield running


@pytest.fixture
def api():
    with running_emulator(World(per_day=None)) as running:
        yield running


@contextmanager
def connected_board(tmp_path, api, broker, client):
    """Run a board; yield the list with what it tells. Its alarm comes when the block ends."""
    folder = tmp_path / "board"
    folder.mkdir()
    told = []

    def run():
        arguments = (api.url, broker.port, client, folder)
        told.append(interpreters.run("unix", SCRIPT, *arguments, paths=[packages.folder()]))

    thread = threading.Thread(target=run)
    thread.start()
    wait_until(lambda: told or (folder / "connected").exists(), what="the board connecting")
    try:
        yield told
    finally:
        (folder / "go").touch()
        thread.join()
    (result,) = told
    assert result.returncode == 0, result.stdout + result.stderr
    told[0] = json.loads(result.stdout)
    assert told[0]["pending"] == 0


def posts(api):
    return [(one.fields["to"] == ME, one.fields["message"]) for one in api.delivered]


@pytest.mark.parametrize("client", CLIENTS)
def test_the_daemon_sends_it_once_and_the_board_nothing(tmp_path, api, broker, client):
    with Bridge(tmp_path / "bridge", broker.url, api.url) as daemon:
        daemon.start()
        with connected_board(tmp_path, api, broker, client) as told:
            pass
        api.wait_for_delivered(1)
        assert posts(api) == [(True, "cellar: Leak")]
    assert told[0]["took_ms"] < 2000


@pytest.mark.parametrize("client", CLIENTS)
def test_a_daemon_that_was_killed_is_waited_for_5_s(tmp_path, api, broker, client):
    with Bridge(tmp_path / "bridge", broker.url, api.url) as daemon:
        daemon.start()
        with connected_board(tmp_path, api, broker, client) as told:
            daemon.kill()
        assert posts(api) == [(False, "cellar: Leak (may be a repeat)")]
        assert 4900 < told[0]["took_ms"] < 6500
        assert told[0]["longest_ms"] < 1000


@pytest.mark.parametrize("client", CLIENTS)
def test_without_a_broker_the_board_posts_at_once(tmp_path, api, broker, client):
    with connected_board(tmp_path, api, broker, client) as told:
        broker.stop()
    assert posts(api) == [(False, "cellar: Leak")]
    assert told[0]["took_ms"] < 1500


@pytest.mark.parametrize("client", CLIENTS)
def test_a_broker_that_is_only_silent_holds_up_the_board_for_2_s(tmp_path, api, broker, client):
    with connected_board(tmp_path, api, broker, client) as told:
        os.kill(broker._process.pid, signal.SIGSTOP)
    os.kill(broker._process.pid, signal.SIGCONT)
    assert posts(api) == [(False, "cellar: Leak")]
    assert 1900 < told[0]["longest_ms"] < 3000
