"""What the scheduler does inside a transaction: claim what leaves, store what came of it.

Runs in the thread of the store: whatever belongs to the event loop is handed in.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from kilopush_bridge.core.protocol import SENT, is_spent
from kilopush_bridge.model import Batch, Kind, Message, Priority
from kilopush_bridge.outbox import outbox
from kilopush_bridge.outbox.facts import fact, remember
from kilopush_bridge.outbox.holds import clear_holds, load_holds, save_holds
from kilopush_bridge.scheduler.compose import compose
from kilopush_bridge.scheduler.decide import Flight, decide
from kilopush_bridge.scheduler.react import Reaction, react

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Collection, Sequence

    from kilopush_bridge.core.protocol import Verdict

HEADS = 64  # deliveries looked at per channel, person and lane


def put_and_claim(
    connection: sqlite3.Connection,
    messages: Sequence[Message],
    pairs: Sequence[tuple[str, str]],
    flights: Sequence[Flight],
    unrecorded: Collection[int],
    collecting: Collection[str],
    now_s: float,
    *,
    is_trial: bool,
) -> tuple[list[tuple[Batch, Flight]], float | None]:
    """Store messages, decide what leaves now and write the ledger.

    Returns what leaves, and when to look again.

    `is_trial` writes in any case, because a transaction that changes nothing succeeds on a full
    disk, too.
    """
    if messages:
        outbox.put(connection, messages)
    queues = [
        [
            one
            for one in outbox.waiting(connection, *pair, now_s, HEADS, collecting)
            if one.id not in unrecorded
        ]
        for pair in pairs
    ]
    holds = load_holds(connection)
    claimed = []
    for launch in decide(queues, holds, flights, now_s):
        draft = compose(launch.deliveries, now_s)
        attempt_id = outbox.claim(connection, draft.deliveries, now_s)
        claimed.append((replace(draft, attempt_id=attempt_id), launch.flight))
    if is_trial:
        remember(connection, "written_at_s", str(now_s))
    times = [hold.next_at_s for hold in holds if hold.next_at_s > now_s]
    due_at_s = outbox.next_due_at_s(connection, now_s)
    return claimed, min([*times, *([due_at_s] if due_at_s else [])], default=None)


def store_verdict(
    connection: sqlite3.Connection, batch: Batch, verdict: Verdict, now_s: float
) -> Reaction:
    """Store what came of an attempt, the ledger, the deliveries, the holds; return it."""
    if batch.attempt_id < 0:  # sent without the ledger
        batch = replace(batch, attempt_id=outbox.claim(connection, batch.deliveries, now_s))
    outbox.end_attempt(
        connection,
        batch.attempt_id,
        verdict.outcome,
        verdict.detail,
        now_s,
        is_spent=is_spent(verdict.outcome),
    )
    reaction = react(batch, verdict, load_holds(connection), now_s)
    for one in reaction.settlements:
        outbox.settle(connection, one, now_s)
    save_holds(connection, reaction.set_holds)
    clear_holds(connection, reaction.cleared_holds)
    _tell_others(connection, batch, verdict, reaction, now_s)
    return reaction


def _tell_others(
    connection: sqlite3.Connection, batch: Batch, verdict: Verdict, reaction: Reaction, now_s: float
) -> None:
    """Tell those who get the same alerts, once, that one of them no longer does."""
    told = f"opted_out:{batch.channel}:{batch.person}"
    if verdict.outcome == SENT:
        remember(connection, told, None)
    if reaction.opted_out is None or fact(connection, told) is not None:
        return
    others = dict.fromkeys(
        person
        for delivery in batch.deliveries
        for person in outbox.others_of(connection, delivery.alert_id, batch.person)
    )
    if not others:
        return
    remember(connection, told, str(now_s))
    text = (
        f"{batch.person} no longer gets alerts from channel {batch.channel}: "
        "it is on the blacklist in the app."
    )
    notice = Message(
        kind=Kind.NOTICE,
        origin="bridge",
        name="blacklist",
        key=batch.person,
        text=text,
        to=tuple(others),
        channel=batch.channel,
        priority=Priority.HIGH,
        at_s=now_s,
        since_s=now_s,
    )
    outbox.put(connection, [notice])
