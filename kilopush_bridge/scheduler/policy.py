"""What the owner decided about the quota: budgets, quiet hours, times of digests."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kilopush_bridge.core.budget import Limits
from kilopush_bridge.hours import moments_within, next_of
from kilopush_bridge.model import HoldKind, Priority
from kilopush_bridge.scheduler.pauses import is_waiting

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import time, tzinfo

    from kilopush_bridge.config import Config
    from kilopush_bridge.hours import Quiet
    from kilopush_bridge.model import Hold


# While a channel is held by one of these, it takes nothing over.
HELD_AWAY = (HoldKind.FORBIDDEN, HoldKind.BLOCKED, HoldKind.QUOTA_CRITICAL)


@dataclass(frozen=True, slots=True)
class ChannelPolicy:
    """What one channel may send, and to how many people its digests go."""

    limits: Limits = field(default_factory=Limits)
    critical_channel: str | None = None  # takes over criticals that the quota refuses
    people: int = 1


@dataclass(frozen=True, slots=True)
class Policy:
    """What holds for all channels, and each one's own. `warned` get the warnings of the budget."""

    channels: Mapping[str, ChannelPolicy]
    warned: tuple[str, ...] = ()
    quiet: Quiet | None = None
    digest_at: Sequence[time] = ()
    zone: tzinfo | None = None

    def waits_for_its_time(self, priority: Priority, now_s: float) -> bool:
        """Return whether an alert waits for the next digest that has its time of the day."""
        return priority is Priority.DIGEST or (
            self.quiet is not None and self.quiet.holds(priority, now_s, self.zone)
        )

    def is_silent(self, priority: Priority, now_s: float) -> bool:
        """Return whether a digest of that priority may make no sound now."""
        return self.quiet is not None and self.quiet.holds(priority, now_s, self.zone)

    def next_digest_s(self, now_s: float) -> float:
        """Return when the next digest has its time; now, if there are no such times."""
        return next_of(self.digest_at, now_s, self.zone) if self.digest_at else now_s

    def digests_until(self, now_s: float, until_s: float) -> list[float]:
        """Return when digests have their time after `now_s`, up to `until_s`."""
        return moments_within(self.digest_at, now_s, until_s, self.zone)


def taker_of(
    policy: Policy, holds: Collection[Hold], channel: str, person: str, now_s: float
) -> str | None:
    """Return which channel can take over a critical that the quota of `channel` refuses."""
    own = policy.channels.get(channel)
    taker = None if own is None else own.critical_channel
    is_held = any(
        hold.channel == taker
        and hold.person in ("", person)
        and hold.kind in HELD_AWAY
        and is_waiting(hold, now_s)
        for hold in holds
    )
    return None if is_held else taker


def policy_of(config: Config) -> Policy:
    """Return what a configuration says."""
    return Policy(
        channels={
            name: ChannelPolicy(
                channel.limits, channel.critical_channel, max(1, len(config.audience(name)))
            )
            for name, channel in config.channels.items()
        },
        warned=config.default_to or tuple(config.people),
        quiet=config.quiet,
        digest_at=config.digest_at,
        zone=config.zone,
    )
