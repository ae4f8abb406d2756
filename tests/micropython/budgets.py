"""What the module may take of a board; test_budgets.py measures it.

``limit_bytes`` is what the tests allow, a little above what it takes today: raise it only with a
reason in the changelog. ``goal_bytes`` is where it ought to be, None where there is no such figure.
"""

from typing import NamedTuple


class Budget(NamedTuple):
    names: str
    limit_bytes: int
    goal_bytes: "int | None"
    note: str


# Flash: the compiled files of these names in build/board/kilopush.
FLASH = (
    Budget("__init__", 23_500, None, "the engine"),
    Budget("__init__ https clock store", 29_500, 6_000, "verified HTTPS and a store in files"),
    Budget("* core/*", 34_500, 9_000, "every optional part"),
)

# Heap of a 32-bit board after importing these from compiled files, what they import included.
IMPORT_RAM = (
    Budget("kilopush", 36_500, None, "the engine"),
    Budget(
        "kilopush kilopush.https kilopush.clock kilopush.store",
        45_500,
        7_000,
        "verified HTTPS and a store in files",
    ),
)
