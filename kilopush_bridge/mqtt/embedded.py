"""A broker inside, for people who have none: `mqtt.url: embedded://127.0.0.1:1883`."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from kilopush_bridge.errors import UsageError

if TYPE_CHECKING:
    from kilopush_bridge.config import Broker


class EmbeddedBroker:
    """amqtt's broker in this process. It keeps sessions and retained messages in memory only."""

    def __init__(self, broker: Broker) -> None:
        self._address = f"{broker.host}:{broker.port}"
        self._username = broker.username
        self._password = broker.password
        self._broker: Any = None

    async def start(self) -> None:
        """Listen.

        Raises:
            UsageError: amqtt is not installed, or the port is taken.
        """
        try:
            from amqtt.broker import Broker as Amqtt  # noqa: PLC0415  (an optional dependency, and slow to import)
            from amqtt.errors import BrokerError  # noqa: PLC0415
        except ImportError as error:
            raise UsageError(
                "an embedded broker needs amqtt: pip install 'kilopush-bridge[embedded]'"
            ) from error
        for noisy in ("amqtt", "transitions", "passlib"):
            logging.getLogger(noisy).setLevel(logging.ERROR)
        self._broker = Amqtt(self._configuration())
        try:
            await self._broker.start()
        except (BrokerError, OSError) as error:
            raise UsageError(
                f"the embedded broker cannot listen on {self._address}: {error}"
            ) from error

    async def stop(self) -> None:
        """Hang up on every client and stop listening."""
        if self._broker is not None:
            await self._broker.shutdown()

    def _configuration(self) -> dict[str, Any]:
        if self._username is None:
            plugin: dict[str, Any] = {
                "amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}
            }
        else:
            secret = {"username": self._username, "password": self._password}
            plugin = {"kilopush_bridge.mqtt.embedded_auth.OneUser": secret}
        return {"listeners": {"default": {"type": "tcp", "bind": self._address}}, "plugins": plugin}
