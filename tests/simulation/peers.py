"""What people do today, on the same days and without any trouble of the network or the clock.

A refused message is gone: neither of them has an outbox.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from simulation.server import Server

from kilopush_bridge.model import Priority

if TYPE_CHECKING:
    from simulation.house import Week

COOLDOWN_S = 300


def post_everything(week: Week) -> Counter[str]:
    """Return the counts of a script that posts each alert as it comes."""
    return _post(week, cooldown_s=0)


def cooldown_per_rule(week: Week) -> Counter[str]:
    """Return the counts of one that leaves out what a rule says within 5 minutes of its last."""
    return _post(week, cooldown_s=COOLDOWN_S)


def _post(week: Week, cooldown_s: float) -> Counter[str]:
    server, counts = Server(week), Counter[str]()
    posted_at_s: dict[str, float] = {}
    for said in week.said:
        kind = "critical" if said.priority is Priority.CRITICAL else "other"
        if said.at_s - posted_at_s.get(said.rule, float("-inf")) < cooldown_s:
            counts[f"{kind} left out"] += len(week.people)
            continue
        posted_at_s[said.rule] = said.at_s
        for _ in week.people:
            counts[f"{kind} {'sent' if server.post(said.at_s) else 'refused'}"] += 1
    return counts
