"""What others ask for below the bridge's own prefix; everything else there is our own echo."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from kilopush_bridge.app.commands import parse_command, perform
from kilopush_bridge.app.requests import RequestError, Senders
from kilopush_bridge.config import Grant
from kilopush_bridge.model import Priority

if TYPE_CHECKING:
    from collections.abc import Sequence

    from kilopush_bridge.config import Config
    from kilopush_bridge.model import Message, Received
    from kilopush_bridge.rules import Engine
    from kilopush_bridge.rules.engine import Result

log = logging.getLogger(__name__)

COMMANDS = ("send", "ack", "snooze")

Asked = tuple["Sequence[Result | Message]", str | None]  # what it causes, its id
_NOTHING: Asked = ((), None)


class OwnTopics:
    """Requests and commands of other programs, as far as their grants go."""

    def __init__(self, config: Config) -> None:
        self._prefix = config.broker.topic_prefix
        self._grants = config.grants
        self._senders = Senders(config)
        self.refused = 0

    def use(self, config: Config) -> None:
        """Go on with another configuration; the prefix stays."""
        self._grants = config.grants
        self._senders.use(config)

    def holds(self, topic: str) -> bool:
        """Return whether a topic is below the own prefix."""
        return topic == self._prefix or topic.startswith(f"{self._prefix}/")

    def take(self, received: Received, engine: Engine, now_s: float) -> Asked:
        """Return what a message asks for; what is refused is logged and counted."""
        word, _, sender = received.topic[len(self._prefix) + 1 :].partition("/")
        if word not in COMMANDS or not received.payload:
            return _NOTHING
        sender = sender or "anybody"
        try:
            if word == "send":
                message = self._senders.message(sender, received, now_s)
                return [message], message.request_id
            return self._obey(word, sender, received, engine, now_s), None
        except RequestError as error:
            self.refused += 1
            log.warning(
                "request from `%s` refused: %s",
                sender,
                error,
                extra={"action": "refused", "sender": sender},
            )
            return _NOTHING

    def _obey(
        self, word: str, sender: str, received: Received, engine: Engine, now_s: float
    ) -> list[Result]:
        command = parse_command(word, received, now_s)
        may_silence = self._grants.get(sender, Grant()).priority is Priority.CRITICAL
        return perform(engine, command, now_s, may_silence_criticals=may_silence)
