"""What the emulated KILO.Push is like: who exists, who is blocked, and how it counts.

A world is a value. To change it while the emulator runs, put another one in its place:
`emulator.world = replace(emulator.world, per_day=5)`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Literal
from zoneinfo import ZoneInfo

# Source: KILO.Push API document, "Limits": at most 300 messages a day from each channel.
PER_DAY = 300
# Source: the same: notification text and links, no more than 1000 characters.
TEXT_LIMIT = 1000

Day = Literal["calendar", "rolling"]
CountUnit = Literal["utf16", "code_points"]
CountUrl = Literal["together", "apart"]


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Everything that decides a reply, apart from the request, its time and what was sent before.

    By default every well-formed channel, secret and user token is accepted, and what the API
    document leaves open is read in the way that refuses most. Tokens do not show in the `repr`.

    Attributes:
        per_day: messages that a channel may send in a day; None for verified channels.
        day: "calendar" (a date in `zone`) or "rolling" (the last 24 hours).
        zone: IANA name of the zone whose midnight starts a calendar day.
        count_refused: whether messages refused with 4023, 4024 or 4029 use up the quota too.
        text_limit: longest text, in what `count_in` counts.
        count_in: "utf16" units (an emoji is 2) or "code_points".
        count_url: whether the limit holds for text and url "together" or for each "apart".
        channels: channel token -> its secret; None accepts any pair.
        users: user tokens that exist; None means all of them.
        blocked: user and channel tokens that are blocked.
        blacklist: (user token, channel token) of users who do not want that channel.

    Raises:
        ValueError: the zone is unknown, or a number is negative.
    """

    per_day: int | None = PER_DAY
    day: Day = "calendar"
    zone: str = "UTC"
    count_refused: bool = False
    text_limit: int = TEXT_LIMIT
    count_in: CountUnit = "utf16"
    count_url: CountUrl = "together"
    channels: Mapping[str, str] | None = field(default=None, repr=False)
    users: frozenset[str] | None = field(default=None, repr=False)
    blocked: frozenset[str] = field(default=frozenset(), repr=False)
    blacklist: frozenset[tuple[str, str]] = field(default=frozenset(), repr=False)

    def __post_init__(self) -> None:
        find_zone(self.zone)
        if min(self.per_day or 0, self.text_limit) < 0:
            raise ValueError("per_day and text_limit cannot be negative")


def find_zone(name: str) -> tzinfo:
    """Return the time zone of that IANA name.

    Raises:
        ValueError: there is no such zone.
    """
    if name == "UTC":  # must work where no zone database is installed
        return UTC
    try:
        return ZoneInfo(name)
    # A name that is a folder of the database, as "Europe", is an OSError.
    except (KeyError, ValueError, OSError) as error:
        raise ValueError(f"unknown time zone {name!r}; use a name like Europe/Berlin") from error
