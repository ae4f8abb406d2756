"""What `make board` builds is the same program as its sources: the same tests pass on it."""

import pytest
from micropython import interpreters, test_suites

CASES = [
    (path.stem, kind)
    for path in test_suites.SUITES
    for kind in test_suites.kinds(path)
    if kind != "cpython"  # which cannot read compiled files
]


@pytest.mark.parametrize(("suite", "kind"), CASES)
def test_suite(suite, kind):
    result = interpreters.run(kind, interpreters.HERE / "runner.py", suite, built=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith(" passed, 0 failed\n")
