# Generated from kilopush_bridge/core/budget.py by tools/copy_core.py: do not edit.
"""How many messages may still go: the arithmetic behind "the alarm always gets through".

    other + digest + max(keep_for_critical, critical) + other_senders <= per_day

holds after every POST that is admitted here, counted over a rolling window that contains every day
a server may count in. So there is room for `keep_for_critical` criticals, always. Why this is
enough, and what it does not promise, is in docs/quota.md.

Time is an argument; the counts come from whoever keeps the ledger.
"""

_MINUTE_S = 60
_HOUR_S = 60 * _MINUTE_S
_DAY_S = 24 * _HOUR_S

# Which day the API counts is not documented. This contains every calendar day of every zone, the
# 25 hours of a clock change included, and every 24 rolling hours; the ten minutes are for replies
# that take long and for the full seconds of a `Date` header.
WINDOW_S = 25 * _HOUR_S + 10 * _MINUTE_S

# Source: KILO.Push API document, "Limits": at most 300 messages a day from each channel.
PER_DAY = 300
KEEP_FOR_CRITICAL = 60
OTHER_SENDERS = 20
DIGESTS = 12

HIGH = 1
NORMAL = 2
LOW = 3

# How much of the cap each priority may fill, in percent: the rest is for what is more urgent.
_CEILINGS = {HIGH: 100, NORMAL: 80, LOW: 50}
# A burst may use this part of the cap at once, in percent; the rest is spread over the day.
_BURST = 30
# One rule may use less than this part of the cap, in percent: the others have something to say too.
_ONE_RULE = 50

LESSON_S = 96 * _HOUR_S  # how long a refusal (4029) tells something about other senders

CRITICALS_PER_KEY = 4  # in a window; what is more is a flapping sensor, and `high`
CRITICAL_GAP_S = 10 * _MINUTE_S

# Why an alert is not sent by itself.
FITS = ""
FULL = "full"  # the day's messages are used up, apart from what is kept
CEILING = "ceiling"  # what is left is for more urgent ones
PACE = "pace"  # too many at once
ONE_RULE = "one rule"  # this rule has had its share


class Limits:
    """What one channel may send in a window, and what is kept for whom.

    ``per_day`` None means that the channel has no limit (a verified one).
    """

    def __init__(
        self,
        per_day: int | None = PER_DAY,
        keep_for_critical: int = KEEP_FOR_CRITICAL,
        other_senders: int = OTHER_SENDERS,
        digests: int = DIGESTS,
    ) -> None:
        self.per_day = per_day
        self.keep_for_critical = keep_for_critical
        self.other_senders = other_senders
        self.digests = digests


class Usage:
    """POSTs of one channel that count in the window: written, and not known to be free."""

    def __init__(self, other: int = 0, critical: int = 0, digest: int = 0) -> None:
        self.other = other
        self.critical = critical
        self.digest = digest

    def total(self) -> int:
        """Return how many there are of all three kinds."""
        return self.other + self.critical + self.digest


def cap(limits: Limits) -> int:
    """Return how many messages that are neither critical nor a digest may go in a window.

    ``limits`` must have a ``per_day``, here and below where it says so.
    """
    kept = limits.keep_for_critical + limits.other_senders + limits.digests
    return max(0, (limits.per_day or 0) - kept)


def has_room(limits: Limits, usage: Usage, posts: int = 1) -> bool:
    """Return whether ``posts`` more fit beside what is kept. Without a limit, everything fits."""
    if limits.per_day is None:
        return True
    kept = max(limits.keep_for_critical, usage.critical) + limits.other_senders
    return usage.other + usage.digest + kept + posts <= limits.per_day


def why_not_alone(
    limits: Limits, usage: Usage, priority: int, rule_posts: int, tokens: float
) -> str:
    """Return why an alert that is not critical may not be a message of its own, else ``FITS``.

    Args:
        limits: of the channel.
        usage: of the channel.
        priority: ``HIGH``, ``NORMAL`` or ``LOW``; what is even less urgent counts as ``LOW``.
        rule_posts: what the same rule has sent in the window, criticals and digests apart.
        tokens: what ``tokens_left`` says.
    """
    if limits.per_day is None:
        return FITS
    most = cap(limits)
    if usage.other >= most or not has_room(limits, usage):
        return FULL
    ceiling = _CEILINGS[min(priority, LOW)]
    if 100 * usage.other >= ceiling * most:
        return CEILING
    if 100 * rule_posts >= _ONE_RULE * most:
        return ONE_RULE
    # The end of a burst, too, is kept for what is more urgent.
    spare = (100 - ceiling) * bucket_size(limits) / 100
    return FITS if tokens >= min(1 + spare, bucket_size(limits)) else PACE


def bucket_size(limits: Limits) -> float:
    """Return how many messages may go at once after a quiet day. Needs a ``per_day``."""
    return max(1.0, _BURST * cap(limits) / 100)


def tokens_left(limits: Limits, posted_at_s: list[float], now_s: float) -> float:
    """Return how many messages may go at once now. Needs a ``per_day``.

    Args:
        limits: of the channel.
        posted_at_s: when what counts as ``Usage.other`` was posted, oldest first.
        now_s: in the same time.
    """
    size = bucket_size(limits)
    per_s = cap(limits) / _DAY_S
    tokens, at_s = size, now_s - WINDOW_S
    for posted_s in posted_at_s:
        tokens = max(0.0, min(size, tokens + max(0.0, posted_s - at_s) * per_s) - 1)
        at_s = max(at_s, posted_s)
    return min(size, tokens + max(0.0, now_s - at_s) * per_s)


def digest_fits(limits: Limits, usage: Usage, posts: int, slots_kept: int = 0) -> bool:
    """Return whether ``posts`` digests may go beside ``slots_kept`` that are planned."""
    if limits.per_day is None:
        return True
    return usage.digest + posts + slots_kept <= limits.digests and has_room(limits, usage, posts)


def digest_gap_s(limits: Limits, people: int) -> float:
    """Return the time between two digests to so many people that spreads all slots evenly."""
    return people * WINDOW_S / max(1, limits.digests)


def others_seen(limits: Limits, usage: Usage) -> int:
    """Return how many messages other senders must have used, now that the quota is refused."""
    return max(0, (limits.per_day or 0) - usage.total())


def with_lesson(limits: Limits, seen: int) -> Limits:
    """Return the limits that leave room for what other senders were seen to use."""
    others = max(limits.other_senders, seen)
    return Limits(limits.per_day, limits.keep_for_critical, others, limits.digests)


def next_critical_s(earlier_s: list[float], now_s: float) -> float:
    """Return from when on one more alarm of the same key is critical: ``now_s``, or a later time.

    ``earlier_s``: when people were told of earlier ones, in any order. Those of a clock that has
    been set back since are not held against it: in doubt, an alarm is critical.
    """
    recent = sorted([at_s for at_s in earlier_s if now_s - WINDOW_S < at_s <= now_s])
    if not recent:
        return now_s
    next_s = recent[-1] + CRITICAL_GAP_S
    if len(recent) >= CRITICALS_PER_KEY:
        next_s = max(next_s, recent[-CRITICALS_PER_KEY] + WINDOW_S)
    return max(now_s, next_s)
