"""Libraries that boards have: the real ones, from where their makers put them."""

import functools
import subprocess

from micropython import interpreters

FOLDER = interpreters.ROOT / "build" / "board-packages"


@functools.cache
def folder():
    """Return the folder with ``umqtt`` and ``urequests``; without them, CI fails."""
    script = interpreters.ROOT / "tools" / "board_packages.sh"
    result = subprocess.run([script], capture_output=True, text=True, timeout=50, check=False)
    if not (FOLDER / ".ready").exists():
        interpreters._missing(result.stderr)
    return FOLDER
