"""Turn the syntax tree of an expression into nested functions of a `Scope`.

The tree is not run by Jinja2: its conditions have two values, its sandbox lets `'a' * 10**9` pass,
and one sandboxed expression takes longer than everything else that a message costs. Here, what is
not in a table does not exist.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from jinja2 import nodes

from kilopush_bridge.expressions import functions, operators
from kilopush_bridge.expressions.calls import bind, usage
from kilopush_bridge.expressions.doubts import Doubt, doubts_of
from kilopush_bridge.expressions.hints import hint_of_arguments, hint_of_name
from kilopush_bridge.expressions.operators import strict
from kilopush_bridge.expressions.scope import Scope
from kilopush_bridge.expressions.syntax import (
    is_encodable,
    is_text,
    kind_of,
    refuse,
    source_text,
)
from kilopush_bridge.expressions.values import UNKNOWN, read

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping

    from kilopush_bridge.expressions.functions import Function
    from kilopush_bridge.expressions.scope import Getter

    _Handler = TypeVar("_Handler", bound=Callable[..., Getter])


_NO_TEXTS = ("value", "count")  # of the names that the engine provides

_HANDLERS: dict[type[nodes.Node], Callable[[Compiler, Any], Getter]] = {}


def _handles(*kinds: type[nodes.Node]) -> Callable[[_Handler], _Handler]:
    """Enter a method of the compiler for these kinds of node; there are no others."""

    def enter(method: _Handler) -> _Handler:
        _HANDLERS.update(dict.fromkeys(kinds, method))
        return method

    return enter


class Compiler:
    """Compile the nodes of one expression or template.

    `names` are those that the engine or the topic filter provides; every other name is read from
    the payload, but for `reserved` ones, which exist elsewhere and would mislead here. `reads`
    collects what is read, by how it is written, to explain why a value is unknown; `doubts` what
    is correct and can hardly be meant.
    """

    def __init__(self, names: Collection[str], reserved: Collection[str] = ()) -> None:
        self._names = frozenset(names)
        self._reserved = frozenset(reserved)
        self._locals: frozenset[str] = frozenset()
        self.reads: dict[str, Getter] = {}
        self.doubts: list[Doubt] = []

    def compile(self, node: nodes.Node) -> Getter:
        """Return a function of a scope that gives the node's value, or `UNKNOWN`.

        Raises:
            ExpressionError: the node is none of those that an expression may use.
        """
        handler = _HANDLERS.get(type(node))
        if handler is None:
            refuse(node, f"{kind_of(node)} is not possible here")
        getter = handler(self, node)
        if isinstance(node, (nodes.Name, nodes.Getattr, nodes.Getitem)):
            self.reads[source_text(node)] = getter
        return getter

    @contextmanager
    def locals(self, names: Collection[str]) -> Iterator[None]:
        """Make the variables of a loop known within."""
        self._locals = frozenset(names)
        yield
        self._locals = frozenset()

    @_handles(nodes.Name)
    def _name(self, node: nodes.Name) -> Getter:
        name = node.name
        if name in self._locals:
            return lambda scope: read(scope.local.get(name))
        if name == "value":
            return lambda scope: read(scope.value)
        if name in self._names:
            return lambda scope: (
                scope.names[name] if name in scope.names else read(scope.fields.get(name))
            )
        self._refuse_misleading(node)
        return lambda scope: read(scope.fields.get(name))

    def _refuse_misleading(self, node: nodes.Name) -> None:
        name, own_field = node.name, f"the payload's own field is `value.{node.name}`"
        if name.startswith("__"):
            refuse(node, f"`{name}` is not a name that payloads have")
        if name in functions.FUNCTIONS:
            hint = f"the text is `'{name}'`, {own_field}"
            refuse(node, f"`{name}` is a function: write `{name}(value)`", hint)
        if name in self._reserved:
            refuse(node, f"`{name}` is only known to messages", own_field)
        if name == "value_json":
            refuse(node, "`value_json` is a word of Home Assistant", "here it is `value`")

    @_handles(nodes.Getattr)
    def _getattr(self, node: nodes.Getattr) -> Getter:
        if node.attr.startswith("__"):
            refuse(node, f"`.{node.attr}` does not exist here", "templates cannot reach Python")
        self._refuse_text_member(node.node, node.attr)
        return operators.member(self.compile(node.node), node.attr)

    def _refuse_text_member(self, owner: nodes.Expr, attribute: str) -> None:
        """Refuse `now.hour`: what the engine and the topic filter provide has no fields."""
        name = owner.name if isinstance(owner, nodes.Name) else None
        if name not in self._names or name in self._locals or name in _NO_TEXTS:
            return
        own_field = f"the payload's own field is `value.{name}.{attribute}`"
        hint = "the hour is `now[11:13] | int`" if name == "now" else own_field
        refuse(owner, f"`{name}` is a text and has no `.{attribute}`", hint)

    @_handles(nodes.Getitem)
    def _getitem(self, node: nodes.Getitem) -> Getter:
        owner = self.compile(node.node)
        match node.arg:
            case nodes.Slice(start=start, stop=stop, step=step):
                bounds = [self.compile(one) if one else _none for one in (start, stop, step)]
                return strict(operators.slice_of, owner, *bounds)
            case nodes.Const(value=str(key)):
                self._refuse_text_member(node.node, key)
                return operators.member(owner, key)
            case _:
                return strict(operators.item_of, owner, self.compile(node.arg))

    @_handles(nodes.Const)
    def _constant(self, node: nodes.Const) -> Getter:
        value = UNKNOWN if node.value is None else node.value
        if isinstance(value, (int, float)):
            value = operators.computed(value)
        if isinstance(value, str) and not is_encodable(value):
            refuse(node, "half of a surrogate pair is no character")
        return lambda _scope: value

    @_handles(nodes.List, nodes.Tuple)
    def _sequence(self, node: nodes.List | nodes.Tuple) -> Getter:
        items = operators.listing([self.compile(item) for item in node.items])
        if not all(isinstance(item, nodes.Const) for item in node.items):
            return items
        fixed = items(Scope(UNKNOWN))  # built once; nothing here changes a list
        return lambda _scope: fixed

    @_handles(nodes.And)
    def _and(self, node: nodes.And) -> Getter:
        return operators.kleene(self._parts(node), decisive=False)

    @_handles(nodes.Or)
    def _or(self, node: nodes.Or) -> Getter:
        return operators.kleene(self._parts(node), decisive=True)

    def _parts(self, node: nodes.BinExpr) -> list[Getter]:
        return [self.compile(node.left), self.compile(node.right)]

    @_handles(nodes.Not)
    def _not(self, node: nodes.Not) -> Getter:
        return operators.negation(self.compile(node.node))

    @_handles(nodes.Compare)
    def _comparison(self, node: nodes.Compare) -> Getter:
        """Return a comparison; `1 < x < 5` is `1 < x and x < 5`."""
        self.doubts += doubts_of(node, {*self._names, *self._locals} - {"value"})
        operands = [self.compile(node.expr), *(self.compile(link.expr) for link in node.ops)]
        links = [
            strict(operators.COMPARISONS[link.op], left, right)
            for link, left, right in zip(node.ops, operands[:-1], operands[1:], strict=True)
        ]
        return links[0] if len(links) == 1 else operators.kleene(links, decisive=False)

    @_handles(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod)
    def _arithmetic(self, node: nodes.BinExpr) -> Getter:
        if node.operator != "+":
            _refuse_text(node, node.left, node.right)
        return strict(operators.ARITHMETIC[node.operator], *self._parts(node))

    @_handles(nodes.Neg, nodes.Pos)
    def _sign(self, node: nodes.UnaryExpr) -> Getter:
        _refuse_text(node, node.node)
        return strict(operators.SIGNS[node.operator], self.compile(node.node))

    @_handles(nodes.Concat)
    def _concatenation(self, node: nodes.Concat) -> Getter:
        parts = [self.compile(part) for part in node.nodes]
        return strict(lambda *values: operators.joined(values), *parts)

    @_handles(nodes.CondExpr)
    def _choice(self, node: nodes.CondExpr) -> Getter:
        otherwise = self.compile(node.expr2) if node.expr2 else _unknown
        return operators.choice(self.compile(node.test), self.compile(node.expr1), otherwise)

    @_handles(nodes.Filter)
    def _filter(self, node: nodes.Filter) -> Getter:
        return self._apply(node, "filter", functions.FILTERS, node.name, node.node)

    @_handles(nodes.Test)
    def _test(self, node: nodes.Test) -> Getter:
        return self._apply(node, "test", functions.TESTS, node.name, node.node)

    @_handles(nodes.Call)
    def _call(self, node: nodes.Call) -> Getter:
        target = node.node
        if isinstance(target, nodes.Getattr):
            return self._apply(node, "method", functions.METHODS, target.attr, target.node)
        if not isinstance(target, nodes.Name):
            refuse(node, f"`{source_text(target)}(...)` cannot be called")
        return self._apply(node, "function", functions.FUNCTIONS, target.name)

    def _apply(
        self,
        node: nodes.Filter | nodes.Test | nodes.Call,
        kind: str,
        table: Mapping[str, Function],
        name: str,
        subject: nodes.Expr | None = None,
    ) -> Getter:
        """Return a call of what `table` has under `name`; `subject` becomes the first argument."""
        if name not in table:
            refuse(node, f"there is no {kind} `{name}`", hint_of_name(name, kind, table))
        if node.dyn_args or node.dyn_kwargs:
            refuse(node, "`*` and `**` are not possible in a call")
        given = [subject, *node.args] if subject else node.args
        positional = [self.compile(argument) for argument in given]
        keywords = {str(keyword.key): self.compile(keyword.value) for keyword in node.kwargs}
        try:
            function, getters = bind(table[name], positional, keywords)
        except TypeError as error:
            how = usage(name, table[name], has_subject=subject is not None)
            refuse(node, f"{kind} `{name}`: {error}", hint_of_arguments(name, how))
        join = operators.applied if name in functions.SEE_UNKNOWN else strict
        return join(function, *getters)


def _refuse_text(node: nodes.BinExpr | nodes.UnaryExpr, *operands: nodes.Expr) -> None:
    if any(map(is_text, operands)):
        refuse(node, f"`{node.operator}` is for numbers, not for text", "join texts with `~`")


def _unknown(_scope: Scope) -> Any:
    return UNKNOWN


def _none(_scope: Scope) -> None:
    return None
