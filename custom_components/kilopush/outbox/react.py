"""What a verdict means for what was sent: one branch per verdict. Changes only the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core import protocol
from ..core.retry import retry_delay_s
from .decide import QUOTA_CRITICAL, hold_of, is_waiting, pause_s
from .model import Delivery, Event, EventType, Hold, Priority, event_of
from .state import put_back

if TYPE_CHECKING:
    from ..core.protocol import Verdict
    from .decide import Launch
    from .digest import Digest
    from .state import State


def react(state: State, launch: Launch, verdict: Verdict, now_s: float) -> list[Event]:
    """Let what was posted end, or wait again; return what happened to it."""
    for delivery in launch.deliveries:
        delivery.is_posted = False
    is_critical = launch.deliveries[0].is_critical
    note(state, verdict, launch.person, is_critical=is_critical, now_s=now_s)
    if verdict.outcome == protocol.REJECTED and len(launch.deliveries) > 1:
        state.holds.pop(("", QUOTA_CRITICAL), None)  # together they would be refused again
        return []
    return [
        event
        for delivery in launch.deliveries
        if (event := _settle(state, delivery, verdict, now_s)) is not None
    ]


def react_to_digest(
    state: State, person: str, verdict: Verdict, now_s: float, next_s: float
) -> list[Event]:
    """Do the same for a digest. One whose reply was lost goes again at ``next_s``."""
    digest = state.posted_digests.pop(person)
    note(state, verdict, person, is_critical=False, now_s=now_s)
    if verdict.outcome == protocol.SENT:
        return [_digest_event(EventType.DIGEST_SENT, person, digest.count)]
    if verdict.outcome == protocol.OPTED_OUT:
        state.withdrawn += digest.count
        return [_digest_event(EventType.WITHDRAWN, person, digest.count, verdict.detail)]
    if verdict.outcome == protocol.REJECTED and not digest.tries and digest.is_small:
        _release(state, person, digest, now_s)
        return []
    if verdict.outcome == protocol.REJECTED:
        digest.tries += 1
        delay_s = retry_delay_s(protocol.REJECTED, digest.tries)
        if delay_s is None:
            state.dead += digest.count
            return [_digest_event(EventType.DEAD, person, digest.count, verdict.detail)]
        digest.due_at_s = now_s + delay_s
    elif verdict.outcome == protocol.UNCLEAR:
        digest.is_repeat, digest.due_at_s = True, next_s
    put_back(state, person, digest)
    return []


def _release(state: State, person: str, digest: Digest, now_s: float) -> None:
    """Let what a refused digest holds go one by one: something in it is refused, not all of it."""
    for group in digest.groups:
        for part in group.parts:
            number = f" ×{part.count}" if part.count > 1 else ""
            state.pending[state.next_id] = Delivery(
                id=state.next_id,
                person=person,
                name=group.name,
                text=part.text + number,
                url=part.url,
                silent=digest.is_silent,
                priority=group.priority,
                key="",
                created_at_s=part.first_s,
                expires_at_s=None,
                due_at_s=now_s,
                tries=1,
            )
            state.next_id += 1


def note(state: State, verdict: Verdict, person: str, *, is_critical: bool, now_s: float) -> None:
    """Remember what a verdict says of the channel and of the person."""
    if verdict.outcome == protocol.SENT:
        state.worked_at_s[person] = now_s
        state.opted_out = [one for one in state.opted_out if one != person]
        # Any success shows that the channel works, and that this person can be reached.
        state.holds = {
            key: hold for key, hold in state.holds.items() if hold.person not in ("", person)
        }
        return
    state.last_error, state.last_error_detail = verdict.outcome, verdict.detail
    state.last_error_at_s = now_s
    if verdict.outcome == protocol.OPTED_OUT:
        if person not in state.opted_out:
            state.opted_out.append(person)
    elif verdict.outcome != protocol.REJECTED:
        _hold(state, verdict, person, is_critical, now_s)


def _hold(state: State, verdict: Verdict, person: str, is_critical: bool, now_s: float) -> None:
    _bump(state, hold_of(verdict.outcome, person, is_critical=is_critical), verdict, now_s)
    # A refused critical also shows that the rest has no room; the reverse is not tried out.
    if (
        verdict.outcome == protocol.QUOTA
        and is_critical
        and ("", protocol.QUOTA) not in state.holds
    ):
        _bump(state, ("", protocol.QUOTA), verdict, now_s)


def _bump(state: State, key: tuple[str, str], verdict: Verdict, now_s: float) -> None:
    """Make a hold, or let one that was due take its next wait.

    One that is not due yet stays: criticals side by side must not push its probe away.
    """
    known = state.holds.get(key)
    if known is not None and is_waiting(known, now_s):
        return
    tries = known.tries + 1 if known else 1
    since_s = known.since_s if known else now_s
    next_s = now_s + pause_s(key[1], tries)
    state.holds[key] = Hold(key[0], key[1], since_s, tries, next_s, verdict.detail)


def _settle(state: State, delivery: Delivery, verdict: Verdict, now_s: float) -> Event | None:
    if delivery.is_critical and _may_be_told(verdict) and not delivery.is_repeat:
        state.ledger.note_critical(delivery.key, now_s)
    if verdict.outcome == protocol.SENT:
        return _end(state, delivery, EventType.SENT)
    if verdict.outcome == protocol.OPTED_OUT:
        state.withdrawn += 1
        return _end(state, delivery, EventType.WITHDRAWN, verdict.detail)
    if verdict.outcome == protocol.REJECTED:
        delivery.tries += 1
        delay_s = retry_delay_s(protocol.REJECTED, delivery.tries)
        if delay_s is None:
            state.dead += 1
            return _end(state, delivery, EventType.DEAD, verdict.detail)
        delivery.due_at_s = now_s + delay_s
    elif verdict.outcome == protocol.UNCLEAR:
        delivery.is_repeat = True
    elif verdict.outcome == protocol.UNSENT and delivery.is_critical:
        delivery.due_at_s = now_s + pause_s(protocol.UNSENT, 1)
    return _delayed(delivery, verdict)


def _may_be_told(verdict: Verdict) -> bool:
    return verdict.outcome in (protocol.SENT, protocol.UNCLEAR)


def _delayed(delivery: Delivery, verdict: Verdict) -> Event | None:
    """Return the event of a message that waits, once."""
    # What goes into the digest anyway says so itself.
    is_summed_up = verdict.outcome == protocol.UNCLEAR and delivery.priority > Priority.HIGH
    is_refused = verdict.outcome == protocol.QUOTA and not delivery.is_critical
    if delivery.is_delayed or is_summed_up or is_refused:
        return None
    delivery.is_delayed = True
    is_up_to_somebody = verdict.outcome in (protocol.FORBIDDEN, protocol.BLOCKED)
    kind = EventType.REFUSED if is_up_to_somebody else EventType.DELAYED
    return event_of(kind, delivery, verdict.detail)


def _end(state: State, delivery: Delivery, kind: EventType, reason: str = "") -> Event:
    state.pending.pop(delivery.id, None)
    return event_of(kind, delivery, reason)


def _digest_event(kind: EventType, person: str, count: int, reason: str = "") -> Event:
    return Event(kind, person, title=f"{count} messages", priority="digest", reason=reason)
