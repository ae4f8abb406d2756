"""Expressions: one value out of one message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kilopush_bridge.expressions.compiler import Compiler
from kilopush_bridge.expressions.syntax import parse_expression
from kilopush_bridge.expressions.values import UNKNOWN, truth

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from kilopush_bridge.expressions.scope import Getter, Scope
    from kilopush_bridge.expressions.values import Unknown


class Expression:
    """A compiled expression such as `not contact` or `after.severity == 'alert'`.

    `names` are provided by the engine and the topic filter; `reserved` names exist in messages
    only, and are refused here so that nobody waits for a payload key that is never looked up.

    Raises:
        ExpressionError: the text is no expression, or uses what expressions may not use.
    """

    __slots__ = ("_compiled", "_reads", "doubts", "source")

    def __init__(
        self, source: str, names: Collection[str] = (), reserved: Collection[str] = ()
    ) -> None:
        self.source = source
        compiler = Compiler(names, reserved)
        self._compiled = compiler.compile(parse_expression(source))
        self._reads = compiler.reads
        self.doubts = tuple(compiler.doubts)

    def __repr__(self) -> str:
        return f"<Expression {self.source!r}>"

    @property
    def is_constant(self) -> bool:
        """Whether no message changes its value."""
        return not self._reads

    def value(self, scope: Scope) -> Any:
        """Return the value, or `UNKNOWN`. Never raises."""
        return self._compiled(scope)

    def holds(self, scope: Scope) -> bool | Unknown:
        """Return whether the condition is true, false or `UNKNOWN`. Never raises."""
        return truth(self._compiled(scope))

    def missing(self, scope: Scope) -> list[str]:
        """Return what this expression reads that the message does not say, the roots only."""
        return missing(self._reads, scope)


def missing(reads: Mapping[str, Getter], scope: Scope) -> list[str]:
    """Return which of `reads` the message does not say; of `after.camera`, `after` if it can."""
    unknown = [text for text, getter in reads.items() if getter(scope) is UNKNOWN]
    return [
        text
        for text in unknown
        if not any(text.startswith((f"{root}.", f"{root}[")) for root in unknown)
    ]
