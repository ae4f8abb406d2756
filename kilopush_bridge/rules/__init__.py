"""From received messages to alerts."""

from kilopush_bridge.rules.engine import Engine
from kilopush_bridge.rules.rule import ENGINE_NAMES, MESSAGE_NAMES, Limit, Retained, Rule
from kilopush_bridge.rules.succession import fires_alike, is_same, possible

__all__ = [
    "ENGINE_NAMES",
    "MESSAGE_NAMES",
    "Engine",
    "Limit",
    "Retained",
    "Rule",
    "fires_alike",
    "is_same",
    "possible",
]
