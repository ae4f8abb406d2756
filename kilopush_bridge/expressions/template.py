"""Templates: the text of one message.

Text, `{{ expression }}`, `{% if %}` and one level of `{% for %}`. A template that writes what the
message does not say fails as a whole; the caller then sends something else, so that the alert is
not lost.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeAlias

from jinja2 import nodes

from kilopush_bridge.expressions.compiler import Compiler
from kilopush_bridge.expressions.expression import missing
from kilopush_bridge.expressions.operators import ITEMS_MAX, TEXT_MAX_CHARS
from kilopush_bridge.expressions.syntax import parse_template, refuse
from kilopush_bridge.expressions.values import UNKNOWN, text_of, truth

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Sequence

    from kilopush_bridge.expressions.scope import Getter, Scope

    Writer: TypeAlias = Callable[[Scope, "_Page"], None]


@dataclass(frozen=True, slots=True)
class RenderFailure:
    """Why a template gave no text: it writes something that the message does not say."""

    reason: str


class _Failed(Exception):  # noqa: N818 - leaves the nested writers, never this module
    pass


class _PageFull(Exception):  # noqa: N818
    """More text than a message can hold; what is written stays."""


class _Page:
    """The text written so far, bounded."""

    __slots__ = ("_parts", "_room")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._room = TEXT_MAX_CHARS

    def write(self, text: str) -> None:
        self._parts.append(text[: self._room])
        self._room -= len(text)
        if self._room <= 0:
            raise _PageFull

    def text(self) -> str:
        return "".join(self._parts)


class Template:
    """A compiled template such as `Water at {{ device }}`.

    Raises:
        ExpressionError: the text is no template, or uses what templates may not use.
    """

    __slots__ = ("_write", "doubts", "source")

    def __init__(self, source: str, names: Collection[str] = ()) -> None:
        self.source = source
        compiler = Compiler(names)
        self._write = _Statements(compiler).body(parse_template(source).body)
        self.doubts = tuple(compiler.doubts)

    def __repr__(self) -> str:
        return f"<Template {self.source!r}>"

    def render(self, scope: Scope) -> str | RenderFailure:
        """Return the text, at most `TEXT_MAX_CHARS` long, without white space around it.

        Never raises.
        """
        page = _Page()
        try:
            self._write(scope, page)
        except _PageFull:
            pass
        except _Failed as failed:
            return RenderFailure(str(failed))
        return page.text().strip()


class _Statements:
    """Compile the statements of a template into writers."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._is_in_loop = False

    def body(self, statements: Iterable[nodes.Node]) -> Writer:
        writers = [self._statement(statement) for statement in statements]

        def write(scope: Scope, page: _Page) -> None:
            for writer in writers:
                writer(scope, page)

        return write

    def _statement(self, node: nodes.Node) -> Writer:
        match node:
            case nodes.Output():
                return self.body(node.nodes)
            case nodes.TemplateData():
                data = node.data
                return lambda _scope, page: page.write(data)
            case nodes.If():
                return self._if(node)
            case nodes.For():
                return self._for(node)
            case _:
                return self._expression(node)

    def _expression(self, node: nodes.Node) -> Writer:
        """Return the writer of `{{ node }}`, or refuse what is neither expression nor statement."""
        reads: dict[str, Getter] = {}
        self._compiler.reads = reads
        getter = self._compiler.compile(node)

        def write(scope: Scope, page: _Page) -> None:
            value = getter(scope)
            if value is UNKNOWN:
                unknown = missing(reads, scope)
                reason = f"`{unknown[0]}` is missing" if unknown else "it cannot be computed"
                raise _Failed(reason)
            page.write(text_of(value))

        return write

    def _if(self, node: nodes.If) -> Writer:
        branches = [
            (self._compiler.compile(branch.test), self.body(branch.body))
            for branch in (node, *node.elif_)
        ]
        otherwise = self.body(node.else_)

        def write(scope: Scope, page: _Page) -> None:
            for test, body in branches:
                if truth(test(scope)) is True:  # unknown is not true: the else branch speaks
                    body(scope, page)
                    return
            otherwise(scope, page)

        return write

    def _for(self, node: nodes.For) -> Writer:
        if self._is_in_loop:
            refuse(node, "a loop inside a loop is not possible")
        if node.recursive or node.test or node.else_:
            refuse(node, "a loop is `{% for item in list %}...{% endfor %}`, nothing more")
        targets = _targets(node)
        items = self._compiler.compile(node.iter)
        self._is_in_loop = True
        with self._compiler.locals([*targets, "loop"]):
            body = self.body(node.body)
        self._is_in_loop = False

        def write(scope: Scope, page: _Page) -> None:
            rows = items(scope)
            if not isinstance(rows, (list, dict)):
                raise _Failed("what `for` loops over is not a list")
            count = min(len(rows), ITEMS_MAX)
            for at, row in enumerate(islice(rows, count)):
                scope.local = _loop_variables(targets, row, at, count)
                body(scope, page)

        return write


def _targets(node: nodes.For) -> list[str]:
    names = node.target.items if isinstance(node.target, nodes.Tuple) else [node.target]
    targets = [name.name for name in names if isinstance(name, nodes.Name)]
    if len(targets) < len(names):
        refuse(node, "a loop's variable is a name")
    return targets


def _loop_variables(targets: Sequence[str], row: Any, at: int, count: int) -> dict[str, Any]:
    loop = {"index": at + 1, "first": at == 0, "last": at == count - 1, "length": count}
    if len(targets) == 1:
        return {targets[0]: row, "loop": loop}
    parts = row if isinstance(row, (list, tuple)) else ()
    return {**dict(zip(targets, parts, strict=False)), "loop": loop}
