"""What `make board` builds is the same program as its sources: the same tests pass on it."""

import pytest
from micropython import interpreters, test_suites

INSIDE = ("ledger",)  # suites of what people cannot import: in the build it has other names
CASES = [
    (path.stem, kind)
    for path in test_suites.SUITES
    for kind in test_suites.kinds(path)
    if kind != "cpython"  # which cannot read compiled files
    and path.stem not in INSIDE
]


@pytest.mark.parametrize(("suite", "kind"), CASES)
def test_suite(suite, kind):
    result = interpreters.run(kind, interpreters.HERE / "runner.py", suite, built=True)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.endswith(" passed, 0 failed\n")
