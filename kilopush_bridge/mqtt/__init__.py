"""The MQTT edge: the only package that imports paho's client."""

from kilopush_bridge.mqtt.session import Session
from kilopush_bridge.mqtt.subscriptions import partial_overlaps

__all__ = ["Session", "partial_overlaps"]
