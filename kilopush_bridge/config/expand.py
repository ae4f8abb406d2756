"""`${NAME}`, `${NAME:-default}` and `${file:/run/secrets/name}` in a value; `$$` is `$`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

FILE_MAX_BYTES = 65_536

_REFERENCE = re.compile(r"\$(?:(?P<dollar>\$)|\{(?P<inner>[^{}]*)\}|(?P<open>\{))")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_BARE_NAME = re.compile(r"\$([A-Z_][A-Z0-9_]{0,30})\Z")
_DOLLAR_HINT = "`$$` is a plain `$`"


class ReferenceProblem(Exception):  # noqa: N818  (it becomes a line of the report, no crash)
    """A reference that leads nowhere; the text never shows a value."""

    def __init__(self, what: str, hint: str = "") -> None:
        super().__init__(what)
        self.hint = hint


def expand(text: str, environment: Mapping[str, str]) -> str:
    """Return `text` with every reference replaced; what is inserted is not expanded again.

    Raises:
        ReferenceProblem: a variable is not set, a file cannot be read, a brace is not closed.
    """

    def replacement(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        if match["open"]:
            raise ReferenceProblem("`${` is never closed", _DOLLAR_HINT)
        return _look_up(match["inner"], environment)

    return _REFERENCE.sub(replacement, text)


def braces_hint(value: str) -> str:
    """Return `did you mean ${NAME}?` for a value that is `$NAME`, else an empty text."""
    match = _BARE_NAME.match(value)
    return f"did you mean `${{{match[1]}}}`?" if match else ""


def _look_up(reference: str, environment: Mapping[str, str]) -> str:
    if reference.startswith("file:"):
        return _read(reference.removeprefix("file:"))
    name, separator, default = reference.partition(":-")
    if not _NAME.match(name):  # not repeated: it may be a piece of a password
        known = "there are ${NAME}, ${NAME:-default} and ${file:/path}"
        raise ReferenceProblem("`${...}` holds no name of a variable", f"{known}; {_DOLLAR_HINT}")
    value = environment.get(name, "")
    if value or separator:
        return value or default
    hint = f"set it in the environment, or write ${{{name}:-default}}"
    raise ReferenceProblem(f"the variable `{name}` is not set", hint)


def _read(name: str) -> str:
    """Return a file's text without white space around it, as `docker secret` files need it."""
    try:
        with Path(name).open("rb") as file:
            content = file.read(FILE_MAX_BYTES + 1)
        if len(content) <= FILE_MAX_BYTES:
            return content.decode().strip()
        reason = f"it is longer than {FILE_MAX_BYTES} bytes"
    except UnicodeDecodeError:
        reason = "it is not UTF-8"
    except OSError as error:
        reason = str(error.strerror)
    except ValueError:
        reason = "no file can be called that"
    raise ReferenceProblem(f"`${{file:{name}}}` cannot be read: {reason}")
