"""The shared vectors on MicroPython: the unix port runs them, mpy-cross compiles core."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

# All vectors in one process: a board runs a few of the functions, and frees what they took.
HEAP = "heapsize=8m"
ROOT = Path(__file__).parents[2]
CORE = ROOT / "kilopush_bridge" / "core"
RUNNER = Path(__file__).with_name("run_vectors.py")
VECTORS = sorted((ROOT / "tests" / "vectors").glob("*.json"))


def tool(name):
    """Return the path of a program of this environment or of PATH; without one, CI fails."""
    beside_python = str(Path(sys.executable).parent)
    path = shutil.which(name, path=beside_python + os.pathsep + os.environ.get("PATH", ""))
    if path is None:
        say = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        say("no {} beside this Python or on PATH".format(name))
    return path


def run(command):
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_micropython_decides_as_the_vectors_say():
    result = run([tool("micropython"), "-X", HEAP, RUNNER, CORE.parent, *VECTORS])
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith(" passed, 0 failed\n")


@pytest.mark.parametrize("path", sorted(CORE.glob("*.py")), ids=lambda path: path.name)
def test_core_compiles_for_boards(path, tmp_path):
    compiled = tmp_path / (path.stem + ".mpy")
    result = run([tool("mpy-cross"), "-o", compiled, path])
    assert result.returncode == 0, result.stderr
    assert compiled.stat().st_size > 0
