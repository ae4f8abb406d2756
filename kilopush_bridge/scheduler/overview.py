"""The state of everything, for `status` and `kilopush/bridge`: counts, and budgets by channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kilopush_bridge.outbox.digests import planned_digests
from kilopush_bridge.outbox.holds import load_holds
from kilopush_bridge.outbox.keys import snoozed_rules
from kilopush_bridge.outbox.report import summary
from kilopush_bridge.scheduler.situation import load_budgets

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Sequence

    from kilopush_bridge.model import Hold
    from kilopush_bridge.outbox.digests import Planned
    from kilopush_bridge.scheduler.budget import Budget
    from kilopush_bridge.scheduler.policy import Policy
    from kilopush_bridge.scheduler.situation import Moment


def overview(connection: sqlite3.Connection, policy: Policy, at: Moment) -> dict[str, Any]:
    """Return `outbox.report.summary` with the channels, ready for JSON.

    `{"channels": {NAME: {"per_day", "spent", "left", "critical_left", "digests_left",
    "others_seen", "next_digest", "paused_until", "reason"}}, ...}`. The counts are those of the
    last 25 h 10 min; without a limit, `per_day` and what is left are None. `others_seen` is the
    most that other senders must have used, as a refusal of the last 96 hours showed. Times are
    Unix seconds.
    """
    budgets = load_budgets(connection, policy, policy.channels, at, with_unlimited=True)
    holds, planned = load_holds(connection), planned_digests(connection)
    channels = {name: _channel(budgets[name], name, holds, planned) for name in policy.channels}
    snoozed = snoozed_rules(connection, at.now_s)
    return {"channels": channels, **summary(connection), "snoozed": snoozed}


def _channel(
    budget: Budget, name: str, holds: Sequence[Hold], planned: Sequence[Planned]
) -> dict[str, Any]:
    own = [hold for hold in holds if hold.channel == name and not hold.person]
    due_at_s = [one.due_at_s for one in planned if one.delivery.channel == name]
    return {
        "per_day": budget.policy.limits.per_day,
        "spent": budget.ledger.usage.total(),
        **budget.left(),
        "others_seen": budget.ledger.others_seen,
        "next_digest": min(due_at_s, default=None),
        "paused_until": min((hold.next_at_s for hold in own), default=None),
        "reason": ", ".join(sorted(hold.kind.value for hold in own)) or None,
    }
