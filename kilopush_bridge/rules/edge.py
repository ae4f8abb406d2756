"""When a state begins and when it is over.

state now    condition   `until`              edge
---------    ---------   ------------------   -----
not firing   true        (not looked at)      BEGINS
firing       true        (not looked at)      none: a message that fires never ends
firing       false       absent               ENDS
firing       any other   true                 ENDS
otherwise                                     none: unknown changes nothing
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kilopush_bridge.expressions import Unknown


class Edge(Enum):
    """A change of a state."""

    BEGINS = "begins"
    ENDS = "ends"


def edge(
    *, is_firing: bool, condition: bool | Unknown, until: bool | Unknown | None
) -> Edge | None:
    """Return what one message does to one state; `until` is None for a rule that has none."""
    if condition is True:
        return None if is_firing else Edge.BEGINS
    ended = condition is False if until is None else until is True
    return Edge.ENDS if is_firing and ended else None
