"""The configuration as the daemon uses it: checked, resolved, compiled."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time
from typing import TYPE_CHECKING

from kilopush_bridge.core.budget import Limits
from kilopush_bridge.model import Priority

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import tzinfo
    from pathlib import Path

    from kilopush_bridge.errors import Problem
    from kilopush_bridge.hours import Quiet
    from kilopush_bridge.rules import Rule

DIGEST_AT = (time(7), time(19))


@dataclass(frozen=True, slots=True)
class Broker:
    """How to reach the broker. `url` never holds a user name or password."""

    scheme: str  # mqtt, mqtts, ws, wss or embedded
    host: str
    port: int
    path: str = ""  # of a WebSocket
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    cert_file: str | None = None
    key_file: str | None = None
    client_id: str | None = None
    topic_prefix: str = "kilopush"

    @property
    def url(self) -> str:
        """The address as logs show it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    @property
    def is_tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.scheme in ("mqtts", "wss")


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of KILO.Push."""

    token: str = field(repr=False)
    secret: str = field(repr=False)
    limits: Limits = field(default_factory=Limits)
    critical_channel: str | None = None  # where a critical goes that this one may not send


@dataclass(frozen=True, slots=True)
class Grant:
    """What one sender may ask for; by default, what everybody may."""

    priority: Priority = Priority.HIGH  # the highest
    per_hour: int = 60


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that a file says."""

    file: str
    broker: Broker
    channels: Mapping[str, Channel]
    people: Mapping[str, str] = field(repr=False)  # user tokens by name
    groups: Mapping[str, tuple[str, ...]]  # people by name of person or group
    default_to: tuple[str, ...]
    default_channel: str
    rules: tuple[Rule, ...]
    state: Path
    api_url: str
    log_level: str = "info"
    log_format: str = "text"
    zone: tzinfo | None = None
    quiet: Quiet | None = None  # None: never
    digest_at: tuple[time, ...] = DIGEST_AT  # in order of the day
    grants: Mapping[str, Grant] = field(default_factory=dict)  # by name of sender
    warnings: tuple[Problem, ...] = ()

    def audience(self, channel: str) -> frozenset[str]:
        """Return the people who get alerts on a channel; a digest to all of them costs one each.

        Whom requests may add is not known before they come: those who get them by default count,
        and so do those whose alarms it takes over.
        """
        helped = {name for name, one in self.channels.items() if one.critical_channel == channel}
        names = {channel, *helped}
        people = {person for rule in self.rules if rule.channel in names for person in rule.to}
        if self.default_channel in names:
            people.update(self.default_to)
        return frozenset(people)
