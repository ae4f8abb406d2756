"""Take up what the last run left: one transaction, before anything else."""

from __future__ import annotations

import hashlib
import json
import logging
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from kilopush_bridge.model import Episode, HoldKind
from kilopush_bridge.outbox.facts import fact, remember
from kilopush_bridge.outbox.firing import (
    drop_rules_except,
    load_episodes,
    load_snoozes,
    remember_episode,
    told_since,
)
from kilopush_bridge.outbox.holds import clear_holds, drop_holds_except, load_holds
from kilopush_bridge.outbox.upkeep import bury_unreachable, return_unfinished
from kilopush_bridge.rules import possible

if TYPE_CHECKING:
    import sqlite3

    from kilopush_bridge.config import Config

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What a run needs of the ones before it."""

    client_id: str
    filters: tuple[str, ...]  # what the session at the broker is subscribed to
    episodes: dict[str, dict[str, Episode]]  # what rules remember, by rule and key
    snoozes: dict[str, float]
    told_at_s: dict[str, list[float]]  # alarms of rules with a `limit`
    connected_until_s: float | None  # when something could be heard last


def take_over(connection: sqlite3.Connection, config: Config, now_s: float) -> Inheritance:
    """Return what earlier runs left, after bringing it in line with the configuration."""
    if unfinished := return_unfinished(connection, now_s):
        log.warning("%d deliveries were on the way at the last stop; sent again", unfinished)
    bring_in_line(connection, config, now_s)
    episodes, gone = possible(config.rules, load_episodes(connection), now_s)
    for mark in gone:
        remember_episode(connection, mark)
    return Inheritance(
        client_id=config.broker.client_id or _own_client_id(connection),
        filters=tuple(json.loads(fact(connection, "filters") or "[]")),
        episodes=episodes,
        snoozes=load_snoozes(connection, now_s),
        told_at_s=told_since(connection, config.rules, now_s),
        connected_until_s=_number(fact(connection, "connected_until_s")),
    )


def bring_in_line(connection: sqlite3.Connection, config: Config, now_s: float) -> None:
    """Drop what the configuration no longer knows, release what it no longer holds."""
    if buried := bury_unreachable(connection, config.channels, config.people, now_s):
        log.warning("%d deliveries wait for a person or channel that is gone: see `queue`", buried)
    drop_rules_except(connection, [rule.name for rule in config.rules])
    drop_holds_except(connection, config.channels, config.people)
    release_changed(connection, config)
    release_where_others_send(connection, config)


def release_changed(connection: sqlite3.Connection, config: Config) -> None:
    """Release what was refused under a token or secret that has changed since.

    A channel with a new secret is no longer forbidden (4003), a person with a new token (the app
    was installed again) no longer blocked (4023).
    """
    channels = {
        name
        for name, one in config.channels.items()
        if _has_changed(connection, f"secret:{name}", one.token + one.secret)
    }
    people = {
        name
        for name, token in config.people.items()
        if _has_changed(connection, f"to:{name}", token)
    }
    clear_holds(
        connection,
        [
            hold
            for hold in load_holds(connection)
            if (hold.kind is HoldKind.FORBIDDEN and hold.channel in channels)
            or (
                hold.kind is HoldKind.BLOCKED
                and (hold.channel in channels or hold.person in people)
            )
        ],
    )


def release_where_others_send(connection: sqlite3.Connection, config: Config) -> None:
    """Release what the quota held where it no longer does: no limit, or another channel helps."""
    free = {
        name
        for name, channel in config.channels.items()
        if channel.limits.per_day is None or channel.critical_channel
    }
    quota = (HoldKind.QUOTA, HoldKind.QUOTA_CRITICAL)
    held = [one for one in load_holds(connection) if one.kind in quota and one.channel in free]
    clear_holds(connection, held)


def _has_changed(connection: sqlite3.Connection, name: str, secret: str) -> bool:
    """Remember a secret by its fingerprint; return whether there was another one before.

    A random text of 40 characters or more cannot be found from its fingerprint.
    """
    fingerprint = hashlib.sha256(secret.encode()).hexdigest()
    known = fact(connection, name)
    remember(connection, name, fingerprint)
    return known is not None and known != fingerprint


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _own_client_id(connection: sqlite3.Connection) -> str:
    """Return the random client id that the session at the broker is kept under."""
    client_id = fact(connection, "client_id")
    if client_id is None:
        client_id = f"kilopush-{secrets.token_hex(6)}"
        remember(connection, "client_id", client_id)
    return client_id
