"""Which filters to subscribe to, and which copy of a message counts.

A broker may send one message several times to a client whose filters overlap. Two pure decisions
make sure that it reaches each rule once:

1. A filter that another one covers is not subscribed.
2. Each topic belongs to the first subscribed filter that matches it. With MQTT 5 every copy says
   which subscription it is for (subscription identifiers, 3.8.2.1.2); copies of other filters than
   the topic's own are dropped. MQTT 3.1.1 cannot tell copies apart: partial overlaps are reported
   by `kilopush-bridge check`.

A broker that queued messages while we were away sends the copies, and the identifiers, of the
subscriptions of that time. So an identifier is made of its filter's text and means the same in
every run, a filter that was subscribed before is asked before a new one, and a copy for filters
that nobody knows any more counts: dropping it could drop the only one.
"""

from __future__ import annotations

from hashlib import blake2s
from typing import TYPE_CHECKING

from kilopush_bridge.topics import covers, matches, overlaps

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

IDENTIFIER_MAX = 0xFFF_FFFF  # what four bytes of a variable byte integer hold
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


def identifier_of(topic_filter: str) -> int:
    """Return the subscription identifier of a filter, the same in every run.

    1 to 268,435,455 (MQTT 5, 3.8.2.1.2). Should two filters ever share one, both copies count.
    """
    digest = blake2s(topic_filter.encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") % IDENTIFIER_MAX + 1


class Subscriptions:
    """The subscriptions of one connection; those that were `known` before come first.

    Those in `kept` are subscribed still, though another one covers them now.

    Without overlaps there is nothing to tell apart, and identifiers are not asked for: paho takes
    longer to decode one than the rules to look at a message.
    """

    def __init__(
        self,
        filters: Iterable[str],
        refused: Collection[str] = (),
        known: Sequence[str] = (),
        kept: Collection[str] = (),
    ) -> None:
        cover = minimal_cover(one for one in filters if one not in refused)
        old = [one for one in known if one in cover or one in kept]
        self.filters: Sequence[str] = [*old, *(one for one in cover if one not in old)]
        self.has_overlaps = bool(kept) or bool(partial_overlaps(self.filters))
        self._identifiers = {identifier_of(one) for one in self.filters}
        self._owners: dict[str, int] = {}

    def is_ours(self, topic: str, identifiers: Sequence[int]) -> bool:
        """Return whether this copy of a message is the one that counts.

        `identifiers` are those of the copy; without any (MQTT 3.1.1, or a broker that has none),
        or with unknown ones only, every copy counts.
        """
        if not self.has_overlaps or self._identifiers.isdisjoint(identifiers):
            return True
        owner = self._owners.get(topic)
        if owner is None:
            if len(self._owners) >= TOPICS_MAX:
                self._owners.clear()
            owner = self._owners[topic] = self._owner(topic)
        return owner == 0 or owner in identifiers

    def _owner(self, topic: str) -> int:
        return next((identifier_of(one) for one in self.filters if matches(one, topic)), 0)
