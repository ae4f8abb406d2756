"""The module stays as small as budgets.py says, and what is built can be installed."""

import functools
import http.server
import json
import threading

import pytest
from micropython import budgets, interpreters

IMPORT_RAM = interpreters.HERE / "scripts" / "import_ram.py"


def short(budget):
    return budget.note.replace(" ", "-")


def check(budget, measured_bytes):
    assert measured_bytes <= budget.limit_bytes, (
        f"{budget.names}: {measured_bytes} bytes, {budget.limit_bytes} are allowed"
        f" and {budget.goal_bytes} are the goal"
    )


@pytest.mark.parametrize("budget", budgets.FLASH, ids=short)
def test_flash(budget):
    folder = interpreters.build() / "kilopush"
    found = {name: set(folder.glob(f"{name}.mpy")) for name in budget.names.split()}
    assert all(found.values()), f"nothing is built of {[name for name in found if not found[name]]}"
    check(budget, sum(path.stat().st_size for path in set().union(*found.values())))


@pytest.mark.parametrize("budget", budgets.IMPORT_RAM, ids=short)
def test_import_ram(budget):
    result = interpreters.run("wasm", IMPORT_RAM, *budget.names.split(), built=True)
    assert result.returncode == 0, result.stdout + result.stderr
    check(budget, sum(int(line.split()[0]) for line in result.stdout.splitlines()))


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *args):
        pass


@pytest.fixture
def server():
    handler = functools.partial(Quiet, directory=interpreters.build())
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_mip_installs_what_is_built(server, tmp_path):
    script = tmp_path / "install.py"
    address = f"http://127.0.0.1:{server.server_port}/package.json"
    script.write_text(f"import mip\nmip.install({address!r}, target={str(tmp_path / 'lib')!r})\n")
    result = interpreters.run("unix", script)
    assert "Done" in result.stdout, result.stdout + result.stderr
    package = json.loads((interpreters.BUILT / "package.json").read_text())
    for name, _ in package["urls"]:
        installed = (tmp_path / "lib" / name).read_bytes()
        assert installed == (interpreters.BUILT / name).read_bytes()
