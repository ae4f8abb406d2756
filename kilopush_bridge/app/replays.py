"""The summary of what was found at start: when it is complete.

Retained messages are replayed in one go after each SUBSCRIBE. Whatever they changed while we were
away belongs in one message, which has to wait for the last of them, but not for ever.
"""

from __future__ import annotations

from dataclasses import dataclass

QUIET_S = 2.0  # no replay for so long: that was the last one
LONGEST_S = 10.0


@dataclass(slots=True)
class Replays:
    """The group of replays that is being collected, if any."""

    _group: str = ""
    _opened_at_s: float = 0.0
    _last_at_s: float = 0.0

    def heard(self, now_s: float) -> str:
        """Note a replayed message; return the name of its group."""
        if not self.collecting(now_s):
            self._group = f"found at start {now_s:.3f}"
            self._opened_at_s = now_s
        self._last_at_s = now_s
        return self._group

    def collecting(self, now_s: float) -> tuple[str, ...]:
        """Return the group that is not complete yet, or nothing."""
        until_s = min(self._last_at_s + QUIET_S, self._opened_at_s + LONGEST_S)
        return (self._group,) if self._group and self._opened_at_s <= now_s < until_s else ()
