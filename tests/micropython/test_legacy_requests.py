"""``transport="requests"`` with urequests 0.9.1, the last release of its makers, of 2018."""

import json

import pytest
from micropython import interpreters, packages, servers

from kilopush_bridge.emulator import World, running_emulator

SCRIPT = interpreters.HERE / "scripts" / "exchange.py"
MESSAGE = {"to": "u_" + "1" * 40, "token": "c_" + "a" * 40, "secret": "5" * 64, "message": "Котёл"}


@pytest.fixture
def exchange(tmp_path):
    """Return a function that posts once and returns what came of it."""
    hidden = tmp_path / "no_requests"
    hidden.mkdir()
    (hidden / "requests.py").write_text("raise ImportError\n")  # the firmware here has it

    def post(api, **asked):
        file = tmp_path / "asked.json"
        asked = {"api": api, "legacy": True, "body": json.dumps(MESSAGE), **asked}
        file.write_text(json.dumps(asked))
        result = interpreters.run("unix", SCRIPT, file, paths=[hidden, packages.folder()])
        assert result.returncode == 0, result.stdout + result.stderr
        return json.loads(result.stdout)

    return post


def address(server):
    return f"http://127.0.0.1:{server.port}/v1/messages/send"


def test_a_message_is_sent_and_the_time_of_the_reply_is_known(exchange):
    with running_emulator(World()) as api:
        told = exchange(api.url)
        (post,) = api.delivered
    assert (told["outcome"], told["is_ready"]) == ("sent", True)
    assert told["at_s"] is not None
    assert post.fields["message"] == "Котёл"


def test_a_used_up_quota_is_understood(exchange):
    with running_emulator(World(per_day=1)) as api:
        assert exchange(api.url)["outcome"] == "sent"
        assert exchange(api.url)["outcome"] == "quota"


def test_without_a_server_it_is_certainly_unsent(exchange):
    assert exchange("http://127.0.0.1:1/")["outcome"] == "unsent"
    assert exchange("http://nowhere.invalid/")["outcome"] == "unsent"


@pytest.mark.parametrize(
    "behave",
    [servers.reset_after_body, servers.reply(b"nonsense\r\n\r\n"), servers.reply(b"")],
    ids=["reset", "nonsense", "nothing"],
)
def test_what_a_bad_server_got_is_unclear(exchange, behave):
    with servers.Server(behave) as server:
        assert exchange(address(server))["outcome"] == "unclear"


def test_ten_messages_leave_nothing_behind(exchange):
    with servers.Server(servers.reply(servers.GOOD)) as server:
        told = exchange(address(server), warm_up=3, times=10)
    assert (told["more_files"], told["outcomes"]["sent"]) == (0, 10)
    assert told["more_heap_bytes"] == 0
