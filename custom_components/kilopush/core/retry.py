# Generated from kilopush_bridge/core/retry.py by tools/copy_core.py: do not edit.
"""When to try again, per outcome. The reasons in a user's words are in docs/delivery.md.

Exact figures: whoever waits adds jitter where many senders could wake together.
"""

from .protocol import BLOCKED, FORBIDDEN, OPTED_OUT, QUOTA, REJECTED, SENT, UNCLEAR, UNSENT

_MINUTE_S = 60
_HOUR_S = 3600

# Waits in seconds after the first, second, ... attempt; the last one recurs. None: give up.
_WAITS = {
    SENT: (None,),
    # It costs nothing and the network may be back at any moment.
    UNSENT: (30,),
    # Each attempt costs one message and may be a repeat: quick at first, because most gaps are
    # short, then every 5 minutes for an hour, then hourly.
    UNCLEAR: (2, 10, _MINUTE_S) + (5 * _MINUTE_S,) * 12 + (_HOUR_S,),
    # The day's end is not known, so waiting for it is no option: doubling to two hours.
    QUOTA: (15 * _MINUTE_S, 30 * _MINUTE_S, _HOUR_S, 2 * _HOUR_S),
    # Somebody has to act: these are probes.
    BLOCKED: (_HOUR_S,),
    FORBIDDEN: (15 * _MINUTE_S,),
    # A refusal can be a hiccup of the server; a third one is about the message itself.
    REJECTED: (10, _MINUTE_S, None),
    # A person's own decision is respected at once.
    OPTED_OUT: (None,),
}

# An alarm asks for the first free message as soon as there is one.
_CRITICAL_QUOTA_WAITS = (_MINUTE_S, 2 * _MINUTE_S, 5 * _MINUTE_S, 10 * _MINUTE_S)


def retry_delay_s(outcome: str, tries: int, *, critical: bool = False) -> int | None:
    """Return the wait before the next attempt in seconds, None if there is none to make.

    Args:
        outcome: what the last attempt came to, one of the constants of ``protocol``.
        tries: attempts with that outcome in a row, the last one included; at least 1.
        critical: whether a critical alarm waits; matters when the quota is used up.
    """
    waits = _CRITICAL_QUOTA_WAITS if critical and outcome == QUOTA else _WAITS[outcome]
    return waits[min(max(tries, 1), len(waits)) - 1]
