"""What becomes of saves when the power goes, and what they cost: prints one JSON object.

    power_cut_store.py cuts BOARD      every operation of SAVES saves, torn in three ways
    power_cut_store.py one_slot BOARD  the same with a store that rewrites its only file
    power_cut_store.py life BOARD      many saves and LIVES cuts on one flash
    power_cut_store.py wear BOARD      what UPDATES saves cost, by the size of the payload
    power_cut_store.py full BOARD      no space is left

Of each cut: "kept" if the newest acknowledged save was loaded, "finished" if it was the one under
way, whole, and "lost" if it was neither.
"""

import json
import random
import sys

from flash import Flash, PowerCut
from kilopush.store import FileStore

SAVES = 100
LIVES = 300
UPDATES = 300
TORN_EIGHTHS = (0, 4, 7)
FOLDER = "/flash"
PATH = FOLDER + "/kp"


class OneSlot(FileStore):
    """What must not be done: the only copy is written over."""

    def put(self, sequence, parts):
        self._newest = 1
        super().put(sequence, parts)


def payload(number, size_bytes):
    """Return bytes that tell by themselves which save they are of."""
    word = "{:08x}".format(number).encode()
    return (word * (size_bytes // 8 + 1))[:size_bytes]


def state(number):
    return payload(number, 40 + number * 137 % 961)  # 40 to 1000 bytes


def parts(whole):
    for start in range(0, len(whole), 48):
        yield whole[start : start + 48]


def verdict(got, newest, under_way):
    """Say what is left of ``newest``, which was acknowledged, and of the one that was cut."""
    if got == under_way:
        return "finished"
    return "kept" if got == newest else "lost"


def cut_every_operation(board, store_class):
    outcomes = {"kept": 0, "finished": 0, "lost": 0}
    flash = Flash(board)
    flash.mount(FOLDER)
    newest = None
    for number in range(SAVES):
        image = bytes(flash.cells)
        under_way = state(number)
        flash.revive()
        before = flash.operations
        store_class(PATH).save(parts(under_way))
        operations = flash.operations - before
        saved = bytes(flash.cells)
        for operation in range(1, operations + 1):
            for written_eighths in TORN_EIGHTHS:
                flash.revive(image)
                flash.cut_at(operation, written_eighths)
                try:
                    store_class(PATH).save(parts(under_way))
                    raise AssertionError("no cut")
                except PowerCut:
                    flash.revive()
                store = store_class(PATH)
                outcomes[verdict(store.load(), newest, under_way)] += 1
                store.save(parts(b"goes on"))
                assert store_class(PATH).load() == b"goes on"
        flash.revive(saved)
        newest = under_way
    return outcomes


def live(board):
    """Save until the power goes, load, go on: on one flash, where what damage there is adds up."""
    outcomes = {"kept": 0, "finished": 0, "lost": 0}
    flash = Flash(board, times=8)  # on FAT, nearly every cut loses a free cluster
    flash.mount(FOLDER)
    random.seed(1)
    newest, number = None, 0
    for _ in range(LIVES):
        store = FileStore(PATH)
        flash.cut_at(random.randint(1, 60), random.randint(0, 7))
        try:
            while True:
                under_way = state(number)
                store.save(parts(under_way))
                newest = under_way
                number += 1
        except PowerCut:
            flash.revive()
        got = FileStore(PATH).load()
        outcomes[verdict(got, newest, under_way)] += 1
        newest = got
        number += 1
    outcomes["saves"] = number
    return outcomes


def wear(board):
    costs = {}
    for size_bytes in (48, 100, 400, 1000):
        flash = Flash(board)
        flash.mount(FOLDER)
        store = FileStore(PATH)
        flash.operations = flash.erases = 0
        for number in range(UPDATES):
            store.save(parts(payload(number, size_bytes)))
        flash.unmount()
        costs[str(size_bytes)] = {"erases": flash.erases, "operations": flash.operations}
    return costs


def fill_up(board):
    flash = Flash(board)
    flash.mount(FOLDER)
    store = FileStore(PATH)
    store.save(parts(state(1)))
    store.save(parts(state(2)))
    refused = number = 0
    try:
        while True:
            with open("{}/log{}".format(FOLDER, number), "wb") as file:
                file.write(bytes(1000))
            number += 1
    except OSError:
        pass
    for number in range(10):
        try:
            store.save(parts(payload(number, 8000)))
        except OSError:
            refused += 1
        assert FileStore(PATH).load() == state(2)
    return {"refused": refused}


def main(what, board):
    runs = {
        "cuts": lambda: cut_every_operation(board, FileStore),
        "one_slot": lambda: cut_every_operation(board, OneSlot),
        "life": lambda: live(board),
        "wear": lambda: wear(board),
        "full": lambda: fill_up(board),
    }
    print(json.dumps(runs[what]()))


main(*sys.argv[1:])
