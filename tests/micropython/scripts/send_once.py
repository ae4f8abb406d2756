"""Post one alarm of 200 characters over HTTP: prints what it took of the heap, as JSON.

    micropython send_once.py API LIBRARY HOLE_BYTES TIMES TIMEOUT_S

LIBRARY is "kilopush" or "requests". With HOLE_BYTES, not 0, the heap is filled before the last
send, and what is free lies in pieces of that size: then it only works if nothing larger is asked
for. TIMES sends follow each other. Of the last one are told "is_sent", the "bytes" that it took,
garbage included, and how many "ms".
"""

import gc
import json
import sys
from time import sleep_ms, ticks_diff, ticks_ms

API, LIBRARY = sys.argv[1:3]
HOLE_BYTES, TIMES, TIMEOUT_S = [int(word) for word in sys.argv[3:]]
TEXT = ("Temperature in tank 01 is high. " * 7)[:200]
ME, TOKEN, SECRET = "u_" + "1" * 40, "c_" + "a" * 40, "5" * 64
PIECES_MAX = 20000


def kilopush_way():
    from kilopush import HIGH, KiloPush

    board = KiloPush(ME, TOKEN, SECRET, api=API, insecure=True, store=None, timeout=TIMEOUT_S)

    def send():
        board.alarm(TEXT, priority=HIGH)
        start_ms = ticks_ms()
        while board.pending and ticks_diff(ticks_ms(), start_ms) < 1000 * TIMEOUT_S + 500:
            board.tick()
            sleep_ms(1)
            if board.last is not None and board.last.outcome != "sent":
                return False
        return not board.pending and not board.dropped

    return send


def requests_way():
    import requests

    def send():
        message = {"to": ME, "token": TOKEN, "secret": SECRET, "silent": "0", "message": TEXT}
        response = requests.post(API, json=message, timeout=TIMEOUT_S)
        is_sent = response.status_code == 200
        response.close()
        return is_sent

    return send


def riddle():
    """Fill the heap so that what is free lies in pieces of ``HOLE_BYTES``; return what fills it."""
    pieces = [None] * PIECES_MAX
    number = 0
    gc.collect()
    try:
        while number < PIECES_MAX:
            pieces[number] = bytearray(HOLE_BYTES)
            number += 1
    except MemoryError:
        pass
    for one in range(0, number, 2):
        pieces[one] = None
    return pieces


def main():
    send = kilopush_way() if LIBRARY == "kilopush" else requests_way()
    for _ in range(TIMES - 1):
        send()
    pieces = riddle() if HOLE_BYTES else []
    gc.collect()
    if TIMES > 1 and not pieces:
        gc.disable()  # so that garbage counts
    before_bytes, start_ms = gc.mem_alloc(), ticks_ms()
    try:
        is_sent = send()
    except (OSError, MemoryError, ValueError):
        is_sent = False
    told = {"bytes": gc.mem_alloc() - before_bytes, "ms": ticks_diff(ticks_ms(), start_ms)}
    told["is_sent"] = is_sent
    del pieces
    gc.enable()
    print(json.dumps(told))


main()
