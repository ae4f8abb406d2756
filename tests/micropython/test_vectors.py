"""The shared vectors on MicroPython, core/ and the copy of it that boards carry."""

import runpy
import subprocess

import pytest
from micropython import interpreters
from micropython.interpreters import ROOT

CORE = ROOT / "kilopush_bridge" / "core"
COPY = ROOT / "micropython" / "kilopush" / "core"
RUNNER = interpreters.HERE / "run_vectors.py"
VECTORS = sorted((ROOT / "tests" / "vectors").glob("*.json"))


def run(kind, core, *options):
    """Return the lines of the runner, all vectors passed."""
    result = interpreters.run(kind, RUNNER, *options, core.parent, *VECTORS)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith(" passed, 0 failed\n")
    return result.stdout.splitlines()


def roots():
    """Return the names that the program of boards uses, as "module.name"."""
    copies = runpy.run_path(str(ROOT / "tools" / "copy_core.py"))["PRUNED"]
    of_boards = copies[COPY.relative_to(ROOT).as_posix()]
    return {f"{module}.{name}" for module, names in of_boards.items() for name in names.split()}


def test_micropython_decides_as_the_vectors_say():
    run("unix", CORE)


@pytest.mark.parametrize("kind", ["unix", "wasm"])
def test_the_copy_of_boards_decides_as_the_vectors_say(kind):
    lines = run(kind, COPY, "--part")
    skipped = {name for line in lines if line.startswith("skipped: ") for name in line.split()[1:]}
    assert skipped
    assert skipped.isdisjoint(roots())


@pytest.mark.parametrize("path", sorted(CORE.glob("*.py")), ids=lambda path: path.name)
def test_core_compiles_for_boards(path, tmp_path):
    compiled = tmp_path / (path.stem + ".mpy")
    command = [interpreters.tool("mpy-cross"), "-o", compiled, path]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    assert compiled.stat().st_size > 0
