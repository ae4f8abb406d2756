"""The vector runner itself: a runner that cannot fail proves nothing."""

import subprocess
import sys
from pathlib import Path

import pytest
from micropython import run_vectors

from kilopush_bridge.core.protocol import Verdict

ROOT = Path(__file__).parents[3]
CORE = "kilopush_bridge.core"


@pytest.mark.parametrize(
    "case",
    [
        {"call": "text.units", "args": ["ab"], "want": 3},
        {"call": "text.units", "args": ["a"], "want": True},
        {"call": "text.units", "args": ["ab"], "raises": "ValueError"},
        {"call": "text.units", "args": [None], "want": 0},
        {"call": "text.units", "args": [None], "raises": "ValueError"},
        {"call": "text.no_such_function", "args": [], "want": None},
        {"call": "protocol.lost", "args": ["a"], "want_fields": {"outcome": "sent"}},
        {"call": "budget.cap", "args": [{"new": ["budget.Limits", [300]]}], "want": 300},
        {"call": "budget.cap", "args": [{"new": ["budget.Nothing", []]}], "want": 208},
    ],
)
def test_a_wrong_vector_fails(case):
    assert run_vectors.failure(case, CORE) is not None


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("text", "text"),
        ({"utf8": "é"}, b"\xc3\xa9"),
        ({"hex": "ff00"}, b"\xff\x00"),
        ({"repeat": ["ab", 2]}, "abab"),
        ({"join": [{"utf8": "a"}, {"repeat": [{"hex": "62"}, 2]}]}, b"abb"),
    ],
)
def test_values_that_json_cannot_say_are_decoded(written, value):
    assert run_vectors.decode(written) == value


def test_objects_of_core_are_made_of_their_arguments():
    written = {"new": ["protocol.Verdict", ["sent", 200, {"join": ["a", "b"]}]]}
    assert run_vectors.decode(written, CORE) == Verdict("sent", 200, "ab")


def run(vectors):
    command = [sys.executable, run_vectors.__file__, "kilopush_bridge", vectors]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_a_failure_is_one_line_and_exit_code_1(tmp_path):
    vectors = tmp_path / "wrong.json"
    vectors.write_text('[{"name": "two", "call": "text.units", "args": ["ab"], "want": 3}]')
    result = run(vectors)
    assert result.stdout.splitlines() == [
        f"{vectors} case 1 two: got 2, want 3",
        "0 passed, 1 failed",
    ]
    assert result.returncode == 1


def test_no_vectors_at_all_is_a_failure(tmp_path):
    vectors = tmp_path / "empty.json"
    vectors.write_text("[]")
    assert run(vectors).returncode == 1
