"""The store loses nothing when the power goes, on the file systems that boards have."""

import json

import pytest
from micropython import interpreters

BOARDS = ("rp2", "esp32", "fat")
SCRIPT = interpreters.HERE / "scripts" / "power_cut_store.py"
LEAST_CUTS = 1500  # of all boards together

# Sectors erased by 300 updates, by the size of the payload in bytes. What fits into the directory
# (512 bytes on rp2, 128 on ESP32) costs next to nothing. The counts repeat exactly, until another
# version of littlefs counts otherwise.
MOST_ERASES = {
    "rp2": {"48": 25, "100": 25, "400": 50, "1000": 330},
    "esp32": {"48": 10, "100": 15, "400": 330, "1000": 330},
}


def outcome(what, board):
    result = interpreters.run("unix", SCRIPT, what, board)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout)


def test_a_cut_in_any_operation_leaves_the_newest_or_the_next():
    cuts = 0
    for board in BOARDS:
        outcomes = outcome("cuts", board)
        print(board, outcomes)
        assert outcomes["lost"] == 0, (board, outcomes)
        assert outcomes["kept"], board
        assert outcomes["finished"], board
        cuts += outcomes["kept"] + outcomes["finished"]
    assert cuts >= LEAST_CUTS


def test_one_file_instead_of_two_would_lose_states_on_fat():
    outcomes = outcome("one_slot", "fat")
    assert outcomes["lost"] > outcomes["kept"]


@pytest.mark.parametrize("board", BOARDS)
def test_cut_after_cut_loses_nothing(board):
    outcomes = outcome("life", board)
    assert outcomes["lost"] == 0
    assert outcomes["saves"] > 1000


@pytest.mark.parametrize("board", MOST_ERASES)
def test_updates_wear_little(board):
    costs = outcome("wear", board)
    print(board, costs)
    for size_bytes, most in MOST_ERASES[board].items():
        assert costs[size_bytes]["erases"] <= most


@pytest.mark.parametrize("board", BOARDS)
def test_a_full_disk_refuses_and_keeps_what_it_has(board):
    assert outcome("full", board) == {"refused": 10}
