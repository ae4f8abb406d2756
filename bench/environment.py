"""Environments of their own for what is measured: nothing of the development tools in them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from bench.stage import ROOT

if TYPE_CHECKING:
    from pathlib import Path

INSTALL_TIMEOUT_S = 300


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment with locked packages, made when it is missing."""

    folder: Path
    requirements: Path
    project: Path | None = None  # installed as well, without its dependencies

    @property
    def programs(self) -> Path:
        """Where its programs are."""
        return self.folder / "bin"

    def install(self) -> str | None:
        """Make it; return what went wrong, None if nothing did."""
        if (self.folder / ".ready").exists():
            return None
        pip = [str(self.programs / "python"), "-m", "pip", "install", "--quiet"]
        pip.append("--disable-pip-version-check")
        commands = [
            [sys.executable, "-m", "venv", "--clear", str(self.folder)],
            [*pip, "--require-hashes", "-r", str(self.requirements)],
        ]
        if self.project is not None:
            commands.append([*pip, "--no-deps", "--editable", str(self.project)])
        for command in commands:
            if problem := _run(command):
                return problem
        (self.folder / ".ready").touch()
        return None


def _run(command: list[str]) -> str | None:
    try:
        done = subprocess.run(
            command, check=False, timeout=INSTALL_TIMEOUT_S, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        return f"{command[0]} took too long"
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"{command[0]} failed"])[-1]
    return None


PEER = Environment(ROOT / ".venv-mqttwarn", ROOT / "requirements" / "bench-mqttwarn.txt")
USERS = Environment(ROOT / ".venv-run", ROOT / "requirements" / "run.txt", ROOT)
