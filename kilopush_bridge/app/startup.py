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
from kilopush_bridge.outbox.firing import drop_rules_except, load_firing
from kilopush_bridge.outbox.holds import clear_holds, load_holds
from kilopush_bridge.outbox.upkeep import bury_unreachable, return_unfinished

if TYPE_CHECKING:
    import sqlite3

    from kilopush_bridge.config import Config

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Inheritance:
    """What a run needs of the ones before it."""

    client_id: str
    filters: tuple[str, ...]  # what the session at the broker is subscribed to
    firing: dict[str, dict[str, Episode]]


def take_over(connection: sqlite3.Connection, config: Config, now_s: float) -> Inheritance:
    """Return what earlier runs left, after bringing it in line with the configuration."""
    if unfinished := return_unfinished(connection, now_s):
        log.warning("%d deliveries were on the way at the last stop; sent again", unfinished)
    if buried := bury_unreachable(connection, config.channels, config.people, now_s):
        log.warning("%d deliveries wait for a person or channel that is gone: see `queue`", buried)
    drop_rules_except(connection, [rule.name for rule in config.rules])
    for name, channel in config.channels.items():
        release_new_secret(connection, name, channel.secret)
    return Inheritance(
        client_id=config.broker.client_id or _own_client_id(connection),
        filters=tuple(json.loads(fact(connection, "filters") or "[]")),
        firing=load_firing(connection),
    )


def release_new_secret(connection: sqlite3.Connection, channel: str, secret: str) -> None:
    """Release a channel that was refused (4003) when its secret has changed.

    Only a fingerprint is kept; a random secret of 64 characters cannot be found from it.
    """
    name, fingerprint = f"secret:{channel}", hashlib.sha256(secret.encode()).hexdigest()
    known = fact(connection, name)
    if known is not None and known != fingerprint:
        holds = [hold for hold in load_holds(connection) if hold.channel == channel]
        clear_holds(connection, [hold for hold in holds if hold.kind is HoldKind.FORBIDDEN])
    remember(connection, name, fingerprint)


def _own_client_id(connection: sqlite3.Connection) -> str:
    """Return the random client id that the session at the broker is kept under."""
    client_id = fact(connection, "client_id")
    if client_id is None:
        client_id = f"kilopush-{secrets.token_hex(6)}"
        remember(connection, "client_id", client_id)
    return client_id
