"""The module gets onto a board: by mip from a server, and frozen into firmware."""

import functools
import http.server
import json
import os
import subprocess
import threading

import pytest
from micropython import interpreters

from kilopush_bridge.emulator import running_emulator

PACKAGE = interpreters.SOURCES / "package.json"
SEND_ONE = """
import sys
import kilopush
from kilopush import HIGH, KiloPush
assert kilopush.__file__.startswith(sys.argv[1]), kilopush.__file__
to, token, secret = "u_" + "1" * 40, "c_" + "2" * 40, "3" * 64
kp = KiloPush(to, token, secret, api=sys.argv[2], insecure=True, store=None)
kp.alarm("Hello", HIGH)
kp.flush()
print(kp.last.status, kp.pending, kilopush.__version__)
"""


def sources():
    paths = sorted((interpreters.SOURCES / "kilopush").rglob("*.py"))
    return [path.relative_to(interpreters.SOURCES).as_posix() for path in paths]


def version():
    names = {}
    exec((interpreters.SOURCES / "kilopush" / "version.py").read_text(), names)
    return names["VERSION"]


def test_the_package_lists_every_file():
    urls = ",\n".join(f"    {json.dumps([name, name])}" for name in sources())
    wanted = f'{{\n  "urls": [\n{urls}\n  ],\n  "version": "{version()}"\n}}\n'
    if os.environ.get("UPDATE_GOLDEN"):
        PACKAGE.write_text(wanted, encoding="utf-8")
    assert PACKAGE.read_text(encoding="utf-8") == wanted, "UPDATE_GOLDEN=1 renews it"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    """Serve micropython/ as it is in the repository; return its address."""
    handler = functools.partial(Quiet, directory=interpreters.SOURCES)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("package", ["", "/package.json"])
def test_mip_installs_what_then_sends(server, tmp_path, package):
    target = tmp_path / "lib"
    mip = [interpreters.tool("micropython"), "-m", "mip", "install", "--target", target]
    command = [*mip, server + package]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert "Done" in done.stdout, done.stdout + done.stderr
    assert sorted(str(path.relative_to(target)) for path in target.rglob("*.*")) == sources()
    script = tmp_path / "main.py"
    script.write_text(SEND_ONE, encoding="utf-8")
    with running_emulator() as emulator:
        result = interpreters.run("unix", script, target, emulator.url, paths=[target])
        (record,) = emulator.delivered
    assert result.stdout == f"200 0 {version()}\n", result.stdout + result.stderr
    assert record.fields["message"] == "Hello"


def test_the_manifest_freezes_the_folder():
    said = {}
    names = {"metadata": said.update, "package": lambda name: said.update(package=name)}
    exec((interpreters.SOURCES / "manifest.py").read_text(encoding="utf-8"), names)
    assert said.pop("description")
    assert said == {"version": version(), "package": "kilopush"}
    assert (interpreters.SOURCES / said["package"] / "__init__.py").is_file()
