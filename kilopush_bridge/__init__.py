"""kilopush-bridge: MQTT in, KILO.Push alerts out."""

__version__ = "0.1.0"
