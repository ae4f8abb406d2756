"""Figures as a Markdown table, put between two marks of a page."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def markdown(cells: Sequence[Sequence[str]]) -> str:
    """Return rows, the heading first, in columns that can be read in a terminal too."""
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    texts = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |"
        for row in cells
    ]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    return "\n".join([texts[0], rule, *texts[1:]])


def replace_figures(page: Path, begin: str, end: str, figures: str) -> None:
    """Replace what is between two marks of a page; what people wrote around them stays."""
    before, found, rest = page.read_text(encoding="utf-8").partition(begin)
    _, is_ended, after = rest.partition(end)
    if not (found and is_ended):
        raise SystemExit(f"bench: {page} has no lines {begin} and {end} to write between")
    page.write_text(f"{before}{begin}\n\n{figures}\n\n{end}{after}", encoding="utf-8")
