"""Measure, print the table and write it to docs/performance.md.

python -m bench [--quick] [--no-write]
"""

from __future__ import annotations

import argparse

from bench import machine, report
from bench.figures import FULL, QUICK, Figures, measure
from bench.stage import ROOT, Unfinished

PAGE = ROOT / "docs" / "performance.md"


def main() -> None:
    """Print the table. A goal that is missed is a figure, not an error; a lost alert is one."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run, to see that it works")
    parser.add_argument("--no-write", action="store_true", help="only print the table")
    options = parser.parse_args()
    facts = machine.describe()
    try:
        text = _text(measure(QUICK if options.quick else FULL), facts)
    except Unfinished as error:
        raise SystemExit(f"bench: {error}") from None
    print(text)
    if not options.no_write:
        report.write(PAGE, text)


def _text(figures: Figures, facts: list[tuple[str, str]]) -> str:
    rounds = str(figures.rounds)
    lines = [report.table(report.rows(figures)), ""]
    if figures.left_out:
        lines += [f"mqttwarn was left out: {figures.left_out}", ""]
    lines += [f"- {name}: {value}" for name, value in (("rounds", rounds), *facts)]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
