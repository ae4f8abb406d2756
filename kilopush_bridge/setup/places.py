"""Where a broker may be: a few names that homes use, and never a search through the network."""

from __future__ import annotations

# This machine; containers of one Compose file; Home Assistant's add-on, from inside and outside.
PLACES = (
    "mqtt://localhost:1883",
    "mqtt://mosquitto:1883",
    "mqtt://mqtt:1883",
    "mqtt://core-mosquitto:1883",
    "mqtt://homeassistant.local:1883",
)
