"""`secrets.yaml`: values by name, beside the configuration, as in Home Assistant and ESPHome."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml

from kilopush_bridge.config.expand import ReferenceProblem
from kilopush_bridge.config.problems import did_you_mean
from kilopush_bridge.config.syntax import compose
from kilopush_bridge.errors import ConfigError, Problem

if TYPE_CHECKING:
    from pathlib import Path

FILE_NAME = "secrets.yaml"


class SecretFile:
    """The secrets of one configuration, read when the first `!secret` asks for one."""

    def __init__(self, config: Path) -> None:
        self._path = config.parent / FILE_NAME
        self._values: dict[str, str] | None = None

    def look_up(self, name: str) -> str:
        """Return a secret as it stands in the file: `${...}` is not expanded there.

        Raises:
            ReferenceProblem: there is none of that name.
            ConfigError: the file cannot be read.
        """
        if self._values is None:
            self._values = _read(self._path)
        if name not in self._values:
            # the name is not repeated: it may be the password itself
            what = f"there is no secret of this name in {FILE_NAME}"
            raise ReferenceProblem(what, did_you_mean(name, self._values))
        return self._values[name]


def _read(path: Path) -> dict[str, str]:
    _, node = compose(path, "`!secret` looks for it beside the configuration")
    entries = node.value if isinstance(node, yaml.MappingNode) else []
    if not entries and node is not None:
        raise ConfigError([Problem(str(path), 0, 0, "secrets are lines such as `name: value`")])
    return {
        str(key.value): value.value for key, value in entries if isinstance(value, yaml.ScalarNode)
    }
