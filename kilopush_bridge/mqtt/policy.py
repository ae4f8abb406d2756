"""When to connect again, and with which protocol: pure decisions about a broken connection."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import IntEnum

from kilopush_bridge.times import MINUTE_S

RETRY_MAX_S = 60.0
REFUSED_RETRY_S = 30.0  # a broker that said no says it again; asking less often keeps its log clean
TAKEOVER_WAIT_S = 5 * MINUTE_S
TAKEOVERS = 2
# MQTT 3.1.1 closes without a word. Only a connection that ends young, again and again, while the
# broker answers at once, looks like another client with our name; a broker that restarts does too,
# which is why it takes more of them.
SILENT_ENDS = 4


class Protocol(IntEnum):
    """The versions of MQTT that the bridge speaks; the numbers are those of CONNECT."""

    MQTT_3_1_1 = 4
    MQTT_5 = 5

    @property
    def label(self) -> str:
        """The name in logs."""
        return "MQTT 5" if self is Protocol.MQTT_5 else "MQTT 3.1.1"


@dataclass(frozen=True, slots=True)
class Ended:
    """How a connection, or the attempt to make one, ended."""

    why: str
    was_connected: bool = False
    is_refusal: bool = False
    is_takeover: bool = False  # the broker said so (MQTT 5 only)
    is_silent: bool = False  # the broker closed without a word
    wrong_protocol: bool = False


@dataclass(slots=True)
class Reconnect:
    """Remember how connections ended; answer how long to wait and what to speak next."""

    protocol: Protocol = Protocol.MQTT_5
    attempt: int = 0
    _takeovers: deque[float] = field(default_factory=deque)
    _silent_ends: deque[float] = field(default_factory=deque)

    def connected(self) -> None:
        """Note that the broker accepted us."""
        self.attempt = 0

    def wait_s(self, ended: Ended, now_s: float, jitter: float) -> float:
        """Return how long to wait; `jitter` is a random number between 0 and 1.

        Full jitter after the cap: bridges that lost the same broker do not come back together.
        """
        if ended.wrong_protocol:
            # in turn, because a broker that is still starting behaves like one that is too old
            was_new = self.protocol is Protocol.MQTT_5
            self.protocol = Protocol.MQTT_3_1_1 if was_new else Protocol.MQTT_5
            if was_new:
                return 0.0
        if self.is_taken_over(ended, now_s):
            return float(TAKEOVER_WAIT_S)
        self.attempt += 1
        if ended.is_refusal:
            return REFUSED_RETRY_S * (0.5 + jitter / 2)
        return jitter * min(RETRY_MAX_S, 2.0 ** min(self.attempt, 10))

    def is_taken_over(self, ended: Ended, now_s: float) -> bool:
        """Return whether another client keeps taking our client id."""
        for times, happened, enough in (
            (self._takeovers, ended.is_takeover, TAKEOVERS),
            (self._silent_ends, ended.is_silent and ended.was_connected, SILENT_ENDS),
        ):
            if not happened:
                continue
            times.append(now_s)
            while times and times[0] < now_s - MINUTE_S:
                times.popleft()
            if len(times) >= enough:
                times.clear()
                return True
        return False
