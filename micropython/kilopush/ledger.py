"""What this board has posted in the last 25 h 10 min, and how late it is at least.

The window of ``core.budget`` in 26 spans: 25 of them last exactly as long as the window, so what
lies 26 spans back is outside of it.

Time here is in seconds since 2024-01-01 UTC, the latest of which the board is sure. It stands while
the board is off or asleep, and moves on when replies of the API name their time. One of any three
may be wrong: so two must agree with what was measured between them, else the middle one of three is
taken. This time can be late, which only keeps messages counted for longer, and is never early. What
was posted since then has no known age, and counts for as long as that takes.
"""

import struct

from micropython import const

from .core import budget

# 1 January 2024 in Unix time: keeps seconds in the small integers of a 32-bit board until 2058.
EPOCH_S = 1704067200

_SPANS = const(26)
_SPAN_S = const(3624)  # budget.WINDOW_S / 25
_SPAN_MAX = const(0xFF)  # posts of a kind in a span: what is more waits to be booked
_NEW_MAX = const(0xFFFF)
_ALARMS = const(16)  # how many past criticals are remembered
_DAY_S = const(86400)
_AGREE_S = const(600)  # the window has so much to spare
_HEAD = "<III6HB"


class Ledger:
    """POSTs that count, by kind and span, and the time.

    Where a POST is counted, each time as a pair of others and criticals:

        _new                 since the last reply that named a time
        _claimed             up to that reply, and up to the one before; booked when it is believed
        _other, _critical    booked: in the span of that time, and gone 26 spans later
        _undated             booked without a known time; once more when the time leaps

    ``limits`` are those of this board: ``per_day`` is its share, None for a verified channel.
    """

    def __init__(self, limits: budget.Limits) -> None:
        self.limits = limits
        self.now_s = 0
        self.is_sure = False  # two replies have agreed in this boot
        # The times that the last two replies named, and what has passed since; 0: none.
        self._claims_s = [0, 0]
        self._claimed = [[0, 0], [0, 0]]
        self._new = [0, 0]
        self._undated = [0, 0]
        self._other = bytearray(_SPANS)
        self._critical = bytearray(_SPANS)
        # Past criticals, the oldest first: (hash of the key, time, whether in this boot).
        self._alarms: "list[tuple[int, int, bool]]" = []

    def pass_s(self, seconds: int) -> None:
        """Let time pass that the board has measured."""
        for index in (0, 1):
            if self._claims_s[index]:
                self._claims_s[index] += seconds
        self._move(self.now_s + seconds)

    def learn(self, unix_s: int) -> int:
        """Take the time that a reply named; return by how many seconds that moved the time on."""
        claim_s, before_s = max(1, unix_s - EPOCH_S), self.now_s
        earlier_s = self._claims_s + ([before_s] if self.is_sure else [])
        if [at_s for at_s in earlier_s if at_s and abs(claim_s - at_s) <= _AGREE_S]:
            self._settle(claim_s)
        else:
            self._doubt(claim_s)
        return max(0, self.now_s - before_s)

    def is_doubted(self) -> bool:
        """Return whether the last reply named a time that no other one has confirmed."""
        return self._claims_s[1] > 0

    def book(self) -> None:
        """Let all that was posted count from now on: a reply came that named no time."""
        posts = self._unbooked()
        if not self.is_sure:  # if the time leaps, these are booked again
            self._undated = _sum(self._undated, posts)
        self._claimed, self._new = [[0, 0], self._book(posts)], [0, 0]

    def count(self, is_critical: bool, posts: int = 1) -> None:
        """Count a POST before it is written; -1 takes it back if it turned out to be free."""
        kind = int(is_critical)
        self._new[kind] = max(0, min(_NEW_MAX, self._new[kind] + posts))

    def usage(self) -> budget.Usage:
        """Return what counts in the window."""
        others, criticals = self._unbooked()
        return budget.Usage(others + sum(self._other), criticals + sum(self._critical))

    def left(self) -> "int | None":
        """Return how many messages of the share are left, criticals included; None: no limit."""
        per_day = self.limits.per_day
        return None if per_day is None else max(0, per_day - self.usage().total())

    def why_not(self, priority: int) -> str:
        """Return why a message of this priority has to wait, ``budget.FITS`` if it need not."""
        return budget.why_not_alone(self.limits, self.usage(), priority, 0, self._tokens())

    def critical_from_s(self, key_hash: int) -> int:
        """Return from when on one more alarm of this key is critical.

        While it is not sure how long the board was off or asleep, that was long enough; but no
        board that is reset again and again spends the quota of the house.
        """
        earlier = [one for one in self._alarms if one[0] == key_hash]
        if not self.is_sure and len(earlier) < budget.CRITICALS_PER_KEY:
            earlier = [one for one in earlier if one[2]]
        return budget.next_critical_s([one[1] for one in earlier], self.now_s)

    def note_critical(self, key_hash: int) -> None:
        """Remember that an alarm of this key was critical now."""
        self._alarms = self._alarms[1 - _ALARMS :] + [(key_hash, self.now_s, True)]

    def pack(self) -> bytes:
        """Return all of it for the store, 77 bytes and 8 for each critical."""
        alarms = [struct.pack("<II", one[0], one[1]) for one in self._alarms]
        pairs = self._claimed[0] + self._claimed[1] + self._new
        head = struct.pack(_HEAD, self.now_s, *self._claims_s, *pairs, len(alarms))
        return head + self._other + self._critical + b"".join(alarms)

    def unpack(self, blob: bytes) -> int:
        """Take over what ``pack`` gave before a reboot; return how many bytes that was."""
        head = struct.unpack_from(_HEAD, blob)
        self.now_s, self._claims_s, alarms = head[0], list(head[1:3]), head[9]
        self._claimed, self._new = [list(head[3:5]), list(head[5:7])], list(head[7:9])
        at = struct.calcsize(_HEAD)
        self._other = bytearray(blob[at : at + _SPANS])
        at += _SPANS
        self._critical = bytearray(blob[at : at + _SPANS])
        at += _SPANS
        end = at + 8 * alarms
        self._alarms = [
            struct.unpack_from("<II", blob, one) + (False,) for one in range(at, end, 8)
        ]
        return end

    def _move(self, now_s: int) -> None:
        """Let it be later: spans that leave the window are empty again."""
        span, last = self.now_s // _SPAN_S, now_s // _SPAN_S
        for number in range(span + 1, min(last, span + _SPANS) + 1):
            self._other[number % _SPANS] = self._critical[number % _SPANS] = 0
        self.now_s = now_s

    def _settle(self, now_s: int) -> None:
        """Be sure of the time: two replies have agreed on it."""
        if now_s < self.now_s:
            self._move_back(now_s)
        self._move(now_s)
        self._claimed = [[0, 0], self._book(self._with_undated(self._unbooked()))]
        self._new, self._claims_s, self.is_sure = [0, 0], [0, 0], True

    def _doubt(self, claim_s: int) -> None:
        """Take a claim that nothing confirms; the middle one of three is not too late a time."""
        oldest = self._claimed[0]
        if self._claims_s[0]:
            self._move(max(self.now_s, sorted(self._claims_s + [claim_s])[1]))
            oldest = self._book(self._with_undated(oldest))
        self._claimed = [_sum(oldest, self._claimed[1]), self._new]
        self._claims_s, self._new = [self._claims_s[1], claim_s], [0, 0]

    def _unbooked(self) -> "list[int]":
        return _sum(_sum(self._claimed[0], self._claimed[1]), self._new)

    def _with_undated(self, posts: "list[int]") -> "list[int]":
        undated, self._undated = self._undated, [0, 0]
        return _sum(posts, undated)

    def _move_back(self, now_s: int) -> None:
        """Let it be earlier than was thought; every entry keeps its age, rounded to younger."""
        span, last = self.now_s // _SPAN_S, now_s // _SPAN_S
        back = (self.now_s - now_s) // _SPAN_S
        other, critical = self._other, self._critical
        self._other, self._critical = bytearray(_SPANS), bytearray(_SPANS)
        for number in range(span + 1 - _SPANS, span + 1):
            at = number % _SPANS
            rest = self._add(min(last, number - back) % _SPANS, [other[at], critical[at]])
            self._claimed[1] = _sum(self._claimed[1], rest)
        self.now_s = now_s

    def _book(self, posts: "list[int]") -> "list[int]":
        """Let posts count from now on; return those for which the span has no room."""
        return self._add(self.now_s // _SPAN_S % _SPANS, posts)

    def _add(self, at: int, posts: "list[int]") -> "list[int]":
        others, criticals = posts[0] + self._other[at], posts[1] + self._critical[at]
        self._other[at], self._critical[at] = min(_SPAN_MAX, others), min(_SPAN_MAX, criticals)
        return [max(0, others - _SPAN_MAX), max(0, criticals - _SPAN_MAX)]

    def _tokens(self) -> float:
        """Return how many messages may go at once: ``budget.tokens_left`` in steps of a span."""
        # In message seconds, so that all are small integers: each float takes memory.
        per_s = budget.cap(self.limits)
        size = tokens = int(budget.bucket_size(self.limits) * _DAY_S)
        span = self.now_s // _SPAN_S
        for number in range(span + 1 - _SPANS, span):
            tokens = max(0, tokens - self._other[number % _SPANS] * _DAY_S)
            tokens = min(size, tokens + _SPAN_S * per_s)
        tokens = min(size, tokens + self.now_s % _SPAN_S * per_s)
        return tokens / _DAY_S - self._other[span % _SPANS] - self._new[0]


def _sum(some: "list[int]", more: "list[int]") -> "list[int]":
    return [some[0] + more[0], some[1] + more[1]]
