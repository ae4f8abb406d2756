"""Measure, print the tables and write them to docs/performance.md.

python -m bench [--quick] [--no-write] [--only PART]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench import figures, machine, million, report, storm, timers
from bench.environment import USERS
from bench.programs import Bridge
from bench.stage import ROOT, Unfinished

PAGE = ROOT / "docs" / "performance.md"
PARTS = ("speed", "storm", "million", "timers")


def main() -> None:
    """Print the tables. A goal that is missed is a figure, not an error; a lost alert is one."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a short run, to see that it works")
    parser.add_argument("--no-write", action="store_true", help="only print the tables")
    parser.add_argument("--only", choices=PARTS, help="one part; the others stay as they are")
    options = parser.parse_args()
    try:
        bridge = _installed(quick=options.quick)
        for part in (options.only,) if options.only else PARTS:
            facts = machine.describe()
            text = _measured(part, bridge, quick=options.quick)
            text += "\n".join(["\n", *(f"- {name}: {value}" for name, value in facts)])
            print(text, end="\n\n")
            if not options.no_write:
                report.write(PAGE, part, text)
    except Unfinished as error:
        raise SystemExit(f"bench: {error}") from None


def _installed(*, quick: bool) -> Bridge:
    """Return the bridge as users have it, in a quick run as it is here."""
    if quick:
        return Bridge(Path(sys.executable).parent)
    if problem := USERS.install():
        raise Unfinished(f"the bridge cannot be installed: {problem}")
    return Bridge(USERS.programs)


def _measured(part: str, bridge: Bridge, *, quick: bool) -> str:
    if part == "storm":
        return report.table(storm.measure(bridge, quick=quick))
    if part == "million":
        return report.table(million.measure(bridge, quick=quick))
    if part == "timers":
        return report.table(timers.measure(bridge, quick=quick))
    measured = figures.measure(bridge, figures.QUICK if quick else figures.FULL)
    text = report.table(report.rows(measured))
    if measured.left_out:
        text += f"\n\nmqttwarn was left out: {measured.left_out}"
    return f"{text}\n\n- rounds: {measured.rounds}"


if __name__ == "__main__":
    main()
