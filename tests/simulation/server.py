"""KILO.Push as the emulator judges it, and what it and the promises say of each POST."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kilopush_bridge.core.budget import WINDOW_S
from kilopush_bridge.emulator.policy import count_today
from kilopush_bridge.emulator.world import World

if TYPE_CHECKING:
    import random

    from simulation.house import Week


@dataclass(slots=True)
class Server:
    """Counts what was sent from one channel; `post` returns whether there was room."""

    week: Week
    sent_at_s: list[float] = field(default_factory=list)
    written_criticals_at_s: list[float] = field(default_factory=list)
    foreign: int = 0  # of `week.foreign_at_s`, how many are over
    _world: World = field(init=False)

    def __post_init__(self) -> None:
        self._world = World(
            per_day=self.week.limits.per_day,
            day=self.week.server_day,  # type: ignore[arg-type]
            zone=self.week.server_zone,
        )

    def post(self, now_s: float) -> bool:
        """Count a message if it is within the quota."""
        self._let_others_post(now_s)
        return self._count(now_s)

    def _let_others_post(self, now_s: float) -> None:
        foreign_at_s = self.week.foreign_at_s
        while self.foreign < len(foreign_at_s) and foreign_at_s[self.foreign] <= now_s:
            self._count(foreign_at_s[self.foreign])
            self.foreign += 1

    def _count(self, now_s: float) -> bool:
        day = self.sent_at_s[bisect_right(self.sent_at_s, now_s - 2 * 86400) :]
        has_room = count_today(self._world, day, now_s) < (self._world.per_day or 0)
        if has_room:
            self.sent_at_s.append(now_s)
        return has_room

    def is_promised(self, now_s: float) -> bool:
        """Return whether G1 and G3 promise room: the criticals and the others are within theirs."""
        limits, begin_s = self.week.limits, now_s - WINDOW_S
        criticals = sum(at_s > begin_s for at_s in self.written_criticals_at_s)
        others = sum(begin_s < at_s <= now_s for at_s in self.week.foreign_at_s)
        return criticals <= limits.keep_for_critical and others <= limits.other_senders


def fate(week: Week, now_s: float, rng: random.Random) -> str:
    """Return what the network does to a request: `""`, `down`, `lost` or `500`."""
    for trouble in week.network:
        if trouble.begin_s <= now_s < trouble.end_s and rng.random() < trouble.share:
            return trouble.kind
    return ""
