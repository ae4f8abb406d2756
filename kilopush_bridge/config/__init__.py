"""The configuration file: read, checked, resolved."""

from kilopush_bridge.config.config import Broker, Channel, Config, Grant
from kilopush_bridge.config.costs import Cost, worth_saying
from kilopush_bridge.config.load import load_config
from kilopush_bridge.config.people import expand_names
from kilopush_bridge.config.problems import did_you_mean
from kilopush_bridge.config.schema import json_schema
from kilopush_bridge.config.settings import default_state
from kilopush_bridge.config.watched import fingerprint

__all__ = [
    "Broker",
    "Channel",
    "Config",
    "Cost",
    "Grant",
    "default_state",
    "did_you_mean",
    "expand_names",
    "fingerprint",
    "json_schema",
    "load_config",
    "worth_saying",
]
