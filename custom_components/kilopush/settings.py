"""What a config entry says, as values: who there is, and what may be sent."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time as time_of_day
from typing import TYPE_CHECKING, Any

from homeassistant.util import dt as dt_util

from .const import (
    CONF_BRIDGE_NAME,
    CONF_DAILY_LIMIT,
    CONF_DIGEST_AT,
    CONF_DIGESTS,
    CONF_KEEP_FOR_CRITICAL,
    CONF_OTHER_SENDERS,
    CONF_SHARE,
    CONF_SILENT,
    CONF_UNLIMITED,
    CONF_USER_TOKEN,
    DEFAULT_DIGEST_AT,
    SUBENTRY_RECIPIENT,
)
from .core import budget
from .outbox.ledger import shared_limits
from .outbox.model import Policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from homeassistant.config_entries import ConfigEntry


@dataclass(frozen=True, slots=True)
class Recipient:
    """A person who gets messages."""

    id: str
    name: str
    user_token: str
    silent: bool
    bridge_name: str | None


def recipients_of(entry: ConfigEntry) -> dict[str, Recipient]:
    """Return the recipients of an entry, by the id of their subentry."""
    return {
        subentry_id: Recipient(
            subentry_id,
            subentry.title,
            subentry.data[CONF_USER_TOKEN],
            subentry.data.get(CONF_SILENT, False),
            subentry.data.get(CONF_BRIDGE_NAME),
        )
        for subentry_id, subentry in entry.subentries.items()
        if subentry.subentry_type == SUBENTRY_RECIPIENT
    }


def limits_of(options: Mapping[str, Any], people: int) -> budget.Limits:
    """Return what a channel may send by its options."""
    limits = budget.Limits(
        None if options.get(CONF_UNLIMITED) else options.get(CONF_DAILY_LIMIT, budget.PER_DAY),
        options.get(CONF_KEEP_FOR_CRITICAL, budget.KEEP_FOR_CRITICAL),
        options.get(CONF_OTHER_SENDERS, budget.OTHER_SENDERS),
        options.get(CONF_DIGESTS, budget.DIGESTS),
    )
    share = options.get(CONF_SHARE)
    if share is None or limits.per_day is None:
        return limits
    return shared_limits(limits, share, people)


def policy_of(entry: ConfigEntry) -> Policy:
    """Return what the owner decided."""
    people = max(1, len(recipients_of(entry)))
    times = entry.options.get(CONF_DIGEST_AT, DEFAULT_DIGEST_AT)
    return Policy(
        limits=limits_of(entry.options, people),
        people=people,
        is_share=entry.options.get(CONF_SHARE) is not None,
        digest_at=tuple(time_of_day.fromisoformat(one) for one in times),
        zone=dt_util.get_default_time_zone(),
    )
