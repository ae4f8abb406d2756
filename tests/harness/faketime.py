"""A machine whose clock is wrong: libfaketime in front of a process."""

from __future__ import annotations

from pathlib import Path

import pytest


def wrong_clock(days: int) -> dict[str, str]:
    """Return the environment of a process whose clock is so many days ahead; skip without it."""
    library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
    if library is None:
        pytest.skip("libfaketime is not installed: apt-get install faketime")
    return {
        "LD_PRELOAD": str(library),
        "FAKETIME": f"{days:+}d",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }
