"""From `budget:` to the limits of each channel, and whether they hold what the rules ask for."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING

from kilopush_bridge.config.problems import HIDDEN, shortened
from kilopush_bridge.config.schema import UNLIMITED
from kilopush_bridge.core.budget import WINDOW_S, Limits, cap
from kilopush_bridge.hours import moments_within
from kilopush_bridge.times import DAY_S

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import time

    from kilopush_bridge.config.config import Config
    from kilopush_bridge.config.problems import Problems
    from kilopush_bridge.config.schema import BudgetSection
    from kilopush_bridge.config.source import KeyPath

_KEPT = ("keep_for_critical", "other_senders", "digests")
_WORDS = ("per_day", *_KEPT)


def limits_of(budget: BudgetSection, own: BudgetSection) -> Limits:
    """Return the limits of a channel: what it says itself, else what the file says for all."""
    said = budget.model_dump(exclude_unset=True) | own.model_dump(exclude_unset=True)
    if said.get("per_day") == UNLIMITED:
        said["per_day"] = None
    return Limits(**said)


def check_quota(config: Config, problems: Problems) -> None:
    """Note budgets that leave no room for alerts, or too little for the digests."""
    for name, channel in config.channels.items():
        if channel.limits.per_day is not None and _is_read(name, problems):
            _check_room(name, channel.limits, problems)
            _check_digests(name, config, problems)


def most_in_window(times: Sequence[time]) -> int:
    """Return the most of `times` that one window of the budget sees; clock changes left aside."""
    # UTC, because it has none: a digest that waits once a year is not worth a warning.
    begins = moments_within(times, 0, DAY_S, UTC)
    counts = (1 + len(moments_within(times, at_s, at_s + WINDOW_S, UTC)) for at_s in begins)
    return max(counts, default=0)


def _check_room(name: str, limits: Limits, problems: Problems) -> None:
    if cap(limits) > 0:
        return
    kept = [_shown(name, word, limits, problems) for word in _KEPT]
    per_day = _shown(name, "per_day", limits, problems)
    what = f"{kept[0]}, {kept[1]} and {kept[2]} leave nothing of {per_day}"
    own: KeyPath = ("channels", name, "budget")
    at = own if problems.has(own) else ("budget",)
    problems.add(at, what, "together they must be less: the rest is for alerts", is_key=True)


def _check_digests(name: str, config: Config, problems: Problems) -> None:
    people = len(config.audience(name))
    limits = config.channels[name].limits
    most = most_in_window(config.digest_at)
    at = _place(name, "digests", problems)
    receivers = f"{people} {'person gets' if people == 1 else 'people get'} alerts"
    on_channel = f"on the channel `{shortened(name)}`"
    if limits.digests < (needed := max(1, people)):
        what = f"`digests` must be at least {needed}: {receivers} {on_channel}"
        problems.add(at, what, "a digest is one message for each of them")
    elif most * people > limits.digests:
        what = f"digests {on_channel} may come late: {receivers}, up to {most} times in 25 h"
        has = _shown(name, "digests", limits, problems)
        problems.warn(at, what, f"that needs {most * people}, more than {has}")


def _is_read(name: str, problems: Problems) -> bool:
    """Return whether the limits of a channel are what the file says, none of it refused."""
    paths = [(*of, word) for of in (("budget",), ("channels", name, "budget")) for word in _WORDS]
    return not any(map(problems.is_rejected, paths))


def _shown(name: str, word: str, limits: Limits, problems: Problems) -> str:
    is_hidden = problems.is_hidden(_place(name, word, problems))
    return f"`{word}` ({HIDDEN if is_hidden else getattr(limits, word)})"


def _place(name: str, word: str, problems: Problems) -> KeyPath:
    """Return where a limit of a channel comes from."""
    own: KeyPath = ("channels", name, "budget", word)
    of_all: KeyPath = ("budget", word)
    return of_all if problems.has(of_all) and not problems.has(own) else own
