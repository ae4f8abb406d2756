"""What a verdict means for what was sent: a pure function, one row per verdict.

`docs/delivery.md` is this module in a user's words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kilopush_bridge.core import protocol
from kilopush_bridge.core.retry import retry_delay_s
from kilopush_bridge.model import Hold, HoldKind, Settlement, State
from kilopush_bridge.scheduler.pauses import is_waiting, pause_s

if TYPE_CHECKING:
    from collections.abc import Collection

    from kilopush_bridge.core.protocol import Verdict
    from kilopush_bridge.model import Batch, Delivery


@dataclass(frozen=True, slots=True)
class Reaction:
    """Everything that one verdict changes."""

    settlements: tuple[Settlement, ...]
    set_holds: tuple[Hold, ...] = ()
    cleared_holds: tuple[Hold, ...] = ()
    opted_out: str | None = None  # the person who no longer wants this channel


@dataclass(frozen=True, slots=True)
class Ways:
    """What is possible beside trying again."""

    critical_channel: str | None = None  # takes over a critical that the quota refuses
    next_digest_s: float = 0.0  # when a digest whose reply was lost goes again
    is_small: bool = True  # a refused digest can go item by item


NO_WAYS = Ways()


def react(  # noqa: C901, PLR0911  (one per verdict)
    batch: Batch, verdict: Verdict, holds: Collection[Hold], now_s: float, ways: Ways = NO_WAYS
) -> Reaction:
    """Return what `verdict` means for the deliveries of `batch` and the holds of its channel."""
    if _is_away(batch) and verdict.outcome in _SENT_BACK:
        return _sent_back(batch, verdict, holds, now_s)
    match verdict.outcome:
        case protocol.SENT:
            return Reaction(
                _settle(batch, State.SENT, now_s), cleared_holds=_released(batch, holds)
            )
        case protocol.OPTED_OUT:
            reason = f"{batch.person} has put the channel on the blacklist"
            return Reaction(_settle(batch, State.WITHDRAWN, now_s, reason), opted_out=batch.person)
        case protocol.REJECTED:
            return Reaction(
                _reject(batch, verdict, now_s, ways), cleared_holds=_unmerged(batch, holds)
            )
        case protocol.UNSENT:
            return _unsent(batch, verdict, holds, now_s)
        case protocol.UNCLEAR:
            return _unclear(batch, verdict, holds, now_s, ways)
        case protocol.QUOTA if ways.critical_channel and all(map(_may_move, batch.deliveries)):
            paused = _find(batch, HoldKind.QUOTA, holds)
            others = () if paused else _bump(batch, HoldKind.QUOTA, verdict, holds, now_s)
            return Reaction(_moved(batch, ways.critical_channel, now_s), others)
        case protocol.QUOTA:
            return Reaction(_waits(batch, now_s), _pause(batch, verdict, holds, now_s))
        case protocol.BLOCKED:
            return Reaction(
                _waits(batch, now_s), _bump(batch, HoldKind.BLOCKED, verdict, holds, now_s)
            )
        case protocol.FORBIDDEN:
            return Reaction(
                _waits(batch, now_s), _bump(batch, HoldKind.FORBIDDEN, verdict, holds, now_s)
            )
    raise AssertionError(verdict)


def _settle(batch: Batch, state: State, now_s: float, reason: str = "") -> tuple[Settlement, ...]:
    return tuple(
        Settlement(one.id, state, now_s, reason, one.tries, one.is_repeat)
        for one in batch.deliveries
    )


def _wait(delivery: Delivery, due_at_s: float, *, is_repeat: bool = False) -> Settlement:
    return Settlement(
        delivery.id,
        State.PENDING,
        due_at_s,
        tries=delivery.tries,
        is_repeat=is_repeat or delivery.is_repeat,
    )


def _waits(batch: Batch, due_at_s: float) -> tuple[Settlement, ...]:
    return tuple(_wait(one, due_at_s) for one in batch.deliveries)


def _may_move(delivery: Delivery) -> bool:
    """Return whether another channel may take over: once, or two of them could play for ever."""
    return delivery.is_critical and delivery.home_channel is None


def _moved(batch: Batch, channel: str, now_s: float) -> tuple[Settlement, ...]:
    return tuple(replace(_wait(one, now_s), channel=channel) for one in batch.deliveries)


# What a channel that took over an alarm may say without that being the end of it.
_SENT_BACK = (
    protocol.QUOTA,
    protocol.FORBIDDEN,
    protocol.BLOCKED,
    protocol.OPTED_OUT,
    protocol.REJECTED,
)


def _is_away(batch: Batch) -> bool:
    return any(one.home_channel not in (None, batch.channel) for one in batch.deliveries)


def _sent_back(batch: Batch, verdict: Verdict, holds: Collection[Hold], now_s: float) -> Reaction:
    """The channel that took over cannot send it either: it waits where it came from."""
    settlements = tuple(
        replace(_wait(one, now_s), channel=one.home_channel) for one in batch.deliveries
    )
    homes = dict.fromkeys(one.home_channel or batch.channel for one in batch.deliveries)
    waits = [_refused_at_home(home, verdict, holds, now_s) for home in homes]
    kinds = {
        protocol.QUOTA: HoldKind.QUOTA_CRITICAL,
        protocol.FORBIDDEN: HoldKind.FORBIDDEN,
        protocol.BLOCKED: HoldKind.BLOCKED,
    }
    own = kinds.get(verdict.outcome)
    here = () if own is None else _bump(batch, own, verdict, holds, now_s)
    return Reaction(settlements, (*waits, *here))


def _refused_at_home(channel: str, verdict: Verdict, holds: Collection[Hold], now_s: float) -> Hold:
    kind = HoldKind.QUOTA_CRITICAL
    known = next((hold for hold in holds if hold.id == (channel, "", kind)), None)
    return known or Hold(channel, "", kind, now_s, 1, now_s + pause_s(kind, 1), verdict.detail)


def _unclear(
    batch: Batch, verdict: Verdict, holds: Collection[Hold], now_s: float, ways: Ways
) -> Reaction:
    """It may have arrived. What becomes of it then, `decide` says."""
    due_at_s = ways.next_digest_s if batch.is_digest else now_s
    waits = tuple(_wait(one, due_at_s, is_repeat=True) for one in batch.deliveries)
    return Reaction(waits, _bump(batch, HoldKind.UNCLEAR, verdict, holds, now_s))


def _released(batch: Batch, holds: Collection[Hold]) -> tuple[Hold, ...]:
    """Any success shows that the channel works, and that this person can be reached."""
    return tuple(
        hold
        for hold in holds
        if hold.channel == batch.channel and hold.person in ("", batch.person)
    )


def _reject(batch: Batch, verdict: Verdict, now_s: float, ways: Ways) -> tuple[Settlement, ...]:
    """A refused message is tried three times.

    A refused group is sent item by item first, and so is a digest of a few alerts. One of many
    would take days of the budget: it is tried again without its details (see `digest`).
    """
    if batch.is_digest and ways.is_small:
        return _settle(batch, State.RELEASED, now_s, "refused: its alerts go one by one")
    if len(batch.deliveries) > 1 and not batch.is_digest:
        return tuple(replace(_wait(one, now_s), keep_group=False) for one in batch.deliveries)
    return tuple(_struck(one, verdict, now_s) for one in batch.deliveries)


def _struck(delivery: Delivery, verdict: Verdict, now_s: float) -> Settlement:
    tries = delivery.tries + 1
    delay_s = retry_delay_s(protocol.REJECTED, tries)
    if delay_s is None:
        reason = (
            f"refused: {verdict.detail}" if verdict.detail else f"refused with {verdict.status}"
        )
        return Settlement(delivery.id, State.DEAD, now_s, reason, tries, delivery.is_repeat)
    return replace(_wait(delivery, now_s + delay_s), tries=tries)


def _unmerged(batch: Batch, holds: Collection[Hold]) -> tuple[Hold, ...]:
    """Criticals that were merged for the quota and refused for something else go one by one.

    With the hold they would be merged again at once, and refused again, without end.
    """
    hold = _find(batch, HoldKind.QUOTA_CRITICAL, holds)
    return (hold,) if hold is not None and len(batch.deliveries) > 1 else ()


def _unsent(batch: Batch, verdict: Verdict, holds: Collection[Hold], now_s: float) -> Reaction:
    """Nothing left, nothing was spent: a critical tries again by itself, the rest waits as one."""
    set_holds = _bump(batch, HoldKind.UNREACHABLE, verdict, holds, now_s)
    due_at_s = set_holds[0].next_at_s if batch.is_critical and set_holds else now_s
    return Reaction(_waits(batch, due_at_s), set_holds)


def _pause(
    batch: Batch, verdict: Verdict, holds: Collection[Hold], now_s: float
) -> tuple[Hold, ...]:
    """A refused critical also shows that the rest has no room; the reverse is not tried out."""
    if not batch.is_critical:
        return _bump(batch, HoldKind.QUOTA, verdict, holds, now_s)
    paused = _find(batch, HoldKind.QUOTA, holds)
    others = () if paused else _bump(batch, HoldKind.QUOTA, verdict, holds, now_s)
    return (*_bump(batch, HoldKind.QUOTA_CRITICAL, verdict, holds, now_s), *others)


def _find(batch: Batch, kind: HoldKind, holds: Collection[Hold]) -> Hold | None:
    person = batch.person if kind is HoldKind.BLOCKED else ""
    return next((hold for hold in holds if hold.id == (batch.channel, person, kind)), None)


def _bump(
    batch: Batch, kind: HoldKind, verdict: Verdict, holds: Collection[Hold], now_s: float
) -> tuple[Hold, ...]:
    """Return the hold, one step on: a new one, or the next wait of one that was due.

    A hold that is not due yet stays: criticals in parallel must not push its probe away.
    """
    hold = _find(batch, kind, holds)
    if hold is not None and is_waiting(hold, now_s):
        return (hold,)
    tries = (hold.tries if hold else 0) + 1
    return (
        Hold(
            channel=batch.channel,
            person=batch.person if kind is HoldKind.BLOCKED else "",
            kind=kind,
            since_s=hold.since_s if hold else now_s,
            tries=tries,
            next_at_s=now_s + pause_s(kind, tries),
            detail=verdict.detail,
        ),
    )
