"""When which key of which rule is due: a heap, without a task or a thread for any of them.

Entries are never searched for. One that has become wrong is dropped when it comes up, and put back
if its time has only become later; so a message that moves a timer on costs nothing here.
"""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

# Beside those that count there may be as many that do not, and a few.
_SPARE = 1_000


class Timers:
    """Due times of `(rule, key)`; the same may be in it several times."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, str, str]] = []
        self._most = _SPARE

    @property
    def entries(self) -> Iterable[tuple[float, str, str]]:
        """What is in it, in no order."""
        return tuple(self._heap)

    @property
    def next_s(self) -> float | None:
        """When to look at the earliest."""
        return self._heap[0][0] if self._heap else None

    def add(self, due_at_s: float, rule: str, key: str) -> None:
        """Look at a key at Unix time `due_at_s`."""
        heapq.heappush(self._heap, (due_at_s, rule, key))

    def due(self, now_s: float) -> Iterator[tuple[str, str]]:
        """Take out, one after the other, what is to be looked at now."""
        while self._heap and self._heap[0][0] <= now_s:
            _, rule, key = heapq.heappop(self._heap)
            yield rule, key

    def shift(self, by_s: float) -> None:
        """Let every time be later by so much; their order stays."""
        self._heap = [(due_at_s + by_s, rule, key) for due_at_s, rule, key in self._heap]

    @property
    def is_littered(self) -> bool:
        """Whether there may be more entries that count for nothing than others."""
        return len(self._heap) > self._most

    def replace(self, entries: Iterable[tuple[float, str, str]]) -> None:
        """Begin again with these."""
        self._heap = list(entries)
        self._most = 2 * len(self._heap) + _SPARE
        heapq.heapify(self._heap)
