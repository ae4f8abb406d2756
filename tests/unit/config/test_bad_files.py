"""Each file in `bad/` and the lines that it is answered with: a file's name is its promise.

After a deliberate change: `UPDATE_BAD_FILES=1 pytest tests/unit/config/test_bad_files.py`, and
read the difference.
"""

import os
from pathlib import Path

import pytest

from kilopush_bridge.config import load_config
from kilopush_bridge.errors import ConfigError

BAD = Path(__file__).parent / "bad"
NAMES = sorted(path.stem for path in BAD.glob("*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_every_problem_of_the_file_is_said(name, environment, monkeypatch):
    monkeypatch.chdir(BAD)
    with pytest.raises(ConfigError) as caught:
        load_config(Path(f"{name}.yaml"), environment)
    expected = BAD / f"{name}.txt"
    if os.environ.get("UPDATE_BAD_FILES"):
        expected.write_text(f"{caught.value}\n", encoding="utf-8")
    assert str(caught.value).splitlines() == expected.read_text(encoding="utf-8").splitlines()


def test_no_answer_is_left_without_its_file():
    assert sorted(path.stem for path in BAD.glob("*.txt")) == NAMES
