"""How problems are collected and shown."""

import pytest

from kilopush_bridge.config import did_you_mean
from kilopush_bridge.errors import ConfigError, Problem


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (Problem("c.yaml", 3, 5, "wrong"), "c.yaml:3:5: wrong"),
        (Problem("c.yaml", 3, 5, "wrong", "do this"), "c.yaml:3:5: wrong; do this"),
        (Problem("c.yaml", 0, 0, "wrong", "do this"), "c.yaml: wrong; do this"),
        (Problem("c.yaml", 1, 1, "`a\nb\x1b[31m\ud800`"), "c.yaml:1:1: `a b [31m `"),
        (Problem("c.yaml", 1, 1, "💧 Öl"), "c.yaml:1:1: 💧 Öl"),
    ],
)
def test_a_problem_is_one_printable_line(problem, line):
    assert str(problem) == line


def test_problems_come_in_the_order_of_the_file_and_once():
    late, early, whole = (Problem("c", line, 1, "x") for line in (10, 9, 0))
    assert ConfigError([late, early, late, whole]).problems == [whole, early, late]


@pytest.mark.parametrize(
    ("word", "known", "hint"),
    [
        ("massage", ["message", "topic"], "did you mean `message`?"),
        ("ANNA", ["anna", "me"], "did you mean `anna`?"),
        ("anna", ["Anna", "me"], "did you mean `Anna`?"),
        ("xyz", ["anna", "me"], ""),
        ("", ["anna"], ""),
        ("anna", [], ""),
    ],
)
def test_a_near_miss_is_answered_with_what_was_meant(word, known, hint):
    assert did_you_mean(word, known) == hint
