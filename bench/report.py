"""From figures to a table, and the table into the page."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING, NamedTuple

from bench.page import markdown, replace_figures
from bench.programs import Bare, Bridge, Mqttwarn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path

    from bench.figures import Figures
    from bench.measure import Run

BEGIN, END = "<!-- figures of {part}: written by `make bench` -->", "<!-- end of figures -->"

# What the bridge is meant to reach.
RATIO_GOAL = 0.7  # of the bare subscriber, with 100 rules
SLOWDOWN_GOAL = 0.9  # 1000 rules beside 10
LATENCY_GOAL_MS = 15
MEMORY_GOAL_MB = 60
START_GOAL_S = 1


class Row(NamedTuple):
    """A line of the table."""

    what: str
    figure: str
    spread: str = ""
    ratio: str = ""
    goal: str = ""


def rows(figures: Figures) -> list[Row]:
    """Return the whole table."""
    return [
        *_speed_rows(figures),
        *_slowdown_rows(figures),
        *_post_rows(figures),
        *_latency_rows(figures),
        *_memory_rows(figures),
        *_start_rows(figures),
    ]


def table(lines: Sequence[Row]) -> str:
    """Return rows as Markdown, without the columns that nobody needs."""
    head = Row("what", "median", "least to most", "of the bare subscriber", "goal")
    used = [at for at in range(len(head)) if any(row[at] for row in lines)]
    cells = [[row[at] for at in used] for row in (head, *lines)]
    return markdown(cells)


def write(page: Path, part: str, figures: str) -> None:
    """Replace the figures of one part on the page."""
    replace_figures(page, BEGIN.format(part=part), END, figures)


def latency_rows(what: str, times_s: Sequence[float], goal_ms: float | None) -> list[Row]:
    """Return the median and the 99th percentile of sorted times."""
    if len(times_s) < 2:
        return [Row(what, "too few to tell")]
    times_ms = [1000 * one for one in times_s]
    percentiles = statistics.quantiles(times_ms, n=100, method="inclusive")
    p50, p99 = percentiles[49], percentiles[98]
    spread = f"{times_ms[0]:.1f} to {times_ms[-1]:.1f} ms"
    reached = goal(f"under {goal_ms} ms", [p99], lambda at_99: at_99 < goal_ms) if goal_ms else ""
    return [
        Row(f"{what}, p50", f"{p50:.1f} ms", spread),
        Row(f"{what}, p99", f"{p99:.1f} ms", goal=reached),
    ]


def summary(values: Sequence[float], form: str) -> tuple[str, str]:
    """Return the median and the spread."""
    if not values:
        return "no valid run", ""
    least, most = form.format(min(values)), form.format(max(values))
    return form.format(statistics.median(values)), f"{least} to {most}" if len(values) > 1 else ""


def goal(text: str, values: Sequence[float], is_met: Callable[[float], bool]) -> str:
    """Return a goal, and whether the median of the values meets it."""
    return f"{text}: {'met' if values and is_met(statistics.median(values)) else 'missed'}"


def _speed_rows(figures: Figures) -> Iterable[Row]:
    for (program, workload), runs in figures.runs.items():
        bare = figures.runs[Bare.name, workload]
        ratios = _ratios(runs, bare) if program != Bare.name else []
        reached = ""
        if (program, workload) == (Bridge.name, "100 rules"):
            reached = goal(f"at least {RATIO_GOAL}", ratios, lambda median: median >= RATIO_GOAL)
        yield Row(
            f"{program}, {workload}",
            *summary([run.speed for run in runs if run.speed], "{:,.0f}/s"),
            _median_and_spread(ratios),
            reached,
        )._replace(**_lost(runs))


def _lost(runs: Sequence[Run]) -> dict[str, str]:
    """Return what to print in place of a speed that is none: some messages never arrived."""
    invalid = [run for run in runs if run.speed is None]
    if not invalid:
        return {}
    return {
        "figure": f"{len(invalid)} of {len(runs)} runs lost messages or did not end",
        "ratio": "",
        "goal": "",
    }


def _slowdown_rows(figures: Figures) -> Iterable[Row]:
    many, few = (figures.runs.get((Bridge.name, f"{n} rules"), []) for n in (1000, 10))
    ratios = _ratios(many, few)
    if ratios:
        reached = goal(f"at least {SLOWDOWN_GOAL}", ratios, lambda median: median >= SLOWDOWN_GOAL)
        yield Row("speed with 1000 rules beside 10", *summary(ratios, "{:.3f}"), goal=reached)


def _post_rows(figures: Figures) -> Iterable[Row]:
    rates = [run.posts_per_s for run in figures.runs.get((Bridge.name, "1 rule"), [])]
    if rates:
        yield Row(f"{Bridge.name}, alerts sent one by one", *summary(rates, "{:,.0f}/s"))


def _latency_rows(figures: Figures) -> Iterable[Row]:
    for program, times_s in figures.latencies_s.items():
        goal_ms = LATENCY_GOAL_MS if program == Bridge.name else None
        yield from latency_rows(f"{program}, PUBLISH to POST", times_s, goal_ms)


def _memory_rows(figures: Figures) -> Iterable[Row]:
    for program in (Bridge.name, Mqttwarn.name):
        runs = figures.runs.get((program, "100 rules")) or figures.runs.get((program, "1 rule"), [])
        for what, values in (
            ("after the start", [run.memory_at_start_mb for run in runs]),
            ("after the run", [run.memory_mb for run in runs]),
        ):
            if values:
                reached = goal(
                    f"under {MEMORY_GOAL_MB} MB", values, lambda median: median < MEMORY_GOAL_MB
                )
                yield Row(
                    f"{program}, memory {what}",
                    *summary(values, "{:.0f} MB"),
                    goal=reached if program == Bridge.name else "",
                )


def _start_rows(figures: Figures) -> Iterable[Row]:
    for program, times_s in figures.starts_s.items():
        reached = goal(f"under {START_GOAL_S} s", times_s, lambda median: median < START_GOAL_S)
        yield Row(
            f"{program}, start to subscribed",
            *summary(times_s, "{:.2f} s"),
            goal=reached if program == Bridge.name else "",
        )


def _ratios(runs: Sequence[Run], others: Sequence[Run]) -> list[float]:
    """Return speed by speed of the same round."""
    pairs = zip(runs, others, strict=False)
    return [run.speed / other.speed for run, other in pairs if run.speed and other.speed]


def _median_and_spread(ratios: Sequence[float]) -> str:
    if not ratios:
        return ""
    median, spread = summary(ratios, "{:.2f}")
    return f"{median} ({spread})" if spread else median
