"""Every suite of board code in every interpreter."""

import ast

import pytest
from micropython import interpreters

SUITES = sorted((interpreters.HERE / "suites").glob("[a-z]*.py"))


def kinds(path):
    """Return what the suite says in ``RUNS_ON = (...)``; without such a line, all interpreters."""
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "RUNS_ON":
            return ast.literal_eval(node.value)
    return interpreters.KINDS


@pytest.mark.parametrize(
    ("suite", "kind"),
    [(path.stem, kind) for path in SUITES for kind in kinds(path)],
)
def test_suite(suite, kind):
    result = interpreters.run(kind, interpreters.HERE / "runner.py", suite)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith(" passed, 0 failed\n")
