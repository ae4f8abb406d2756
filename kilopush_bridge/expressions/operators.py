"""The operators of expressions, as functions that join getters into one.

`UNKNOWN` passes through all of them but `and` and `or`, which follow Kleene: a part that decides
alone does so, whatever the other one is.
"""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any

from kilopush_bridge.expressions.values import UNKNOWN, Unknown, read, text_of, truth

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from kilopush_bridge.expressions.scope import Getter, Scope

# What a function may raise where its input makes no sense; the result is unknown then. Two lists
# of a hostile depth end in RecursionError when they are compared.
FAILURES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)

TEXT_MAX_CHARS = 8_000  # eight times what a message may hold; longer results are cut
ITEMS_MAX = 1_000  # a longer list is unknown to functions; loops stop there
_INTEGER_MAX = 2**63  # beyond this an integer of JSON is a float, and so is a computed one


def strict(function: Callable[..., Any], *getters: Getter) -> Getter:
    """Return a getter that is unknown if an argument is, or if `function` cannot use them."""
    if len(getters) == 1:
        return _unary(function, *getters)
    if len(getters) == 2:
        return _binary(function, *getters)

    def apply(scope: Scope) -> Any:
        values = [getter(scope) for getter in getters]
        if any(value is UNKNOWN for value in values):
            return UNKNOWN
        try:
            return function(*values)
        except FAILURES:
            return UNKNOWN

    return apply


def applied(function: Callable[..., Any], *getters: Getter) -> Getter:
    """Return a getter of what `function` says, `UNKNOWN` arguments included; it never raises."""
    return lambda scope: function(*[getter(scope) for getter in getters])


def listing(getters: Sequence[Getter]) -> Getter:
    """Return a getter of a list, unknown if one of its items is."""
    return strict(lambda *values: list(values), *getters)


def member(owner: Getter, key: str) -> Getter:
    """Return `owner.key` of an object; nothing else has members."""

    def get(scope: Scope) -> Any:
        fields = owner(scope)
        return read(fields.get(key)) if type(fields) is dict else UNKNOWN

    return get


def _unary(function: Callable[[Any], Any], getter: Getter) -> Getter:
    def apply(scope: Scope) -> Any:
        value = getter(scope)
        if value is UNKNOWN:
            return UNKNOWN
        try:
            return function(value)
        except FAILURES:
            return UNKNOWN

    return apply


def _binary(function: Callable[[Any, Any], Any], left: Getter, right: Getter) -> Getter:
    def apply(scope: Scope) -> Any:
        one = left(scope)
        if one is UNKNOWN:
            return UNKNOWN
        other = right(scope)
        if other is UNKNOWN:
            return UNKNOWN
        try:
            return function(one, other)
        except FAILURES:
            return UNKNOWN

    return apply


def kleene(parts: Sequence[Getter], *, decisive: bool) -> Getter:
    """Return `and` (a false part decides) or `or` (a true one does), after Kleene."""

    def join(scope: Scope) -> bool | Unknown:
        result: bool | Unknown = not decisive
        for part in parts:
            holds = truth(part(scope))
            if holds is decisive:
                return decisive
            if holds is UNKNOWN:
                result = UNKNOWN
        return result

    return join


def negation(part: Getter) -> Getter:
    """Return `not`."""

    def negate(scope: Scope) -> bool | Unknown:
        holds = truth(part(scope))
        return UNKNOWN if holds is UNKNOWN else not holds

    return negate


def choice(test: Getter, then: Getter, otherwise: Getter) -> Getter:
    """Return `then if test else otherwise`; an unknown test chooses neither."""

    def choose(scope: Scope) -> Any:
        holds = truth(test(scope))
        if holds is UNKNOWN:
            return UNKNOWN
        return then(scope) if holds else otherwise(scope)

    return choose


def bounded(text: str) -> str:
    """Return `text`, cut to what an intermediate result may hold."""
    return text[:TEXT_MAX_CHARS]


def joined(values: Iterable[Any], separator: str = "") -> str:
    """Return the texts of `values` in one, cut; what lies behind the cut is not even read."""
    texts, room = [], TEXT_MAX_CHARS
    for value in values:
        text = bounded(text_of(value))
        texts.append(text)
        room -= len(text) + len(separator)
        if room <= 0:
            break
    return bounded(separator.join(texts))


def number(value: Any) -> int | float:
    """Return a number (as in Python, true is 1), or raise TypeError."""
    if isinstance(value, (int, float)):
        return value
    raise TypeError(f"{type(value).__name__} is not a number")


def computed(value: float) -> Any:
    """Return a result of arithmetic as JSON could have said it: integers of 64 bits, no infinity.

    It keeps every later step, printing included, at constant cost.
    """
    if isinstance(value, int) and not -_INTEGER_MAX <= value < _INTEGER_MAX:
        value = float(value)
    return value if math.isfinite(value) else UNKNOWN


def _on_numbers(compute: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    return lambda one, other: computed(compute(number(one), number(other)))


def _add(one: Any, other: Any) -> Any:
    if isinstance(one, str) and isinstance(other, str):
        return bounded(one[:TEXT_MAX_CHARS] + other[:TEXT_MAX_CHARS])
    return computed(number(one) + number(other))


def _is_in(item: Any, container: Any) -> bool:
    if isinstance(container, list) and len(container) > ITEMS_MAX:
        raise TypeError("too long a list to search for every message")
    return item in container


ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": _add,
    "-": _on_numbers(operator.sub),
    "*": _on_numbers(operator.mul),
    "/": _on_numbers(operator.truediv),
    "//": _on_numbers(operator.floordiv),
    "%": _on_numbers(operator.mod),
}

SIGNS: Mapping[str, Callable[[Any], Any]] = {
    "-": lambda value: computed(-number(value)),
    "+": number,
}

COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
    "in": _is_in,
    "notin": lambda item, container: not _is_in(item, container),  # codespell:ignore notin
}


def item_of(owner: Any, index: Any) -> Any:
    """Return `owner[index]` of a list, text or object; raises one of `FAILURES`."""
    return read(owner[index])


def slice_of(owner: Any, start: Any, stop: Any, step: Any) -> Any:
    """Return `owner[start:stop:step]`; raises one of `FAILURES`."""
    return owner[slice(start, stop, step)]
