"""Check the arguments of a call when it is loaded, by the signature of the function it calls."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from kilopush_bridge.expressions.scope import Getter


def bind(
    function: Callable[..., Any], positional: Sequence[Getter], keywords: Mapping[str, Getter]
) -> tuple[Callable[..., Any], list[Getter]]:
    """Return a function of positional arguments, and the getters that give them in their order.

    Raises:
        TypeError: an argument is missing, unknown or too much.
    """
    bound = inspect.signature(function).bind(*positional, **keywords)
    getters = [*bound.args, *bound.kwargs.values()]
    if not bound.kwargs:
        return function, getters
    at, names = len(bound.args), tuple(bound.kwargs)

    def with_keywords(*values: Any) -> Any:
        return function(*values[:at], **dict(zip(names, values[at:], strict=True)))

    return with_keywords, getters


def usage(name: str, function: Callable[..., Any], *, has_subject: bool) -> str:
    """Return how a call is written, such as `replace(old, new)` or `round(precision=...)`.

    `has_subject`: the first argument stands before the name, as in `value | round`.
    """
    parameters = list(inspect.signature(function).parameters.values())[has_subject:]
    if not parameters:
        return f"`{name}` takes no arguments"
    return f"it is `{name}({', '.join(map(_shown, parameters))})`"


def _shown(parameter: inspect.Parameter) -> str:
    is_plain = parameter.kind is parameter.POSITIONAL_OR_KEYWORD
    if is_plain and parameter.default is parameter.empty:
        return parameter.name
    return f"{parameter.name}=..."
