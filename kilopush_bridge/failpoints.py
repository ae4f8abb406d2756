"""Places at which tests kill the process, to prove that nothing is lost there.

`KILOPUSH_FAILPOINT=NAME` kills the process with SIGKILL when it reaches NAME for the first time,
`NAME:3` for the third. Without the variable, reaching a point costs one comparison.
"""

from __future__ import annotations

import os
import signal
from typing import Final

POINTS: Final = (
    "received",  # a message was read from the broker; nothing is stored
    "before_commit",  # inside the transaction that stores its alerts
    "after_commit",  # stored; not acknowledged, not claimed
    "after_ack",  # the acknowledgment is on its way
    "after_claim",  # in the ledger; the POST has not left
    "after_post",  # the API has answered; nothing is stored about it
    "after_finish",  # everything is stored
)


def _armed() -> tuple[str, int]:
    name, _, count = os.environ.get("KILOPUSH_FAILPOINT", "").partition(":")
    return name, int(count or 1)


_name, _left = _armed()


def reach(name: str) -> None:
    """Kill this process if `name` is the armed failpoint and it is its turn."""
    global _left  # noqa: PLW0603  (one process, one countdown)
    if name != _name:
        return
    _left -= 1
    if _left <= 0:
        os.kill(os.getpid(), signal.SIGKILL)
