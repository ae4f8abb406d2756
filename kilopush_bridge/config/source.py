"""What a configuration file says, and where: the places that problems point at."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

KeyPath = tuple[str | int, ...]  # ("alerts", "water leak", "topic", 0)
Place = tuple[int, int]  # line and column, both from 1


@dataclass(frozen=True, slots=True)
class Written:
    """A text over several lines as it stands in the file, before YAML folds its lines."""

    start: Place
    text: str

    def place(self, line: int) -> Place:
        """Return where line `line` of the text (from 1) begins in the file."""
        first_line, first_column = self.start
        shown = self.text.split("\n")[line - 1]
        indent = len(shown) - len(shown.lstrip(" "))
        return first_line + line - 1, (first_column if line == 1 else 1) + indent


@dataclass(slots=True)
class Source:
    """A configuration file as data, and what is known of each part of it by its path.

    Every value is a text, a list, a mapping or None: what a number or a boolean is, the schema
    decides, so that a password of `0815` stays one.
    """

    file: str
    data: dict[str, Any] = field(default_factory=dict)
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    values: dict[KeyPath, Place] = field(default_factory=dict)
    written: dict[KeyPath, Written] = field(default_factory=dict)
    cut: set[KeyPath] = field(default_factory=set)  # ends at a `#` that may have been meant as text
    inserted: set[KeyPath] = field(default_factory=set)  # from `${...}` or `!secret`: never shown

    def place(self, path: KeyPath, *, is_key: bool = False) -> Place:
        """Return where the value (or the key) of `path` stands, else the key that it is under.

        (0, 0) means the file as a whole.
        """
        if path and isinstance(path[-1], int) and path not in self.values:
            path = path[:-1]  # `to: me` is read as `to: [me]`
        if not is_key and path in self.values:
            return self.values[path]
        while path and path not in self.keys:
            path = path[:-1]
        return self.keys.get(path, (0, 0))

    def is_inserted(self, path: KeyPath) -> bool:
        """Return whether a value came from elsewhere, and may therefore be a secret."""
        return any(path[:end] in self.inserted for end in range(1, len(path) + 1))
