"""What outcomes and holds are called where people read them."""

from __future__ import annotations

from typing import Final

from kilopush_bridge.core import protocol
from kilopush_bridge.model import HoldKind

OUTCOMES: Final = {
    protocol.SENT: "sent",
    protocol.QUOTA: "refused, the daily limit is used up",
    protocol.OPTED_OUT: "refused, the channel is on this person's blacklist",
    protocol.BLOCKED: "refused, this person or the channel is blocked",
    protocol.FORBIDDEN: "refused, the channel's token or secret or the address is wrong",
    protocol.REJECTED: "refused, something is wrong with the message",
    protocol.UNCLEAR: "no clear reply, it may have arrived",
    protocol.UNSENT: "not sent, KILO.Push cannot be reached",
}

HOLDS: Final = {
    HoldKind.FORBIDDEN: "its token or secret or the address is refused",
    HoldKind.BLOCKED: "this person or the channel is blocked",
    HoldKind.QUOTA: "the daily limit is used up",
    HoldKind.QUOTA_CRITICAL: "the daily limit is used up, criticals try more often",
    HoldKind.UNCLEAR: "replies are lost",
    HoldKind.UNREACHABLE: "KILO.Push cannot be reached",
}
