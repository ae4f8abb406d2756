"""What the integration tests stand on: a real broker, real bridge processes, a real HTTP server."""

from harness.bridge import Bridge
from harness.broker import Mosquitto, broker_program, free_port
from harness.clients import Listener, publish, publish_many

__all__ = [
    "Bridge",
    "Listener",
    "Mosquitto",
    "broker_program",
    "free_port",
    "publish",
    "publish_many",
]
