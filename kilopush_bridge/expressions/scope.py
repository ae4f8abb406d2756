"""What an expression can read while it is evaluated."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

_NOTHING: Final[Mapping[str, Any]] = {}


class Scope:
    """One message as expressions see it.

    `names` are the engine's own names and those that the topic filter binds; they win over the
    keys of a JSON object (`fields`). `local` holds the variables of a loop while it runs.

    One scope serves all rules that match a message: each sets `names` before it evaluates, which
    is why this is the one mutable value of the package.
    """

    __slots__ = ("fields", "local", "names", "value")

    def __init__(self, value: Any, names: Mapping[str, Any] = _NOTHING) -> None:
        self.value = value
        self.fields: Mapping[str, Any] = value if type(value) is dict else _NOTHING
        self.names = names
        self.local: Mapping[str, Any] = _NOTHING


# A compiled expression: its value in a scope, or `UNKNOWN`. Never raises.
Getter: TypeAlias = Callable[[Scope], Any]
