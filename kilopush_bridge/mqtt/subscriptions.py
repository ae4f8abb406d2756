"""Which filters to subscribe to, and which copy of a message counts.

A broker may send one message several times to a client whose filters overlap. Two pure decisions
make sure that it reaches each rule once:

1. A filter that another one covers is not subscribed.
2. Each topic belongs to the first subscribed filter that matches it. With MQTT 5 every copy says
   which subscription it is for (subscription identifiers, 3.8.2.1.2); copies of other filters than
   the topic's own are dropped. MQTT 3.1.1 cannot tell copies apart: partial overlaps are reported
   by `kilopush-bridge check`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kilopush_bridge.topics import covers, matches, overlaps

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

TOPICS_MAX = 20_000  # remembered owners; see ROUTES_MAX


def minimal_cover(filters: Iterable[str]) -> list[str]:
    """Return the filters that no other one covers, each once, in order."""
    unique = list(dict.fromkeys(filters))
    kept = [wide for wide in unique if "+" in wide or "#" in wide]
    return [
        narrow
        for narrow in unique
        if not any(wide != narrow and covers(wide, narrow) for wide in kept)
    ]


def partial_overlaps(filters: Iterable[str]) -> list[tuple[str, str]]:
    """Return the pairs that MQTT 3.1.1 may deliver twice: some topic matches both."""
    cover = minimal_cover(filters)
    wild = [one for one in cover if "+" in one or "#" in one]
    return [
        (one, other)
        for at, one in enumerate(wild)
        for other in wild[at + 1 :]
        if overlaps(one, other)
    ]


class Subscriptions:
    """The subscriptions of one connection.

    Their identifiers are their positions, from 1. Without overlaps there is nothing to tell apart,
    and identifiers are not asked for: paho takes longer to decode one than the rules to look at a
    message.
    """

    def __init__(self, filters: Iterable[str], refused: Collection[str] = ()) -> None:
        self.filters: Sequence[str] = minimal_cover(one for one in filters if one not in refused)
        self.has_overlaps = bool(partial_overlaps(self.filters))
        self._owners: dict[str, int] = {}

    def is_ours(self, topic: str, identifiers: Sequence[int]) -> bool:
        """Return whether this copy of a message is the one that counts.

        `identifiers` are those of the copy; without any (MQTT 3.1.1, or a broker that has none)
        every copy counts.
        """
        if not self.has_overlaps or not identifiers:
            return True
        owner = self._owners.get(topic)
        if owner is None:
            if len(self._owners) >= TOPICS_MAX:
                self._owners.clear()
            owner = self._owners[topic] = self._owner(topic)
        return owner == 0 or owner in identifiers

    def _owner(self, topic: str) -> int:
        return next((at for at, one in enumerate(self.filters, 1) if matches(one, topic)), 0)
