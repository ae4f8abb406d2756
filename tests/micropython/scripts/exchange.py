"""Do exchanges with a server and print what came of each, then what they cost, as JSON.

    micropython exchange.py ASKED.json

The file holds an object with some of the keys below.
"""

import gc
import json
import os
import sys
from time import sleep_ms, ticks_diff, ticks_ms, ticks_us

from kilopush import https
from kilopush.transport import READY

ASKED = {
    "ca": (),
    "insecure": False,
    "timeout_ms": 5000,
    "ballast": False,
    "times": 1,
    "warm_up": 0,  # exchanges before heap and sockets are looked at for the first time
    "method": "post",
    "body": "{}",
    "repeat_body": 1,
    "pause_ms": 1,
    "cancel_after": 0,  # this many steps, 0 for never
    "legacy": False,
}
with open(sys.argv[1]) as asked_file:
    ASKED.update(json.load(asked_file))


def pieces():
    """Yield the body in pieces that share a buffer, as the engine does."""
    buffer = bytearray(100)
    body = ASKED["body"].encode()
    for _ in range(ASKED["repeat_body"]):
        for start in range(0, len(body), 100):
            piece = body[start : start + 100]
            buffer[: len(piece)] = piece
            yield memoryview(buffer)[: len(piece)]


def open_files():
    return len(os.listdir("/proc/self/fd"))


def heap_bytes():
    gc.collect()
    return gc.mem_alloc()


def exchange(api):
    """Return (verdict, steps, longest two steps in us, ms, whether READY came)."""
    is_ready, steps, longest_us = False, 0, [0, 0]
    start_ms = ticks_ms()
    if ASKED["method"] == "post":
        api.post(pieces)
    else:
        api.head()
    while True:
        start_us = ticks_us()
        result = api.step()
        longest_us = sorted(longest_us + [ticks_diff(ticks_us(), start_us)])[1:]
        steps += 1
        if result == READY:
            assert not is_ready
            is_ready = True
            api.go()
        elif result is not None:
            return result, steps, longest_us, ticks_diff(ticks_ms(), start_ms), is_ready
        if steps == ASKED["cancel_after"]:
            return api.cancel(), steps, longest_us, 0, is_ready
        sleep_ms(ASKED["pause_ms"])


def open_api():
    if ASKED["legacy"]:
        from kilopush.legacy import Requests

        return Requests(ASKED["api"], ASKED["timeout_ms"] / 1000)
    return https.Direct(
        ASKED["api"],
        ca=ASKED["ca"],
        insecure=ASKED["insecure"],
        timeout_ms=ASKED["timeout_ms"],
        ballast=ASKED["ballast"],
    )


def describe(verdict, steps, longest_us, took_ms, is_ready):
    told = {"steps": steps, "longest_us": longest_us, "took_ms": took_ms, "is_ready": is_ready}
    if isinstance(verdict, bool):
        told["cancelled"] = verdict
    else:
        told["outcome"] = verdict.outcome
        told["status"] = verdict.status
        told["detail"] = verdict.detail
        told["at_s"] = verdict.at_s
    return told


def repeat(api, times, outcomes):
    """Do so many exchanges, count their outcomes, and return what is told of the last one."""
    told = None
    for _ in range(times):
        told = None  # only one is kept at a time
        told = exchange(api)
        outcome = told[0] if isinstance(told[0], bool) else told[0].outcome
        outcomes[outcome] = outcomes.get(outcome, 0) + 1
        assert not api.busy
    return told


def main():
    api = open_api()
    outcomes = {}
    told = repeat(api, ASKED["warm_up"], outcomes)
    files, heap = open_files(), heap_bytes()
    for outcome in outcomes:
        outcomes[outcome] = 0
    told = None
    told = repeat(api, ASKED["times"], outcomes)
    more_files = open_files() - files  # before the collector closes what was forgotten
    more_heap_bytes = heap_bytes() - heap
    last = describe(*told)
    last["outcomes"] = outcomes
    last["more_heap_bytes"] = more_heap_bytes
    last["more_files"] = more_files
    print(json.dumps(last))


main()
