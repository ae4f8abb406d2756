"""Collecting problems, so that a file is corrected in one go.

Two promises are kept here. One mistake is one line: a part of the file that could not be read is
rejected, and nothing that follows from its absence is noted any more. And no problem shows a
secret: see `shown` and `hide_tokens`.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

from kilopush_bridge.errors import Problem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from kilopush_bridge.config.source import KeyPath, Place, Source, Written

NAME_MAX_CHARS = 60  # a longer one is a mistake, and its beginning says which
HIDDEN = "…"

# Tokens and keys of KILO.Push, also where they were cut or typed into the wrong place.
_TOKEN = re.compile(r"\b[cu]_[A-Za-z0-9]{8,}|[A-Za-z0-9]{40,}")


class Problems:
    """The problems and warnings of one file."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._rejected: set[KeyPath] = set()
        self.found: list[Problem] = []
        self.warnings: list[Problem] = []

    def add(self, path: KeyPath, what: str, hint: str = "", *, is_key: bool = False) -> None:
        """Note what is wrong with the value at `path`, or with its key."""
        if not self.is_rejected(path):
            self.found.append(self._problem(self._source.place(path, is_key=is_key), what, hint))

    def add_at(self, place: Place, what: str, hint: str = "") -> None:
        """Note what is wrong at a place that is not the beginning of a value."""
        self.found.append(self._problem(place, what, hint))

    def reject(self, path: KeyPath, what: str, hint: str = "", *, is_key: bool = False) -> None:
        """Note what is wrong at `path`, and ignore what is there."""
        self.add(path, what, hint, is_key=is_key)
        self.ignore(path)

    def ignore(self, path: KeyPath) -> None:
        """Note nothing about `path` and what is below it from now on."""
        self._rejected.add(path)

    def excuse(self, path: KeyPath) -> None:
        """Do not miss a word that was meant by another one; if it is there too, it still counts."""
        if not self.has(path):
            self.ignore(path)

    def is_rejected(self, path: KeyPath) -> bool:
        """Return whether `path` was in the file and could not be read."""
        return any(path[:end] in self._rejected for end in range(1, len(path) + 1))

    def has(self, path: KeyPath) -> bool:
        """Return whether the file says anything at `path`, right or wrong."""
        return path in self._source.keys

    def missing(self, path: KeyPath, hint: str = "") -> None:
        """Note that a word is not there, or that nothing stands behind it."""
        word = path[-1]
        if not self.has(path):
            self.add(path, f"`{word}` is missing", hint)
        elif self.is_cut(path):
            self.add(path, f"`{word}` is empty", COMMENT_HINT, is_key=True)
        else:
            self.add(path, f"`{word}` is empty", hint, is_key=True)

    def warn(self, path: KeyPath, what: str, hint: str = "", *, is_key: bool = False) -> None:
        """Note what is worth knowing and stops nothing."""
        self.warnings.append(self._problem(self._source.place(path, is_key=is_key), what, hint))

    def unknown_name(self, path: KeyPath, kind: str, name: str, known: Collection[str]) -> None:
        """Note a name that stands for nothing, with the nearest that does."""
        if known:  # else that there are none is a problem of its own
            hint = did_you_mean(name, known) or f"there are: {', '.join(known)}"
            self.add(path, f"there is no {kind} {self.shown(path, name)}", hint)

    def shown(self, path: KeyPath, value: str) -> str:
        """Return the value at `path` for a problem, hidden if it may be a secret."""
        return f"`{HIDDEN if self.is_hidden(path) else shortened(value)}`"

    def is_hidden(self, path: KeyPath) -> bool:
        """Return whether no problem may show any of the value at `path`: it may be a secret."""
        return self._source.is_inserted(path)

    def is_cut(self, path: KeyPath) -> bool:
        """Return whether YAML may have taken the end of a text for a comment."""
        return path in self._source.cut

    def written(self, path: KeyPath) -> Written | None:
        """Return how a text over several lines stands in the file, None for one line."""
        return self._source.written.get(path)

    def place(self, path: KeyPath, *, is_key: bool = False) -> Place:
        """Return where the value (or the key) of `path` stands."""
        return self._source.place(path, is_key=is_key)

    def _problem(self, place: Place, what: str, hint: str) -> Problem:
        return Problem(self._source.file, *place, _without_tokens(what), _without_tokens(hint))


COMMENT_HINT = "after a space, `#` starts a comment: put text that holds it in quotes"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `did you mean X?` for a near miss, else an empty text."""
    close = nearest(word, known)
    return f"did you mean `{shortened(close)}`?" if close else ""


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Return the known word that `word` is most like, whatever their case, or None."""
    spelled = {one.lower(): one for one in known}
    close = get_close_matches(word[:NAME_MAX_CHARS].lower(), spelled, n=1, cutoff=0.65)
    return spelled[close[0]] if close else None


def shortened(name: str) -> str:
    """Return a name as problems show it."""
    return name if len(name) <= NAME_MAX_CHARS else name[: NAME_MAX_CHARS - 1] + "…"


def _without_tokens(text: str) -> str:
    return _TOKEN.sub(HIDDEN, text)
