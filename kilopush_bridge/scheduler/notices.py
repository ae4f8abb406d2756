"""What the bridge tells people about itself: each thing once, through the outbox like all else."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kilopush_bridge.core.budget import WINDOW_S
from kilopush_bridge.model import Kind, Message, Priority
from kilopush_bridge.outbox import outbox
from kilopush_bridge.outbox.facts import fact, remember

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

    from kilopush_bridge.model import Batch
    from kilopush_bridge.scheduler.budget import Budget
    from kilopush_bridge.scheduler.policy import Policy

log = logging.getLogger(__name__)

_CONSEQUENCES = {
    50: "`low` alerts go into the digest now",
    80: "`low` and `normal` alerts go into the digest now",
    95: "soon everything but criticals goes into the digest",
}


def warn_of_budgets(
    connection: sqlite3.Connection, budgets: Mapping[str, Budget], policy: Policy, now_s: float
) -> None:
    """Warn of each level of a budget once in a window, in the log and in the digest."""
    for channel, budget in budgets.items():
        level = budget.warning_level()
        told = f"warned:{channel}:{level}"
        told_at_s = float(fact(connection, told) or 0)
        if not level or 0 <= now_s - told_at_s < WINDOW_S:
            continue
        remember(connection, told, str(now_s))
        text = _warning(channel, budget, level)
        log.warning("%s", text, extra={"action": "budget", "channel": channel, "percent": level})
        _put(connection, "budget", channel, text, policy.warned, channel, Priority.DIGEST, now_s)


def _warning(channel: str, budget: Budget, level: int) -> str:
    by_rule = budget.ledger.by_rule
    most = max(by_rule, key=lambda rule: by_rule[rule], default="")
    share = f" Most of it: {most} ({by_rule[most]})." if most else ""
    return (
        f"Channel {channel}: {level} % of a day's messages are used "
        f"({budget.ledger.usage.other} of {budget.others_cap}, what is kept for criticals and "
        f"digests apart); {_CONSEQUENCES[level]}.{share}"
    )


def forget_opted_out(connection: sqlite3.Connection, batch: Batch) -> None:
    """Note that a person gets this channel's alerts again."""
    remember(connection, _opted_out(batch), None)


def tell_others(connection: sqlite3.Connection, batch: Batch, policy: Policy, now_s: float) -> None:
    """Tell those who get the same alerts, once, that one of them no longer does."""
    if fact(connection, _opted_out(batch)) is not None:
        return
    others = _others(connection, batch, policy)
    if not others:
        return
    remember(connection, _opted_out(batch), str(now_s))
    text = (
        f"{batch.person} no longer gets alerts from channel {batch.channel}: "
        "it is on the blacklist in the app."
    )
    person, channel = batch.person, batch.channel
    _put(connection, "blacklist", person, text, others, channel, Priority.HIGH, now_s)


def _others(connection: sqlite3.Connection, batch: Batch, policy: Policy) -> dict[str, None]:
    if batch.is_digest:  # whose alerts may be many, and everybody's
        return dict.fromkeys(person for person in policy.warned if person != batch.person)
    return dict.fromkeys(
        person
        for delivery in batch.deliveries
        for person in outbox.others_of(connection, delivery.alert_id, batch.person)
    )


def _opted_out(batch: Batch) -> str:
    return f"opted_out:{batch.channel}:{batch.person}"


def _put(
    connection: sqlite3.Connection,
    name: str,
    key: str,
    text: str,
    to: Iterable[str],
    channel: str,
    priority: Priority,
    now_s: float,
) -> None:
    notice = Message(
        kind=Kind.NOTICE,
        origin="bridge",
        name=name,
        key=key,
        text=text,
        to=tuple(to),
        channel=channel,
        priority=priority,
        at_s=now_s,
        since_s=now_s,
    )
    outbox.put(connection, [notice])
