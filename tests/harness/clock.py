"""The API's clock. The bridge follows it, so whoever sets it forward lets hours pass in no time."""

from __future__ import annotations

import time
from datetime import datetime


class Clock:
    """Unix time that can be set forward; `now` is an ISO time to begin at, else the real one.

    The bridge learns of a jump from the next reply: let something be sent after it.
    """

    def __init__(self, now: str | None = None) -> None:
        self._ahead_s = datetime.fromisoformat(now).timestamp() - time.time() if now else 0.0

    def __call__(self) -> float:
        return time.time() + self._ahead_s

    def jump(self, *, hours: float = 0, minutes: float = 0) -> None:
        """Let time pass."""
        self._ahead_s += 3600 * hours + 60 * minutes
