"""The shared vectors on CPython; each case is a test of its own."""

from pathlib import Path

import pytest
from micropython.run_vectors import failure, load

VECTORS = Path(__file__).parents[2] / "vectors"


def cases():
    for path in sorted(VECTORS.glob("*.json")):
        for number, case in enumerate(load(path), 1):
            name = case.get("name", case["call"])
            yield pytest.param(case, id=f"{path.stem}-{number}-{name}")


@pytest.mark.parametrize("case", list(cases()))
def test_core_decides_as_the_vector_says(case):
    assert failure(case, "kilopush_bridge.core") is None
