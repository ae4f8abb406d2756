"""Wait for something that another process does."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_Value = TypeVar("_Value")


def wait_until(look: Callable[[], _Value], timeout_s: float = 10.0, what: str = "it") -> _Value:
    """Return the first true answer of `look`; fail after `timeout_s`."""
    ends_at_s = time.monotonic() + timeout_s
    while True:
        answer = look()
        if answer:
            return answer
        if time.monotonic() > ends_at_s:
            raise AssertionError(
                f"{what} did not happen within {timeout_s} s; last answer: {answer!r}"
            )
        time.sleep(0.01)
