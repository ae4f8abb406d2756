"""Who may use the embedded broker: whoever knows the one user name and password."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from amqtt.plugins.base import BaseAuthPlugin

if TYPE_CHECKING:
    from amqtt.session import Session


class OneUser(BaseAuthPlugin):  # type: ignore[misc]  # amqtt ships no types
    """Compare both, in constant time."""

    async def authenticate(self, *, session: Session) -> bool:
        """Return whether the client named the configured user and password."""
        given = f"{session.username}\0{session.password}".encode()
        wanted = f"{self.config.username}\0{self.config.password}".encode()
        return hmac.compare_digest(given, wanted)

    @dataclass
    class Config:
        """What the plugin is given by `EmbeddedBroker`."""

        username: str = ""
        password: str = field(default="", repr=False)
