"""The ceiling: a subscriber that reads bytes and looks at none, so that only the broker limits it.

python -m bench.raw PORT
"""

from __future__ import annotations

import json
import sys
import time

from bench.names import END_TOPIC, EVERYTHING, READY_TOPIC, RESULT_TOPIC
from bench.wire import connect, publish_packet, subscribe_packet

SUBACK_BYTES = 5
READ_BYTES = 1 << 20


def main(port: int) -> None:
    """Say when subscribed; say when the last message came, and how many bytes there were."""
    connection = connect(port, "raw")
    connection.sendall(subscribe_packet(EVERYTHING))
    connection.recv(SUBACK_BYTES)
    connection.sendall(publish_packet(READY_TOPIC, b"online"))
    tail, count = b"", 0
    while END_TOPIC.encode() not in tail:
        data = connection.recv(READ_BYTES)
        count += len(data)
        tail = (tail + data)[-100:]
    result = json.dumps({"ended_at_s": time.time(), "bytes": count})
    connection.sendall(publish_packet(RESULT_TOPIC, result.encode()))
    connection.recv(1)  # until the broker goes


if __name__ == "__main__":
    main(int(sys.argv[1]))
