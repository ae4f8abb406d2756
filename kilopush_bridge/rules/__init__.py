"""From received messages to alerts."""

from kilopush_bridge.rules.engine import Engine
from kilopush_bridge.rules.rule import ENGINE_NAMES, MESSAGE_NAMES, Retained, Rule

__all__ = ["ENGINE_NAMES", "MESSAGE_NAMES", "Engine", "Retained", "Rule"]
