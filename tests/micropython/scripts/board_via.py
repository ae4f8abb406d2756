"""A board that posts through the daemon, with a real MQTT library: prints one JSON object.

    micropython board_via.py API BROKER_PORT CLIENT FOLDER

CLIENT is "simple" or "robust". When the board is connected it makes FOLDER/connected, and when
FOLDER/go is there it has an alarm. Printed are how long it took until nothing was pending, and the
longest tick.
"""

import json
import os
import sys
from time import sleep_ms, ticks_diff, ticks_ms

from kilopush import HIGH, KiloPush

ME, TOKEN, SECRET = "u_" + "3" * 40, "c_" + "a" * 40, "5" * 64
PATIENCE_MS = 30000


def exists(path):
    try:
        os.stat(path)
    except OSError:
        return False
    return True


def connect(port, kind):
    library = __import__("umqtt." + kind, None, None, [kind])
    client = library.MQTTClient("board", "127.0.0.1", port=port)
    client.connect()
    return client


def main(api, port, kind, folder):
    client = connect(int(port), kind)
    arguments = {"to": ME, "token": TOKEN, "secret": SECRET, "insecure": True}
    board = KiloPush(api=api, store=folder + "/kp", via=client, name="cellar", **arguments)
    with open(folder + "/connected", "w"):
        pass
    while not exists(folder + "/go"):
        sleep_ms(10)
    longest_ms, start_ms = 0, ticks_ms()
    board.alarm("Leak", priority=HIGH)
    while board.pending and ticks_diff(ticks_ms(), start_ms) < PATIENCE_MS:
        tick_ms = ticks_ms()
        board.tick()
        longest_ms = max(longest_ms, ticks_diff(ticks_ms(), tick_ms))
        sleep_ms(20)
    took_ms = ticks_diff(ticks_ms(), start_ms)
    print(json.dumps({"took_ms": took_ms, "longest_ms": longest_ms, "pending": board.pending}))


main(*sys.argv[1:])
