"""Compile the expressions and templates of one rule, with problems in the line of the file."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from kilopush_bridge.expressions import Expression, ExpressionError, Template
from kilopush_bridge.rules import ENGINE_NAMES, MESSAGE_NAMES

if TYPE_CHECKING:
    from collections.abc import Callable

    from kilopush_bridge.config.problems import Problems
    from kilopush_bridge.config.source import KeyPath, Place

_Compiled = TypeVar("_Compiled", Expression, Template)


class Texts:
    """The texts of the rule at `at`; `names` are those that its topic filters bind."""

    def __init__(self, names: tuple[str, ...], at: KeyPath, problems: Problems) -> None:
        self._expression_names = (*names, "topic")
        self._template_names = (*names, *ENGINE_NAMES)
        self._at = at
        self._problems = problems

    def expression(self, word: str, text: str | None) -> Expression | None:
        """Return the compiled expression, None if there is none or it is wrong."""
        return self._compiled(
            lambda source: Expression(source, self._expression_names, MESSAGE_NAMES), word, text
        )

    def template(self, word: str, text: str | None) -> Template | None:
        """Return the compiled template, None if there is none or it is wrong."""
        return self._compiled(lambda source: Template(source, self._template_names), word, text)

    def _compiled(
        self, make: Callable[[str], _Compiled], word: str, text: str | None
    ) -> _Compiled | None:
        if text is None:
            return None
        path = (*self._at, word)
        try:
            compiled = make(text)
        except ExpressionError as error:
            if self._problems.is_hidden(path):  # the reason may quote it
                self._problems.add(path, f"`{word}` cannot be understood")
            else:
                place = self._place_of(error, make, path)
                self._problems.add_at(place, f"`{word}`: {error}", error.hint)
            return None
        if not self._problems.is_hidden(path):
            for doubt in compiled.doubts:
                self._problems.warn(path, f"`{word}`: {doubt.what}", doubt.hint)
        return compiled

    def _place_of(
        self, error: ExpressionError, make: Callable[[str], _Compiled], path: KeyPath
    ) -> Place:
        """Return the place in the file that `error` is about.

        YAML has folded the lines of a text, so the error counts lines that are not there. The text
        as it stands in the file has the same mistake, in the right line.
        """
        written = self._problems.written(path)
        if written is None:
            return self._problems.place(path)
        try:
            make(written.text)
        except ExpressionError as same:
            if str(same) == str(error):
                return written.place(same.line)
        return written.place(1)
