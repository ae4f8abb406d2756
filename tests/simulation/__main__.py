"""`python -m simulation [WEEKS] [--first SEED] [--write PAGE]`: hostile weeks, and their table."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path

from simulation.weeks import Result, start_weeks

BEGIN, END = "<!-- weeks: begin -->\n", "<!-- weeks: end -->"


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("weeks", nargs="?", type=int, default=200)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--write", type=Path, help="put the table into this page")
    asked = parser.parse_args()
    results = []
    pool, running = start_weeks(range(asked.first, asked.first + asked.weeks))
    with pool:
        for seed, future in running.items():
            results.append(result := future.result())
            print(f"\r{len(results)} of {asked.weeks} weeks", end="", file=sys.stderr, flush=True)
            for broken in result.outcome.broken:
                print(f"\nseed {seed}: {broken}", file=sys.stderr)
    print(file=sys.stderr)
    table = to_table(results)
    print(table)
    if asked.write:
        write(asked.write, table)
    return 1 if any(result.outcome.broken for result in results) else 0


def to_table(results: list[Result]) -> str:
    everything = sum((one.everything for one in results), Counter[str]())
    cooldown = sum((one.cooldown for one in results), Counter[str]())
    refused = sum((one.outcome.refused for one in results), Counter[str]())
    lost = sum((one.outcome.lost for one in results), Counter[str]())
    states: Counter[str] = Counter()
    for one in results:
        states.update(one.outcome.counts)
    rows = [
        ("", "post everything", "cooldown of 5 min per rule", "this bridge"),
        (
            "criticals lost",
            everything["critical refused"],
            cooldown["critical refused"] + cooldown["critical left out"],
            lost["critical"],
        ),
        (
            "other alerts lost",
            everything["other refused"],
            cooldown["other refused"] + cooldown["other left out"],
            lost["other"],
        ),
        (
            "of these, refused by the API (4029)",
            everything["critical refused"] + everything["other refused"],
            cooldown["critical refused"] + cooldown["other refused"],
            "-",
        ),
        ("alerts sent alone", *_sent(everything), *_sent(cooldown), states["sent"]),
        ("alerts told in a digest", "-", "-", states["digested"]),
        ("alerts that wait when the week ends", "-", "-", states["pending"]),
        ("of these, criticals", "-", "-", sum(one.outcome.criticals_waiting for one in results)),
        ("POSTs refused (4029)", "-", "-", sum(refused.values())),
        (
            "of these, under the conditions of G1",
            "-",
            "-",
            sum(len(one.outcome.broken) for one in results),
        ),
    ]
    alerts = sum(one.said * one.people for one in results)
    lines = [_row(rows[0]), "|---|--:|--:|--:|", *(_row(row) for row in rows[1:])]
    head = f"{len(results)} weeks, {alerts:,} alerts (each counted once per person):"
    return "\n".join([head, "", *lines])


def _sent(counts: Counter[str]) -> tuple[int]:
    return (counts["critical sent"] + counts["other sent"],)


def _row(cells: tuple[object, ...]) -> str:
    texts = (f"{cell:,}" if isinstance(cell, int) else str(cell) for cell in cells)
    return f"| {' | '.join(texts)} |"


def write(page: Path, table: str) -> None:
    text = page.read_text()
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}{table}\n{END}{after}")


if __name__ == "__main__":
    sys.exit(main())
