"""What the scheduler does inside a transaction: claim what leaves, store what came of it.

Runs in the thread of the store: whatever belongs to the event loop is handed in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kilopush_bridge.core.protocol import QUOTA, SENT
from kilopush_bridge.model import Batch, Message, Settlement, State
from kilopush_bridge.outbox import digests, outbox
from kilopush_bridge.outbox.facts import remember
from kilopush_bridge.outbox.holds import clear_holds, load_holds, save_holds
from kilopush_bridge.outbox.ledger import Ledger, end_attempt, load_ledger, stamp, stamp_channel
from kilopush_bridge.scheduler import notices
from kilopush_bridge.scheduler.budget import Budget
from kilopush_bridge.scheduler.compose import compose
from kilopush_bridge.scheduler.decide import Flight, Plan, Situation, decide
from kilopush_bridge.scheduler.policy import ChannelPolicy
from kilopush_bridge.scheduler.react import Reaction, Ways, react

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Iterable, Sequence

    from kilopush_bridge.core.protocol import Verdict
    from kilopush_bridge.model import Delivery
    from kilopush_bridge.scheduler.policy import Policy

HEADS = 128  # deliveries looked at per channel, person and lane
COLLECT_S = 600.0  # a digest waits so long for what comes after its first alert
BLOCKED_S = 900.0  # whatever has to wait for room is looked at again after this


@dataclass(frozen=True, slots=True)
class Moment:
    """The time of one step: for people and waits, and for the ledger (see `clock`)."""

    now_s: float
    counted_s: float
    is_certain: bool = True


@dataclass(frozen=True, slots=True)
class Claimed:
    """What leaves now, and when to look again (None: when something happens)."""

    batches: list[tuple[Batch, Flight]]
    look_at_s: float | None


@dataclass(frozen=True, slots=True)
class Around:
    """What is not in the store: the policy, who there is, what is on the way or being collected."""

    policy: Policy
    people: Sequence[str]
    flights: Sequence[Flight] = ()
    unrecorded: Collection[int] = ()
    collecting: Collection[str] = ()


def put_and_claim(
    connection: sqlite3.Connection,
    messages: Sequence[Message],
    around: Around,
    at: Moment,
    *,
    is_trial: bool,
) -> Claimed:
    """Store messages, decide what leaves now and write the ledger.

    `is_trial` writes in any case, because a transaction that changes nothing succeeds on a full
    disk, too.
    """
    if is_trial:
        remember(connection, "written_at_s", str(at.now_s))
    if messages:
        _put(connection, messages, at)
    digests.release(connection, at.now_s, HEADS)
    situation = _situation(connection, around, at)
    plan = decide(situation, at.now_s)
    for delivery, group in plan.deferred:
        _defer(connection, delivery, group, situation, at.now_s)
    batches = []
    for launch in plan.launches:
        draft = compose(launch.deliveries, at.now_s)
        attempt_id = outbox.claim(connection, draft, at.now_s)
        batches.append((replace(draft, attempt_id=attempt_id), launch.flight))
    notices.warn_of_budgets(connection, situation.budgets, around.policy, at.now_s)
    return Claimed(batches, _look_at_s(connection, situation, plan, at))


def _put(connection: sqlite3.Connection, messages: Sequence[Message], at: Moment) -> None:
    outbox.put(connection, messages)
    rescued = {one.channel for one in messages if one.already_sent or one.maybe_sent}
    for channel in rescued if at.is_certain else ():
        stamp_channel(connection, channel, at.counted_s)


# --- what a decision looks at ------------------------------------------------------------------


def _situation(connection: sqlite3.Connection, around: Around, at: Moment) -> Situation:
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
    planned = _planned(connection, at.now_s)
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


def _defer(
    connection: sqlite3.Connection,
    delivery: Delivery,
    group: str,
    situation: Situation,
    now_s: float,
) -> None:
    if group == digests.SCHEDULED:
        due_at_s = situation.policy.next_digest_s(now_s)
    else:
        due_at_s = _next_soon_s(situation, delivery.channel, now_s)
    digests.defer(connection, delivery, group, due_at_s, now_s)


def _next_soon_s(situation: Situation, channel: str, now_s: float) -> float:
    """Return when the next digest of a channel leaves: everybody's at the same time."""
    open_ones = [
        one.due_at_s
        for one in situation.digests
        if one.delivery.channel == channel and not one.is_scheduled and not one.is_due(now_s)
    ]
    return min(open_ones, default=situation.budgets[channel].next_soon_s(now_s, COLLECT_S))


def _look_at_s(
    connection: sqlite3.Connection, situation: Situation, plan: Plan, at: Moment
) -> float | None:
    """Return when a decision could come out differently."""
    if any(len(queue) >= HEADS for queue in situation.queues) and (plan.deferred or plan.launches):
        return at.now_s  # there is more behind these
    times = [hold.next_at_s for hold in situation.holds if hold.next_at_s > at.now_s]
    if (due_at_s := outbox.next_due_at_s(connection, at.now_s)) is not None:
        times.append(due_at_s)
    done = {one.id for launch in plan.launches for one in launch.deliveries}
    done.update(one.id for one, _ in plan.deferred)
    blocked = [one for queue in situation.queues for one in queue if one.id not in done]
    if blocked or any(
        one.is_due(at.now_s) and one.delivery.id not in done for one in situation.digests
    ):
        times.append(at.now_s + BLOCKED_S)
    return min(times, default=None)


# --- what came of it ---------------------------------------------------------------------------


def store_verdict(
    connection: sqlite3.Connection, batch: Batch, verdict: Verdict, policy: Policy, at: Moment
) -> Reaction:
    """Store what came of an attempt: the ledger, the deliveries, the holds; return it."""
    if batch.attempt_id < 0:  # sent without the ledger
        batch = replace(batch, attempt_id=outbox.claim(connection, batch, at.now_s))
    own = policy.channels.get(batch.channel, ChannelPolicy())
    budget = load_budgets(connection, policy, [batch.channel], at).get(batch.channel)
    # this one is in the ledger already, and did not count
    others_seen = budget.others_seen() + 1 if budget and verdict.outcome == QUOTA else None
    counts_from_s = at.counted_s if at.is_certain else None
    end_attempt(connection, batch.attempt_id, verdict, at.now_s, counts_from_s, others_seen)
    ways = Ways(own.critical_channel, budget.digest_gap_s if budget else 0.0)
    reaction = react(batch, verdict, load_holds(connection), at.now_s, ways)
    for one in reaction.settlements:
        outbox.settle(connection, one, at.now_s)
    save_holds(connection, reaction.set_holds)
    clear_holds(connection, reaction.cleared_holds)
    if verdict.outcome == SENT:
        notices.forget_opted_out(connection, batch)
    elif reaction.opted_out is not None:
        notices.tell_others(connection, batch, policy, at.now_s)
    return reaction


def learn_time(connection: sqlite3.Connection, policy: Policy, at: Moment, ahead_s: float) -> None:
    """Store that the API's time is known: what waited for it counts from now on.

    Digests that were planned by a wrong clock are not later than they would be planned now.
    """
    stamp(connection, at.counted_s)
    remember(connection, "api_ahead_s", f"{ahead_s:.0f}")
    planned = digests.planned_digests(connection)
    budgets = load_budgets(connection, policy, {one.delivery.channel for one in planned}, at)
    for one in planned:
        budget = budgets.get(one.delivery.channel)
        if one.is_scheduled:
            latest_s = policy.next_digest_s(at.now_s)
        elif budget is not None:
            latest_s = budget.next_soon_s(at.now_s, COLLECT_S)
        else:
            continue
        if one.due_at_s > latest_s:
            digests.plan(connection, one.delivery.id, latest_s)
