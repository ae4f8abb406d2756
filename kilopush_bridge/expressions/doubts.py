"""Comparisons that are correct and can hardly mean what they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from jinja2 import nodes

from kilopush_bridge.expressions.syntax import source_text
from kilopush_bridge.expressions.values import UNKNOWN, read

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

# States that devices send as text; without quotes, each is the name of a field.
_STATE_WORDS = frozenset({"on", "off", "open", "closed"})
_EQUALITIES = {"eq": "==", "ne": "!="}


class Doubt(NamedTuple):
    """What a comparison can hardly mean, and what was probably meant."""

    what: str
    hint: str


def doubts_of(node: nodes.Compare, names: Collection[str]) -> Iterator[Doubt]:
    """Yield what is doubtful; `names` are those that no payload provides."""
    operands = [node.expr, *(link.expr for link in node.ops)]
    for link, left, right in zip(node.ops, operands[:-1], operands[1:], strict=True):
        if link.op in _EQUALITIES:
            for one, other in ((left, right), (right, left)):
                yield from _unquoted(one, other, names)
                yield from _never_true(one, link.op, other, names)


def _unquoted(one: nodes.Expr, other: nodes.Expr, names: Collection[str]) -> Iterator[Doubt]:
    """Doubt `state == on`; `on == 1` reads a field with that name."""
    if not _is_field(one, names) or isinstance(other, nodes.Const):
        return
    if isinstance(one, nodes.Name) and one.name.lower() in _STATE_WORDS:
        yield Doubt(f"`{one.name}` is read as a field of the payload", f"a text is `'{one.name}'`")


def _never_true(
    one: nodes.Expr, operator: str, other: nodes.Expr, names: Collection[str]
) -> Iterator[Doubt]:
    """Doubt `state == 'unavailable'`: who says that says nothing, and is unknown."""
    if operator != "eq" or not isinstance(other, nodes.Const) or not _is_field(one, names):
        return
    if read(other.value) is UNKNOWN:
        text = source_text(one)
        what = f"`{text} == {other.value!r}` is never true: such a value is unknown"
        yield Doubt(what, f"write `{text} is undefined`")


def _is_field(node: nodes.Expr, names: Collection[str]) -> bool:
    if isinstance(node, nodes.Name):
        return node.name not in names
    return isinstance(node, (nodes.Getattr, nodes.Getitem))
