"""What a first configuration is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from kilopush_bridge.config import Broker
    from kilopush_bridge.setup.devices import Kind

CHANNEL = "home"
EVERYONE = "everyone"  # the group of all people, if there are several


class Keep(Enum):
    """Where the secrets are kept."""

    FILE = "file"  # secrets.yaml beside the configuration
    ENVIRONMENT = "environment"  # whoever starts the bridge sets variables
    INLINE = "inline"  # in the configuration itself


@dataclass(frozen=True, slots=True)
class Answers:
    """Every answer, each of them checked."""

    broker: Broker
    token: str = field(repr=False)
    secret: str = field(repr=False)
    people: Mapping[str, str] = field(repr=False)  # user tokens by name
    default_to: tuple[str, ...]
    kinds: tuple[Kind, ...] = ()  # what was heard at the broker
