"""The self-test says what there is to say about a board, and nothing that is secret."""

import ssl

import pytest
import trustme
from micropython import interpreters, servers

from kilopush_bridge.emulator import World, running_emulator

SCRIPT = interpreters.HERE / "scripts" / "run_selftest.py"
SECRETS = ("u_111", "c_222", "333333", "my password")


def report(*args, built=False):
    """Return what a board would report, line by line: (name, what it says)."""
    result = interpreters.run("unix", SCRIPT, *args, built=built)
    assert result.returncode == 0, result.stdout + result.stderr
    assert not any(secret in result.stdout for secret in SECRETS)
    _, _, block = result.stdout.partition("----- please report this -----\n")
    lines = block.splitlines()
    assert lines[-1] == "------------------------------"
    return [line.partition(": ")[::2] for line in lines[:-1]]


@pytest.mark.parametrize("built", [False, True])
def test_a_board_that_works_says_so(built):
    with running_emulator() as emulator:
        said = report(emulator.url, built=built)
        (record,) = emulator.delivered
    assert record.fields["message"].startswith("Test of ")
    values = dict(said)
    assert values["wifi"].startswith("True after ")
    assert values["store"].startswith("works ")
    assert values["message"].startswith("sent ")
    names = {name for name, _ in said}
    assert names == {
        *("module", "firmware", "machine", "heap", "ticks", "reset cause", "epoch", "wifi"),
        *("store", "now", "tls", "message"),
    }


def test_tls_is_tried_with_the_roots_of_the_board(tmp_path):
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    path = tmp_path / "root.der"
    path.write_bytes(ssl.PEM_cert_to_DER_cert(authority.cert_pem.bytes().decode()))
    with servers.Server(servers.reply(servers.GOOD), context) as server:
        said = report(f"https://localhost:{server.port}/v1/messages/send", path)
        head, *_ = server.requests
    assert said.count(("tls", "verified, HTTP 200 with its time")) == 2
    assert head.startswith(b"HEAD ")
    assert dict(said)["message"].startswith("sent ")


def test_what_the_api_refuses_is_told():
    with running_emulator(World(per_day=0)) as emulator:
        said = report(emulator.url)
    assert dict(said)["message"].startswith("quota ")
