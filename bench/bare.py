"""The yardstick: a paho subscriber that only counts, in paho's own loop.

python -m bench.bare PORT
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.subscribeoptions import SubscribeOptions

from bench.names import END_TOPIC, EVERYTHING, READY_TOPIC, RESULT_TOPIC


def main(port: int) -> None:
    """Say when subscribed; say when the last message came, and how many there were."""
    count = 0

    def on_message(client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        nonlocal count
        count += 1
        if message.topic == END_TOPIC:
            client.publish(RESULT_TOPIC, json.dumps({"ended_at_s": time.time(), "count": count}))

    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=paho.MQTTv5)
    client.on_message = on_message
    client.on_subscribe = lambda client, *_: client.publish(READY_TOPIC, b"online")
    client.connect("127.0.0.1", port)
    client.subscribe(EVERYTHING, options=SubscribeOptions(qos=1))
    client.loop_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]))
