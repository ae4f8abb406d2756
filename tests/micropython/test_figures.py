"""What the module takes while it runs; what its files and imports take is in test_budgets.py."""

import json

import pytest
from micropython import interpreters, servers

SCRIPTS = interpreters.HERE / "scripts"

# Bytes on 32 bits: what is allowed, a little above what it takes today; the goals are behind it.
LIMITS = {
    "instance": 1_650,  # 1,229
    "queued_alarm": 112,
    "alarm_garbage": 750,  # 96
    "idle_tick": 0,
    "send_200": 8_500,  # 3,072
    "storm_messages": 6,
}
# Sectors a day; the goal is 40. The state of an ESP32 does not fit into littlefs' directory.
MOST_ERASES = {"rp2": 70, "esp32": 650}
LARGEST_PIECE_BYTES = 512
BLOCK_BYTES = 32  # of the heap of 64-bit MicroPython


def result(kind, script, *args, **options):
    done = interpreters.run(kind, SCRIPTS / script, *args, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_heap_of_a_board():
    figures = result("wasm", "heap_figures.py", built=True)
    assert figures.keys() == LIMITS.keys()
    assert {name: size for name, size in figures.items() if size > LIMITS[name]} == {}


def test_a_heap_full_of_small_holes_is_enough_for_a_message():
    hole_bytes = LARGEST_PIECE_BYTES - BLOCK_BYTES
    with servers.Server(servers.reply(servers.GOOD)) as server:
        url = f"http://127.0.0.1:{server.port}/v1/messages/send"
        arguments = (url, "kilopush", hole_bytes, 2, 2)
        told = result("unix", "send_once.py", *arguments, heap=512 * 1024, built=True)
    assert told["is_sent"]


@pytest.mark.parametrize("board", MOST_ERASES)
def test_a_day_of_300_messages_wears_little(board):
    told = result("unix", "wear_day.py", board)
    assert told["messages"] == 300
    assert told["erases"] <= MOST_ERASES[board]
