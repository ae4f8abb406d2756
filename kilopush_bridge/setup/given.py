"""What is not asked: options, and secrets from the environment or a file of `NAME=value` lines."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from kilopush_bridge.setup.files import references

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_LINE = re.compile(r"\s*(?:export\s+)?(?P<name>\w+)\s*[=:]\s*(?P<value>.*?)\s*\Z")
_QUOTED = re.compile(r"(['\"])(?P<text>.*)\1\Z")


def parse_secret_file(text: str) -> dict[str, str]:
    """Return values by name, which counts in any case.

    Both `KILO_TOKEN=c_...`, as systemd and Docker read it, and `kilo_token: c_...`.
    """
    values = {}
    for line in text.splitlines():
        match = _LINE.match(line)
        if match and not line.lstrip().startswith("#"):
            quoted = _QUOTED.match(match["value"])
            values[match["name"].upper()] = quoted["text"] if quoted else match["value"]
    return values


@dataclass(frozen=True, slots=True)
class Given:
    """What is known before anything is asked. Nothing of it has been checked."""

    broker: str | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    token: str | None = field(default=None, repr=False)
    secret: str | None = field(default=None, repr=False)
    people: Mapping[str, str | None] = field(default_factory=dict, repr=False)
    to: str | None = None
    is_connecting: bool = True


def tokens_of(people: Iterable[str], values: Mapping[str, str]) -> dict[str, str | None]:
    """Return a token for each person: `NAME=TOKEN` says it, else `values` may have `KILO_NAME`."""
    said = dict(_name_and_token(one) for one in people)
    names = references(said)
    return {name: token or values.get(names[name]) for name, token in said.items()}


def _name_and_token(text: str) -> tuple[str, str | None]:
    name, separator, token = text.partition("=")
    return name.strip(), token.strip() if separator else None
