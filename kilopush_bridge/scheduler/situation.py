"""What a decision looks at, read inside a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from kilopush_bridge.model import Settlement, State
from kilopush_bridge.outbox import digests, outbox
from kilopush_bridge.outbox.holds import load_holds
from kilopush_bridge.outbox.ledger import Ledger, load_ledger
from kilopush_bridge.scheduler.budget import Budget
from kilopush_bridge.scheduler.decide import Situation

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    from kilopush_bridge.scheduler.decide import Flight
    from kilopush_bridge.scheduler.policy import Policy

HEADS = 128  # deliveries looked at per channel, person and lane


@dataclass(frozen=True, slots=True)
class Moment:
    """The time of one step: for people and waits, and for the ledger (see `clock`).

    `is_known` says whether the ledger's is the API's own time, `is_certain` whether decisions are
    to be made by it: after some minutes without an answer, they are.
    """

    now_s: float
    counted_s: float
    is_known: bool = True
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class Around:
    """What is not in the store: the policy, who there is, what is on the way or being collected."""

    policy: Policy
    people: Sequence[str]
    flights: Sequence[Flight] = ()
    unrecorded: Collection[int] = ()
    collecting: Collection[str] = ()


def read_situation(connection: sqlite3.Connection, around: Around, at: Moment) -> Situation:
    """Return what waits, what is held and what is spent. Withdraws what is empty."""
    queues = [
        [
            one
            for one in outbox.waiting(
                connection, channel, person, at.now_s, HEADS, around.collecting
            )
            if one.id not in around.unrecorded
        ]
        for channel in around.policy.channels
        for person in around.people
    ]
    planned = [
        one for one in _planned(connection, at.now_s) if one.delivery.person in around.people
    ]
    needed = {one.channel for queue in queues for one in queue if not one.is_critical}
    needed.update(one.delivery.channel for one in planned if one.is_due(at.now_s))
    return Situation(
        queues=queues,
        digests=planned,
        holds=load_holds(connection),
        flights=around.flights,
        budgets=load_budgets(connection, around.policy, needed, at),
        policy=around.policy,
    )


def load_budgets(
    connection: sqlite3.Connection,
    policy: Policy,
    channels: Iterable[str],
    at: Moment,
    *,
    with_unlimited: bool = False,
) -> dict[str, Budget]:
    """Return the budgets of those channels that are configured.

    What a channel without a limit has sent is no part of any decision, and is left out.
    """
    budgets = {}
    for name in channels:
        own = policy.channels.get(name)
        if own is None:
            continue
        counts = with_unlimited or own.limits.per_day is not None
        ledger = load_ledger(connection, name, at.counted_s) if counts else Ledger()
        budgets[name] = Budget(own, ledger, at.counted_s, is_certain=at.is_certain)
    return budgets


def _planned(connection: sqlite3.Connection, now_s: float) -> list[digests.Planned]:
    """Return the planned digests; those that were emptied by hand are withdrawn."""
    planned = []
    for one in digests.planned_digests(connection):
        if one.is_due(now_s) and digests.is_empty(connection, one.delivery.id):
            settlement = Settlement(
                one.delivery.id, State.WITHDRAWN, now_s, "nothing is left in it"
            )
            outbox.settle(connection, settlement, now_s)
        else:
            planned.append(one)
    return planned
