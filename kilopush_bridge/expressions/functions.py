"""What expressions and templates may call: filters, tests, functions and methods.

These tables are the sandbox: there is no way to reach anything else. Every entry is pure, linear
in its input and bounded in its output. Its Python signature is what people may write: parameters
have the names that Jinja2 documents. An entry answers `UNKNOWN` where its input makes no sense,
and may raise the errors in `operators.FAILURES`, which mean the same.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from kilopush_bridge.expressions.operators import (
    ITEMS_MAX,
    TEXT_MAX_CHARS,
    bounded,
    computed,
    joined,
    number,
)
from kilopush_bridge.expressions.values import UNKNOWN, offline, online, read, text_of, truth

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping

    Function = Callable[..., Any]

NUMBER_MAX_CHARS = 64  # a text that is longer is no reading
DIGITS_MAX = 15  # what a float holds; Python would work out 10**n for any n


def _items(value: Any) -> list[Any]:
    if not isinstance(value, (list, tuple, dict)) or len(value) > ITEMS_MAX:
        raise TypeError("not a list, or too long a one")
    return list(value)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return value


def _parts(view: Collection[Any]) -> list[Any]:
    """Return keys, values or items; one more than `ITEMS_MAX` tells that there are more."""
    return list(islice(view, ITEMS_MAX + 1))


def _on_any(change: Callable[[str], str]) -> Function:
    """Return a filter that changes the text of any value."""
    return lambda value: bounded(change(bounded(text_of(value))))


def _on_text(change: Callable[[str], str]) -> Function:
    """Return a method that only texts have."""
    return lambda value: bounded(change(bounded(_text(value))))


def _digits(text: str) -> str:
    if len(text) > NUMBER_MAX_CHARS:
        raise ValueError("too long for a number")
    return text


def _float(value: Any) -> Any:
    """Return the number that a text or a number holds: `'21.4'`, `21.4`."""
    return computed(float(_digits(value) if isinstance(value, str) else number(value)))


def _int(value: Any) -> Any:
    """Return the same without its fraction."""
    return computed(int(value if type(value) is int else _float(value)))


def _round(value: Any, precision: int = 0) -> Any:
    if abs(precision) > DIGITS_MAX:
        raise ValueError("no number has so many digits")
    return computed(round(number(value), precision or None))


def _default(value: Any, default_value: Any = "", boolean: Any = False) -> Any:
    is_missing = value is UNKNOWN or (boolean is True and not value)
    return default_value if is_missing else value


def _replace(value: Any, old: str, new: str) -> str:
    text, old, new = bounded(text_of(value)), _text(old), bounded(_text(new))
    if not old:
        raise ValueError("nothing to replace")
    # what comes after so many replacements is cut anyway
    return bounded(text.replace(old, new, TEXT_MAX_CHARS // max(1, len(new)) + 1))


def _truncate(value: Any, length: int = 255) -> str:
    text = bounded(text_of(value))
    return text if len(text) <= length else text[: max(0, length - 1)] + "…"


def _map(value: Any, *, attribute: str) -> list[Any]:
    """Return one field of each object in a list; objects without it are left out."""
    found = [read(item.get(attribute)) for item in _items(value) if isinstance(item, dict)]
    return [item for item in found if item is not UNKNOWN]


def _length(value: Any) -> int:
    if isinstance(value, (str, list, tuple, dict)):
        return len(value)
    raise TypeError("has no length")


def _split(value: Any, sep: str | None = None, maxsplit: int = ITEMS_MAX - 1) -> list[str]:
    return bounded(_text(value)).split(sep, min(maxsplit, ITEMS_MAX - 1))


FILTERS: Mapping[str, Function] = {
    "abs": lambda value: computed(abs(number(value))),
    "capitalize": _on_any(str.capitalize),
    "count": _length,
    "d": _default,
    "default": _default,
    "first": lambda value: read(_items(value)[0]),
    "float": _float,
    "int": _int,
    "join": lambda value, d="": joined(_items(value), _text(d)),
    "last": lambda value: read(_items(value)[-1]),
    "length": _length,
    "list": _items,
    "lower": _on_any(str.lower),
    "map": _map,
    "max": lambda value: read(max(_items(value))),
    "min": lambda value: read(min(_items(value))),
    "replace": _replace,
    "round": _round,
    "sort": lambda value, reverse=False: sorted(_items(value), reverse=truth(reverse) is True),
    "string": lambda value: bounded(text_of(value)),
    "sum": lambda value: computed(sum(map(number, _items(value)))),
    "title": _on_any(str.title),
    "trim": _on_any(str.strip),
    "truncate": _truncate,
    "unique": lambda value: list(dict.fromkeys(_items(value))),
    "upper": _on_any(str.upper),
    "urlencode": _on_any(quote),
}

TESTS: Mapping[str, Function] = {
    "boolean": lambda value: isinstance(value, bool),
    "defined": lambda value: value is not UNKNOWN,
    "even": lambda value: number(value) % 2 == 0,
    "false": lambda value: truth(value) is False,
    "mapping": lambda value: isinstance(value, dict),
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "odd": lambda value: number(value) % 2 == 1,
    "sequence": lambda value: isinstance(value, (list, tuple)),
    "string": lambda value: isinstance(value, str),
    "true": lambda value: truth(value) is True,
    "undefined": lambda value: value is UNKNOWN,
}

# These look at `UNKNOWN` itself; for all others, unknown in is unknown out.
SEE_UNKNOWN = frozenset({"d", "default", "defined", "undefined"})

FUNCTIONS: Mapping[str, Function] = {
    "offline": offline,
    "online": online,
}

METHODS: Mapping[str, Function] = {
    "capitalize": _on_text(str.capitalize),
    "endswith": lambda text, suffix: _text(text).endswith(_text(suffix)),
    "get": lambda mapping, key, default=UNKNOWN: read(_object(mapping).get(key, default)),
    "items": lambda mapping: _parts(_object(mapping).items()),
    "keys": lambda mapping: _parts(_object(mapping).keys()),
    "lower": _on_text(str.lower),
    "replace": lambda text, old, new: _replace(_text(text), old, new),
    "split": _split,
    "startswith": lambda text, prefix: _text(text).startswith(_text(prefix)),
    "strip": _on_text(str.strip),
    "title": _on_text(str.title),
    "upper": _on_text(str.upper),
    "values": lambda mapping: _parts(_object(mapping).values()),
}
