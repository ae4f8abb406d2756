"""Compile micropython/kilopush into build/board, as boards get it, with a package.json for mip.

The compiled files hold no line numbers, no asserts and, see `shrink`, few modules and short names.
So a traceback of a board says little: build/board_source has the program that it is about, and its
names.json what the names were. Prints what each file takes.
"""

import ast
import json
import runpy
import subprocess
import sys
from pathlib import Path

from shrink import shrink

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "micropython"
SHRUNK = ROOT / "build" / "board_source"
TARGET = ROOT / "build" / "board"
TOOLS = Path(sys.executable).parent

# What people import, and so what stays a file: the first one holds all that is always loaded.
ENTRANCES = ["", "https", "clock", "store", "rtc", "nvs", "mqtt", "legacy"]

# For people who write a transport or a store of their own, beside what entrances hold.
OPEN = """
    transport.READY
    core.protocol.Verdict core.protocol.classify core.protocol.lost core.protocol.unsent
    core.protocol.SENT core.protocol.QUOTA core.protocol.OPTED_OUT core.protocol.BLOCKED
    core.protocol.FORBIDDEN core.protocol.REJECTED core.protocol.UNCLEAR core.protocol.UNSENT
"""
OPEN_ATTRIBUTES = "outcome status detail at_s"

# Attributes of what only a real board has: machine.RTC, machine.WDT, esp32.NVS, MQTT clients.
OF_BOARDS = """
    datetime memory feed get_blob set_blob commit
    cb check_msg connect disconnect isconnected ping publish queue set_callback subscribe
"""

# Private, but looked at by tests/micropython.
TESTED = """
    _engine _clock _via _heard _questions _ballast _newest
    doing error is_due keeper up_s wait_s
"""


def sources() -> dict[str, ast.Module]:
    """Return the modules of the package by their full names."""
    return {
        full_name(path.relative_to(SOURCE)): ast.parse(path.read_text(encoding="utf-8"))
        for path in sorted((SOURCE / "kilopush").rglob("*.py"))
    }


def full_name(path: Path) -> str:
    """Return the name of the module in a file: "kilopush.store"."""
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


def packages() -> set[str]:
    """Return the names of the modules that are folders."""
    return {full_name(path.relative_to(SOURCE)) for path in SOURCE.rglob("kilopush/**/__init__.py")}


def outside_names() -> set[str]:
    """Return what is not ours to rename."""
    command = [TOOLS / "micropython", ROOT / "tools" / "outside_names.py"]
    result = subprocess.run(command, check=True, capture_output=True, text=True)
    return {*result.stdout.split(), *OF_BOARDS.split()}


def write_shrunk() -> list[Path]:
    """Write what is compiled; return the files, relative to their folder."""
    keep = {f"kilopush.{name}" for name in OPEN.split()}
    keep |= {*OPEN_ATTRIBUTES.split(), *TESTED.split()}
    entrances = [f"kilopush.{name}".rstrip(".") for name in ENTRANCES]
    texts, names = shrink(sources(), packages(), entrances, keep, outside_names())
    paths = []
    for module, text in texts.items():
        name = f"{module}.__init__" if module in packages() else module
        path = Path(*name.split(".")).with_suffix(".py")
        write(SHRUNK / path, text)
        paths.append(path)
    write(SHRUNK / "names.json", json.dumps(names, indent=2) + "\n")
    return sorted(paths)


def write(path: Path, text: str) -> None:
    """Write a file, and the folder that it is in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def compile_all(paths: list[Path]) -> list[Path]:
    """Compile these modules; return the files, relative to the target."""
    compiled = []
    for path in paths:
        target = TARGET / path.with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        # -s: a traceback on a board names this file, and no path of this machine.
        options = ["-O3", "-s", path.as_posix(), "-o", target]
        subprocess.run([TOOLS / "mpy-cross", *options, SHRUNK / path], check=True)
        compiled.append(path.with_suffix(".mpy"))
    return compiled


def package(names: list[Path]) -> str:
    """Return the text of package.json. Its addresses are relative: it lies beside the folder."""
    version = runpy.run_path(str(SOURCE / "kilopush" / "version.py"))["VERSION"]
    urls = [[name.as_posix(), name.as_posix()] for name in names]
    return json.dumps({"urls": urls, "version": version}, indent=2) + "\n"


def remove_others(folder: Path, suffix: str, names: list[Path]) -> None:
    """Let nothing of an earlier build be left."""
    for path in folder.rglob(f"*{suffix}"):
        if path.relative_to(folder) not in names:
            path.unlink()


def main() -> None:
    """Make the target hold exactly what the sources give."""
    paths = write_shrunk()
    names = compile_all(paths)
    remove_others(SHRUNK, ".py", paths)
    remove_others(TARGET, ".mpy", names)
    write(TARGET / "package.json", package(names))
    for name in names:
        print(f"{(TARGET / name).stat().st_size:6} {name}")
    print(f"{sum((TARGET / name).stat().st_size for name in names):6} bytes in all")


if __name__ == "__main__":
    main()
