"""Faults on request: what a network or a server does to a client on a bad day.

A fault is taken by one request, or by every request until it is cleared. They wait in order.
"""

from collections import deque
from dataclasses import dataclass
from typing import Literal, get_args

FaultKind = Literal[
    "500",  # HTTP 500; the message is not accepted
    "drop",  # accepted, then the connection closes without a reply
    "drop_before",  # the connection closes before the body is read
    "slow",  # the usual reply, after `delay_s`
    "silent",  # accepted, then no reply until the client gives up
    "garbage",  # accepted, then bytes that are not HTTP
    "garbage_body",  # accepted, then HTTP 200 with a body that is not JSON
    "reset",  # the request is read, not accepted, and the connection reset (TCP RST)
]

# The message reaches the phone, whatever its sender gets to see.
_ACCEPTING = {"drop", "slow", "silent", "garbage", "garbage_body"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One way in which a request goes wrong.

    Raises:
        ValueError: there is no such kind, or the delay is negative.
    """

    kind: FaultKind
    delay_s: float = 0.0

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"unknown fault; use one of {', '.join(get_args(FaultKind))}")
        if not self.delay_s >= 0:  # catches NaN, too
            raise ValueError("delay_s cannot be negative")

    @property
    def accepts(self) -> bool:
        """Whether the message counts as delivered if there is nothing wrong with it."""
        return self.kind in _ACCEPTING


class FaultQueue:
    """Faults that wait for a request, first in, first out."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Fault, int | None]] = deque()

    def add(self, fault: Fault, times: int | None) -> None:
        """Give that fault to so many requests after the ones before it; None is until cleared.

        Raises:
            ValueError: `times` is less than 1.
        """
        if times is not None and times < 1:
            raise ValueError("times must be at least 1, or null for until cleared")
        self._waiting.append((fault, times))

    def take(self) -> Fault | None:
        """Return the fault of the request that is coming in, None if all is well."""
        if not self._waiting:
            return None
        fault, times = self._waiting[0]
        if times is not None:
            self._waiting.popleft()
            if times > 1:
                self._waiting.appendleft((fault, times - 1))
        return fault

    def clear(self) -> None:
        """Forget all of them."""
        self._waiting.clear()

    def waiting(self) -> list[tuple[Fault, int | None]]:
        """Return what waits, in order, with how many requests each is still for."""
        return list(self._waiting)
