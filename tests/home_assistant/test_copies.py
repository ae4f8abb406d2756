"""What the folder has of the bridge is the bridge's, and decides alike in Home Assistant."""

import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDER = "custom_components/kilopush"
RUNNER = runpy.run_path(str(ROOT / "tests" / "micropython" / "run_vectors.py"))
COPIES = runpy.run_path(str(ROOT / "tools" / "copy_core.py"))
CASES = [
    pytest.param(case, id=f"{path.stem} {case.get('name', number)}")
    for path in sorted((ROOT / "tests" / "vectors").glob("*.json"))
    for number, case in enumerate(RUNNER["load"](path))
]


@pytest.mark.parametrize("case", CASES)
def test_the_copy_decides_as_the_vectors_say(case):
    assert RUNNER["failure"](case, "custom_components.kilopush.core") is None


@pytest.mark.parametrize("folder", sorted(COPIES["WHOLE"]))
def test_the_copies_are_those_of_the_bridge(folder):
    files = COPIES["whole"](ROOT / "kilopush_bridge", COPIES["WHOLE"][folder])
    assert COPIES["differences"](ROOT / folder, files) == []
    assert folder.startswith(FOLDER)
