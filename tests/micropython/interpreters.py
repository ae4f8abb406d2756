"""The three interpreters that board code is tested on."""

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SOURCES = ROOT / "micropython"  # the folder that holds `kilopush`
BUILT = ROOT / "build" / "board"  # the same as .mpy files: tools/build_board.py
WASM = (
    ROOT / "build/wasm/node_modules/@micropython/micropython-webassembly-pyscript/micropython.mjs"
)

# "unix" has 64 bits, sockets, TLS and file systems; "wasm" has the 32 bits of a board, and nothing
# else of these: and it collects garbage only while its event loop waits, so there `gc.collect()`
# needs an `await` after it. "cpython" runs with what shims.py adds.
KINDS = ("cpython", "unix", "wasm")

HEAP_BYTES = 8 * 1024 * 1024
_ON_CPYTHON = """
import runpy, sys
import shims
shims.install()
del sys.argv[0]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def run(kind, script, *args, heap=None, built=False, paths=(), timeout_s=50):
    """Run a script and return the finished process: ``stdout``, ``stderr``, ``returncode``.

    Args:
        kind: one of ``KINDS``.
        script: a path, like every one of ``args`` that names a file the script reads.
        args: what the script finds in ``sys.argv[1:]``.
        heap: of the garbage collector, in bytes. It is a limit on "unix" only: "wasm" grows it, and
            CPython has none.
        built: import ``kilopush`` from the compiled files of ``make board``.
        paths: more folders to import from, searched first.
        timeout_s: after which the process is killed, and the test fails.
    """
    if built:
        build()
    heap_bytes = heap or HEAP_BYTES
    search = [str(path) for path in (*paths, BUILT if built else SOURCES, HERE)]
    command, path_variable = {
        # Without -P the current folder is searched, and micropython/ would be `import micropython`.
        "cpython": lambda: ([sys.executable, "-P", "-c", _ON_CPYTHON], "PYTHONPATH"),
        "unix": lambda: ([tool("micropython"), "-X", f"heapsize={heap_bytes}"], "MICROPYPATH"),
        "wasm": lambda: ([*_node(), str(heap_bytes), ":".join(search)], "UNUSED"),
    }[kind]()
    if kind == "unix":
        search.append(".frozen")
    return subprocess.run(
        [*command, str(script), *[str(arg) for arg in args]],
        env={**os.environ, path_variable: ":".join(search)},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=timeout_s,
        check=False,
    )


@functools.cache
def build():
    """Compile the sources to ``BUILT``, once; return that folder."""
    tool("mpy-cross")
    tool("micropython")
    command = [sys.executable, ROOT / "tools" / "build_board.py"]
    result = subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    return BUILT


def tool(name):
    """Return the path of a program of this environment or of PATH; without one, CI fails."""
    beside_python = str(Path(sys.executable).parent)
    path = shutil.which(name, path=beside_python + os.pathsep + os.environ.get("PATH", ""))
    return path or _missing(f"no {name} beside this Python or on PATH")


def _node():
    if not WASM.is_file():
        _missing("no MicroPython for WebAssembly: make setup-wasm")
    return [tool("node"), str(HERE / "wasm.mjs"), str(WASM)]


def _missing(what):
    say = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
    say(what)
