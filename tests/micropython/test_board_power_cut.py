"""Power may go at any moment: no urgent alarm is lost, none is told twice without a word."""

import json

from micropython import interpreters

SCRIPT = interpreters.HERE / "scripts" / "power_cut_board.py"
TORN_EIGHTHS = (0, 4, 7)
LEAST_CUTS = 2000


def found(*args):
    result = interpreters.run("unix", SCRIPT, *args, heap=32 * 1024 * 1024)
    assert result.returncode == 0, result.stdout + result.stderr
    return json.loads(result.stdout)


def test_a_cut_in_any_flash_operation_loses_no_urgent_alarm_and_counts_every_message():
    cuts = 0
    for board in ("rp2", "esp32", "fat"):
        for eighths in TORN_EIGHTHS:
            outcome = found(board, eighths)
            print(board, eighths, outcome)
            cuts += outcome.pop("cuts")
            assert outcome == {"lost": 0, "unmarked": 0, "uncounted": 0}, board
    assert cuts >= LEAST_CUTS


def test_a_store_that_leaves_out_saves_is_caught():
    outcome = found("esp32", 4, "careless")
    assert outcome["lost"] > 0
    assert outcome["unmarked"] > 0
    assert outcome["uncounted"] > 0
