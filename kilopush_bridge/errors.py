"""The exceptions of the daemon: one class per reaction, not per cause.

Expected outcomes (a refused POST, an unknown condition) are values and never pass through here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

EXIT_UNEXPECTED = 1
EXIT_CONFIG = 2
EXIT_STORAGE = 3


class KilopushError(Exception):
    """Anything that ends a command with one clear line and `exit_code`."""

    exit_code = EXIT_UNEXPECTED


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing wrong with a configuration file.

    `str()` gives `FILE:LINE:COLUMN: what; hint`. The source line is never part of it: it may hold
    a secret. `line` and `column` count from 1; a line of 0 means the file as a whole. It is one
    line of printable characters, whatever names the file holds.
    """

    file: str
    line: int
    column: int
    what: str
    hint: str = ""

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        text = f"{place}: {self.what}" + (f"; {self.hint}" if self.hint else "")
        return "".join(char if char.isprintable() else " " for char in text)


class ConfigError(KilopushError):
    """The configuration cannot be used: every problem at once, in order of the file."""

    exit_code = EXIT_CONFIG

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(map(str, self.problems)))


class UsageError(KilopushError):
    """The command line asks for something that does not exist."""

    exit_code = EXIT_CONFIG


class StorageError(KilopushError):
    """The state cannot be read or written: full disk, no permission, another process, too new."""

    exit_code = EXIT_STORAGE


class ConnectError(KilopushError):
    """The broker could not be reached, or refused: back off and try again.

    `is_refusal` tells a broker that answered "no" (credentials, client id, certificate) from one
    that did not answer.
    """

    def __init__(self, what: str, *, is_refusal: bool = False) -> None:
        super().__init__(what)
        self.is_refusal = is_refusal
