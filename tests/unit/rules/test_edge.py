"""The table of edges, every cell of it."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from kilopush_bridge.expressions import UNKNOWN
from kilopush_bridge.rules.edge import Edge, edge

ANYTHING = (True, False, UNKNOWN, None)
# What (is firing, condition, until) does; what is not here does nothing.
CHANGES = {
    **{(False, True, until): Edge.BEGINS for until in ANYTHING},
    (True, False, None): Edge.ENDS,
    (True, False, True): Edge.ENDS,
    (True, UNKNOWN, True): Edge.ENDS,
}


@pytest.mark.parametrize(
    ("is_firing", "condition", "until"),
    list(product((True, False), (True, False, UNKNOWN), ANYTHING)),
)
def test_each_message_does_what_the_table_says(is_firing: bool, condition: Any, until: Any):
    change = edge(is_firing=is_firing, condition=condition, until=until)
    assert change is CHANGES.get((is_firing, condition, until))
