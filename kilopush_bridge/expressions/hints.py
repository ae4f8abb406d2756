"""What people write who think in another language, and what it is here."""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

_ARITHMETIC = "write `x * 2`, `x + 2`"
_IS_JSON = "payloads are already parsed: `value` is what their JSON says"
_AS_JSON = "objects and lists print as JSON by themselves"
_NOW = "messages know `now`, a text such as `2026-03-01 14:05`"
_ONE_MESSAGE = "a rule sees nothing but the message: its payload is `value`"

# Filters, tests and functions of Home Assistant that have no namesake here.
_ELSEWHERE = {
    "None": "write `x is undefined`",
    "none": "write `x is undefined`",
    "add": _ARITHMETIC,
    "multiply": _ARITHMETIC,
    "bool": "write `x is true`",
    "float": "write `x | float`",
    "int": "write `x | int`",
    "from_json": _IS_JSON,
    "to_json": _AS_JSON,
    "tojson": _AS_JSON,
    "is_number": "write `x is number`",
    "has_value": "write `x is defined`",
    "iif": "write `b if a else c`",  # codespell:ignore iif
    "now": _NOW,
    "utcnow": _NOW,
    "is_state": _ONE_MESSAGE,
    "state_attr": _ONE_MESSAGE,
    "states": _ONE_MESSAGE,
}
# Filters that take a default there.
_ARGUMENTS = {name: f"write `{name} | default(0)`" for name in ("float", "int")}

_QUOTED = re.compile(r"""'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*\"""", re.DOTALL)
# Part of an expression that is none, its quoted texts left out, and what that means.
_MISTAKES = (
    (r"['\"]", "a quote is never closed"),
    (r"\{\{", "write the expression without `{{` and `}}`"),
    (r"&&", "write `and`"),
    (r"\|\|", "write `or`"),
    (r"!(?!=)", "write `not`; unequal is `!=`"),
    (r"(?<![=!<>])=(?!=)|===", "equal is `==`"),
    (r"\b(?:AND|OR|NOT|IN|IS)\b", "write `and`, `or`, `not`, `in` and `is` in lower case"),
    (r"([=!<>]=|[<>+*/%~-]|\b(?:and|or|not|in|is))\s*\Z", r"something is missing after `\1`"),
)


def hint_of_mistake(source: str) -> str:
    """Return what is probably wrong with a text that is no expression, else an empty text."""
    bare = _QUOTED.sub("0", source)
    found = ((re.search(pattern, bare), hint) for pattern, hint in _MISTAKES)
    return next((match.expand(hint) for match, hint in found if match), "")


def hint_of_name(name: str, kind: str, known: Collection[str]) -> str:
    """Return what to write instead of a filter, test, function or method that does not exist."""
    if name in _ELSEWHERE:
        return _ELSEWHERE[name]
    close = get_close_matches(name.lower(), known, n=3)
    listed = f"docs/rules.md lists every {kind}"
    names = " or ".join(f"`{one}`" for one in close)
    return f"did you mean {names}? {listed}" if close else listed


def hint_of_arguments(name: str, usage: str) -> str:
    """Return how a call is written whose arguments do not fit."""
    return _ARGUMENTS.get(name, usage)
