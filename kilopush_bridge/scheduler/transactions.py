"""What the scheduler does inside a transaction: claim what leaves, store what came of it.

Runs in the thread of the store: whatever belongs to the event loop is handed in.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kilopush_bridge.core import protocol
from kilopush_bridge.core.protocol import SENT
from kilopush_bridge.model import Message, Settlement, State
from kilopush_bridge.outbox import alarms, digests, outbox
from kilopush_bridge.outbox.digests import Slot
from kilopush_bridge.outbox.facts import remember
from kilopush_bridge.outbox.holds import clear_holds, load_holds, save_holds
from kilopush_bridge.outbox.ledger import end_attempt, stamp, stamp_channel
from kilopush_bridge.scheduler import notices
from kilopush_bridge.scheduler.compose import compose
from kilopush_bridge.scheduler.decide import Flight, Plan, Situation, decide
from kilopush_bridge.scheduler.policy import taker_of
from kilopush_bridge.scheduler.react import Reaction, Ways, react
from kilopush_bridge.scheduler.situation import HEADS, load_budgets, read_situation

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence

    from kilopush_bridge.core.protocol import Verdict
    from kilopush_bridge.model import Batch, Change, Delivery, Hold
    from kilopush_bridge.scheduler.budget import Budget
    from kilopush_bridge.scheduler.policy import Policy
    from kilopush_bridge.scheduler.situation import Around, Moment

COLLECT_S = 600.0  # a digest waits so long for what comes after its first alert
ITEM_BY_ITEM = 20  # a refused digest of more would take days of the budget
BLOCKED_S = 900.0  # whatever has to wait for room is looked at again after this


@dataclass(frozen=True, slots=True)
class Claimed:
    """What leaves now, and when to look again (None: when something happens)."""

    batches: list[tuple[Batch, Flight]]
    look_at_s: float | None


def put_and_claim(
    connection: sqlite3.Connection,
    changes: Sequence[Change],
    around: Around,
    at: Moment,
    *,
    is_trial: bool,
) -> Claimed:
    """Store changes, decide what leaves now and write the ledger.

    `is_trial` writes in any case, because a transaction that changes nothing succeeds on a full
    disk, too.
    """
    if is_trial:
        remember(connection, "written_at_s", str(at.now_s))
    if changes:
        _put(connection, changes, at)
    alarms.promote(connection, at.now_s)
    digests.release(connection, at.now_s, HEADS)
    situation = read_situation(connection, around, at)
    plan = decide(situation, at.now_s)
    for delivery, slot in plan.deferred:
        _defer(connection, delivery, slot, situation, at.now_s)
    for delivery in plan.sent_back:
        _send_back(connection, delivery, at.now_s)
    batches = []
    for launch in plan.launches:
        draft = compose(launch.deliveries, at.now_s)
        attempt_id = outbox.claim(connection, draft, at.now_s)
        batches.append((replace(draft, attempt_id=attempt_id), launch.flight))
    notices.warn_of_budgets(connection, situation.budgets, around.policy, at.now_s)
    return Claimed(batches, _look_at_s(connection, situation, plan, at))


def _put(connection: sqlite3.Connection, changes: Sequence[Change], at: Moment) -> None:
    outbox.put(connection, changes)
    messages = [one for one in changes if isinstance(one, Message)]
    rescued = {one.channel for one in messages if one.already_sent or one.maybe_sent}
    for channel in rescued if at.is_known else ():
        stamp_channel(connection, channel, at.counted_s)


def _defer(
    connection: sqlite3.Connection,
    delivery: Delivery,
    slot: Slot,
    situation: Situation,
    now_s: float,
) -> None:
    if slot is Slot.SCHEDULED:
        due_at_s = situation.policy.next_digest_s(now_s)
    else:
        due_at_s = _next_soon_s(situation, delivery.channel, now_s)
    digests.defer(connection, delivery, slot, due_at_s, now_s)


def _send_back(connection: sqlite3.Connection, delivery: Delivery, now_s: float) -> None:
    home, is_repeat = delivery.home_channel, delivery.is_repeat
    again = Settlement(
        delivery.id, State.PENDING, 0.0, tries=delivery.tries, is_repeat=is_repeat, channel=home
    )
    outbox.settle(connection, again, now_s)


def _next_soon_s(situation: Situation, channel: str, now_s: float) -> float:
    """Return when the next digest of a channel leaves: everybody's at the same time."""
    open_ones = [
        one.due_at_s
        for one in situation.digests
        if one.delivery.channel == channel and not one.is_scheduled and not one.is_due(now_s)
    ]
    if open_ones:
        return min(open_ones)
    return situation.budgets[channel].next_soon_s(now_s, COLLECT_S)


def _look_at_s(
    connection: sqlite3.Connection, situation: Situation, plan: Plan, at: Moment
) -> float | None:
    """Return when a decision could come out differently."""
    if any(len(queue) >= HEADS for queue in situation.queues) and (
        plan.deferred or plan.launches or plan.sent_back
    ):
        return at.now_s  # there is more behind these
    times = [hold.next_at_s for hold in situation.holds if hold.next_at_s > at.now_s]
    next_ones = (
        outbox.next_due_at_s(connection, at.now_s),
        alarms.next_promotion_s(connection, at.now_s),
    )
    times += [at_s for at_s in next_ones if at_s is not None]
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
    budget = load_budgets(connection, policy, [batch.channel], at).get(batch.channel)
    # a gateway's 429 is a matter of seconds; only the API itself speaks of the day
    is_lesson = budget is not None and verdict.status == protocol.DAY_IS_USED_UP
    others_seen = budget.seen_of_others() if budget and is_lesson else None
    counts_from_s = at.counted_s if at.is_known else None
    end_attempt(connection, batch.attempt_id, verdict, at.now_s, counts_from_s, others_seen)
    holds = load_holds(connection)
    ways = _ways(connection, batch, holds, policy, budget, at.now_s)
    reaction = react(batch, verdict, holds, at.now_s, ways)
    for one in reaction.settlements:
        outbox.settle(connection, one, at.now_s)
    save_holds(connection, reaction.set_holds)
    clear_holds(connection, reaction.cleared_holds)
    if verdict.outcome == SENT:
        notices.forget_opted_out(connection, batch)
    elif reaction.opted_out is not None:
        notices.tell_others(connection, batch, policy, at.now_s)
    return reaction


def _ways(
    connection: sqlite3.Connection,
    batch: Batch,
    holds: Collection[Hold],
    policy: Policy,
    budget: Budget | None,
    now_s: float,
) -> Ways:
    if not batch.is_digest:
        return Ways(taker_of(policy, holds, batch.channel, batch.person, now_s))
    slots = {one.group for one in batch.deliveries}
    gap_s = budget.digest_gap_s if budget else 0.0
    return Ways(
        next_digest_s=policy.next_digest_s(now_s)
        if slots == {Slot.SCHEDULED}
        else now_s + max(COLLECT_S, gap_s),
        is_small=digests.holds_at_most(
            connection, [one.id for one in batch.deliveries], ITEM_BY_ITEM
        ),
    )


def learn_time(connection: sqlite3.Connection, policy: Policy, at: Moment, ahead_s: float) -> None:
    """Store that the API's time is known: what waited for it counts from now on.

    Digests that were planned by a wrong clock are not later than they would be planned now.
    """
    stamp(connection, at.counted_s)
    outbox.wait_no_longer(connection, at.now_s)
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
