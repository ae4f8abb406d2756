"""How long each kind of hold waits, and whether it waits now. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kilopush_bridge.core import protocol
from kilopush_bridge.core.retry import retry_delay_s
from kilopush_bridge.model import HoldKind

if TYPE_CHECKING:
    from kilopush_bridge.model import Hold

_OUTCOME_OF = {
    HoldKind.FORBIDDEN: protocol.FORBIDDEN,
    HoldKind.BLOCKED: protocol.BLOCKED,
    HoldKind.QUOTA: protocol.QUOTA,
    HoldKind.QUOTA_CRITICAL: protocol.QUOTA,
    HoldKind.UNCLEAR: protocol.UNCLEAR,
    HoldKind.UNREACHABLE: protocol.UNSENT,
}


def pause_s(kind: HoldKind, tries: int) -> float:
    """Return how long a hold waits after so many attempts."""
    is_critical = kind is HoldKind.QUOTA_CRITICAL
    return retry_delay_s(_OUTCOME_OF[kind], tries, critical=is_critical) or 0


def is_waiting(hold: Hold, now_s: float) -> bool:
    """Return whether not even a probe may go.

    A hold that would wait longer than it ever should was written by a clock that has been set back
    since: it counts as due, because an alarm may be behind it.
    """
    return 0 < hold.next_at_s - now_s <= pause_s(hold.kind, hold.tries)
