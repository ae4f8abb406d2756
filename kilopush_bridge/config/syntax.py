"""From the text of a file to YAML nodes, with what is wrong in our words.

PyYAML's own words name its tokens, and some of them repeat what the file says there, which may be
a password: none of them is shown.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

import yaml

from kilopush_bridge.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pathlib import Path

NULL_TAG = "tag:yaml.org,2002:null"


class _Loader(yaml.SafeLoader):
    """Knows lists, mappings, texts and nothing-at-all.

    YAML 1.1 would also make a boolean of `on`, the number 1350 of `22:30` and 1.1 of `1.10`.
    """


_Loader.yaml_implicit_resolvers = {}
_Loader.add_implicit_resolver(NULL_TAG, re.compile(r"(?:~|null|Null|NULL|)\Z"), ["~", "n", "N", ""])


class _Reading(NamedTuple):
    """What an error of PyYAML means: where its text matches `pattern`, say `what` and `hint`."""

    pattern: str
    what: str
    hint: str
    is_at_start: bool = False  # the mistake is where the broken thing begins, not where it ends


_READINGS = (
    _Reading(r"character '\\t'", "a tab in the indentation", "indent with spaces"),
    _Reading(
        r"character '[%@`]'", "text cannot begin with `%`, `@` or a backtick", "put it in quotes"
    ),
    _Reading(
        r"quoted scalar.*(end of stream|document separator)",
        "a quote is never closed",
        "look for the one that is missing",
        is_at_start=True,
    ),
    _Reading(
        r"double-quoted",
        "in double quotes a backslash begins an escape, and this is none",
        "use single quotes",
    ),
    _Reading(
        r"undefined alias|an alias",
        "text cannot begin with `*`",
        "put it in quotes",
        is_at_start=True,
    ),
    _Reading(r"an anchor", "text cannot begin with `&`", "put it in quotes", is_at_start=True),
    _Reading(r"duplicate anchor", "there is another anchor of this name", "choose another name"),
    _Reading(
        r" tag",
        "text cannot begin with `!`",
        "put it in quotes; `!secret name` is the one tag here",
        is_at_start=True,
    ),
    _Reading(r"single document", "a second document begins", "a file holds one: remove the `---`"),
    _Reading(
        r"mapping values are not",
        "this `:` cannot stand here",
        "put text that holds `: ` in quotes; else look at the indentation",
    ),
    _Reading(
        r"sequence entries are not",
        "this `-` cannot stand here",
        "a list begins on a line of its own; put text that begins with `- ` in quotes",
    ),
    _Reading(r"mapping keys are not", "text cannot begin with `? `", "put it in quotes"),
    _Reading(r"block scalar", "text cannot begin with `>` or `|`", "put it in quotes"),
    _Reading(
        r"flow .*expected ('|the node content, but found '<stream end)",
        "this `[` or `{` is never closed",
        "after a space, `#` starts a comment: put text that holds it in quotes",
        is_at_start=True,
    ),
    _Reading(
        r"expected the node content",
        "text cannot begin with this character",
        "put it in quotes",
    ),
    _Reading(
        r"could not find expected ':'",
        "a line without `: `",
        "after a word come a colon and a space",
        is_at_start=True,
    ),
    _Reading(
        r"found '<(block mapping start|block sequence start|block end)>'",
        "this line is indented differently from those above",
        "the lines of a section begin in the same column",
    ),
)
_AFTER_BRACKET = _Reading(
    "",
    "text goes on after a closing bracket",
    "put text that begins with `{` or `[` in quotes",
)
_AFTER_QUOTE = _Reading(
    "",
    "text goes on after a closing quote",
    "put the whole text in the other kind of quotes",
)
_ELSE = _Reading("", "this cannot stand here", "put text with special characters in quotes")

# `message: {device} ...`: what YAML took for the whole value, and what it really begins with
_VALUE_START = re.compile(r"""[ ]*(?:- +)*(?:[^'"{\[\s][^:\n]*: +)?(?P<first>['"{\[])""")


def compose(path: Path, hint_if_missing: str) -> tuple[str, yaml.Node | None]:
    """Return the text of a file and its YAML node; None for a file that holds nothing.

    Raises:
        ConfigError: there is no such file, or it is no YAML.
    """
    text = _read(path, hint_if_missing)
    try:
        return text, yaml.compose(text, _Loader)
    except yaml.MarkedYAMLError as error:
        raise ConfigError([_explained(path, text, error)]) from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position].split("\n")
        place = len(before), len(before[-1]) + 1
        raise ConfigError([Problem(str(path), *place, "a character that YAML forbids")]) from error
    except RecursionError as error:
        raise ConfigError([Problem(str(path), 0, 0, "nested too deep")]) from error
    except (ValueError, OverflowError) as error:  # "\UFFFFFFFF"
        raise ConfigError([Problem(str(path), 0, 0, "an escape that is no character")]) from error


def _read(path: Path, hint: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise ConfigError([Problem(str(path), 0, 0, "there is no such file", hint)]) from error
    except OSError as error:
        raise ConfigError(
            [Problem(str(path), 0, 0, f"cannot be read: {error.strerror}")]
        ) from error
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        hint = "save the file as UTF-8"
        raise ConfigError([Problem(str(path), line, 1, "this is not UTF-8", hint)]) from error
    except ValueError as error:
        raise ConfigError([Problem(str(path), 0, 0, "no file can be called that")]) from error


def _explained(path: Path, text: str, error: yaml.MarkedYAMLError) -> Problem:
    reading = _reading_of(f"{error.context} {error.problem}", text, error)
    mark = (reading.is_at_start and error.context_mark) or error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
    return Problem(str(path), line, column, f"not YAML: {reading.what}", reading.hint)


def _reading_of(said: str, text: str, error: yaml.MarkedYAMLError) -> _Reading:
    for reading in _READINGS:
        if re.search(reading.pattern, said):
            return reading
    mark = error.problem_mark
    start = _VALUE_START.match(text, mark.index - mark.column) if mark else None
    if start is None:
        return _ELSE
    return _AFTER_BRACKET if start["first"] in "{[" else _AFTER_QUOTE
