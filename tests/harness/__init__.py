"""What the integration tests stand on: a real broker, real bridge processes, a real HTTP server."""

from harness.bridge import Bridge
from harness.broker import Mosquitto, broker_program, free_port
from harness.clients import Listener, post, publish, publish_many
from harness.clock import Clock
from harness.faketime import wrong_clock

__all__ = [
    "Bridge",
    "Clock",
    "Listener",
    "Mosquitto",
    "broker_program",
    "free_port",
    "post",
    "publish",
    "publish_many",
    "wrong_clock",
]
