"""From source text to a syntax tree, and what the tree shows without running it.

Jinja2 lends its lexer and parser, so that people write what they know; nothing of it runs.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NoReturn, TypeVar

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.parser import Parser

from kilopush_bridge.expressions.hints import hint_of_mistake

if TYPE_CHECKING:
    from collections.abc import Callable

# A message holds 1000 characters; the longest template worth writing is a few times that.
SOURCE_MAX_CHARS = 10_000
# Every level is a Python call when the expression runs, and Python stops at 1000 of them.
NESTED_MAX = 64

_SYNTAX = Environment(autoescape=False)  # noqa: S701 - used as a parser only; nothing is rendered

# What Jinja2 says, and how: the position counts characters that YAML has folded.
_POSITION = re.compile(r" at \d+\Z")
_TOO_SHORT = "unexpected 'end of template'"

_TEXT_METHODS = frozenset({"capitalize", "lower", "replace", "strip", "title", "upper"})
_TEXT_FILTERS = _TEXT_METHODS - {"strip"} | {"join", "string", "trim", "truncate", "urlencode"}

# How people write what the parser knows under another name.
_KINDS = {
    "Pow": "`**`",
    "Dict": "`{...}`",
    "Slice": "a slice",
    "Assign": "`{% set %}`",
    "AssignBlock": "`{% set %}`",
    "Block": "`{% block %}`",
    "CallBlock": "`{% call %}`",
    "Extends": "`{% extends %}`",
    "FilterBlock": "`{% filter %}`",
    "FromImport": "`{% from %}`",
    "Import": "`{% import %}`",
    "Include": "`{% include %}`",
    "Macro": "`{% macro %}`",
    "Scope": "`{% autoescape %}`",
    "With": "`{% with %}`",
}

_Tree = TypeVar("_Tree", bound=nodes.Node)


class ExpressionError(ValueError):
    """An expression or template that is refused at load; `line` counts from 1 within its text."""

    def __init__(self, what: str, line: int = 1, hint: str = "") -> None:
        super().__init__(what)
        self.line = line
        self.hint = hint


def parse_expression(source: str) -> nodes.Expr:
    """Return the syntax tree of an expression.

    Raises:
        ExpressionError: the text is no expression, or too large a one.
    """
    return _parse(source, "an expression", _expression)


def parse_template(source: str) -> nodes.Template:
    """Return the syntax tree of a template.

    Raises:
        ExpressionError: the text is no template, or too large a one.
    """
    return _parse(source, "a template", _SYNTAX.parse)


def is_encodable(text: str) -> bool:
    """Return whether `text` can be stored and sent, which half a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _parse(source: str, what: str, parse: Callable[[str], _Tree]) -> _Tree:
    if len(source) > SOURCE_MAX_CHARS:
        raise ExpressionError(f"{what} has at most {SOURCE_MAX_CHARS} characters")
    if not is_encodable(source):
        raise ExpressionError(f"not {what}: half of a surrogate pair is no character")
    try:
        tree = parse(source)
    except TemplateSyntaxError as error:
        hint = hint_of_mistake(source) if what == "an expression" else ""
        raise ExpressionError(f"not {what}: {_said(error)}", error.lineno, hint) from error
    except RecursionError as error:
        raise ExpressionError(f"{what} cannot be nested so deeply") from error
    except ValueError as error:  # Python's own limit for the digits of an integer
        raise ExpressionError(f"not {what}: a number is too large") from error
    _refuse_deep(tree, what)
    return tree


def _expression(source: str) -> nodes.Expr:
    parser = Parser(_SYNTAX, source, state="variable")
    tree = parser.parse_expression()
    if not parser.stream.eos:
        surplus = parser.stream.current
        parser.fail(f"`{surplus.value}` is too much", surplus.lineno)
    return tree


def _said(error: TemplateSyntaxError) -> str:
    said = _POSITION.sub("", error.message or "")
    return "it ends too early" if said == _TOO_SHORT else said


def _refuse_deep(tree: nodes.Node, what: str) -> None:
    level = [tree]
    for _ in range(NESTED_MAX):
        level = [child for node in level for child in node.iter_child_nodes()]
        if not level:
            return
    raise ExpressionError(
        f"{what} cannot be nested more than {NESTED_MAX} deep",
        level[0].lineno,
        "many alternatives are shorter as `x in ['a', 'b']`",
    )


def source_text(node: nodes.Node) -> str:
    """Return how a name or member access is written: `after.camera`, `value['switch:0']`."""
    if isinstance(node, nodes.Name):
        return node.name
    if isinstance(node, nodes.Getattr):
        return f"{source_text(node.node)}.{node.attr}"
    if isinstance(node, nodes.Getitem) and isinstance(node.arg, nodes.Const):
        return f"{source_text(node.node)}[{node.arg.value!r}]"
    return "(...)"


def kind_of(node: nodes.Node) -> str:
    """Return what people call this kind of node."""
    kind = type(node).__name__
    return _KINDS.get(kind, kind.lower())


def refuse(node: nodes.Node, what: str, hint: str = "") -> NoReturn:
    """Raise the error that names the line of `node`."""
    raise ExpressionError(what, node.lineno or 1, hint)


def is_text(node: nodes.Node | None) -> bool:
    """Return whether a node is text by its looks alone, whatever the payload says."""
    match node:
        case nodes.Const(value=str()) | nodes.Concat():
            return True
        case nodes.Call(node=nodes.Getattr(attr=name)):
            return name in _TEXT_METHODS
        case nodes.Filter(name=name) if name in _TEXT_FILTERS:
            return True
    return any(map(is_text, _deciding(node)))


def _deciding(node: nodes.Node | None) -> list[nodes.Expr | None]:
    """Return the parts of a node that make it text if one of them is."""
    match node:
        case nodes.Add(left=one, right=other) | nodes.CondExpr(expr1=one, expr2=other):
            return [one, other]
        case nodes.Getitem(node=owner):
            return [owner]
        case nodes.Filter(name="default" | "d", node=owner, args=args, kwargs=kwargs):
            return [owner, *args, *(keyword.value for keyword in kwargs)]
    return []
