"""From YAML nodes to data, remembering where everything stands.

Differences from plain YAML, each of which has bitten people who write rules: every plain value is
a text, a key that stands twice is an error, `!secret name` reads `secrets.yaml`, and `${...}` is
expanded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from kilopush_bridge.config.expand import ReferenceProblem, expand
from kilopush_bridge.config.problems import Problems, shortened
from kilopush_bridge.config.secret_file import SecretFile
from kilopush_bridge.config.source import Source, Written
from kilopush_bridge.config.syntax import NULL_TAG, compose
from kilopush_bridge.errors import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from kilopush_bridge.config.source import KeyPath, Place

DEPTH_MAX = 20
NODES_MAX = 100_000  # aliases of aliases make an endless tree out of ten lines

_OWN_TAGS = {NULL_TAG, *(f"tag:yaml.org,2002:{kind}" for kind in ("str", "map", "seq"))}
_CUT_TEXT = re.compile(r" #(\S| \d)")  # `Battery #3`; comments are mostly written `# text`
_CUT_ALL = re.compile(r"[ \t]+#")  # `topic: #`


def read_source(path: Path, environment: Mapping[str, str]) -> tuple[Source, Problems]:
    """Return what a file says, and the problems with it so far.

    Raises:
        ConfigError: there is no such file, or it cannot be read as sections.
    """
    hint = "copy config.example.yaml and edit it, or name a file with --config"
    text, node = compose(path, hint)
    if node is None:
        raise ConfigError([Problem(str(path), 0, 0, "the file is empty", hint)])
    if not isinstance(node, yaml.MappingNode):
        what = "a configuration begins with sections such as `mqtt:`, `channels:`, `alerts:`"
        raise ConfigError([Problem(str(path), *_place(node), what)])
    source = Source(str(path))
    builder = _Builder(source, text, SecretFile(path), environment)
    try:
        source.data = builder.mapping(node, ())
    except _TooMuchError as error:
        what = "the aliases of this file make too much of it"
        raise ConfigError([Problem(str(path), 0, 0, what)]) from error
    return source, builder.problems


class _TooMuchError(Exception):
    """More than `NODES_MAX` values."""


class _Builder:
    """Turn nodes into data, noting places and problems."""

    def __init__(
        self, source: Source, text: str, secrets: SecretFile, environment: Mapping[str, str]
    ) -> None:
        self.problems = Problems(source)
        self._source = source
        self._file_text = text
        self._secrets = secrets
        self._environment = environment
        self._nodes = 0

    def mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        data: dict[str, Any] = {}
        for key_node, value_node, is_own in _entries(node):
            key = self._key(key_node, node, path)
            if key is None:
                continue
            here = (*path, key)
            if key not in data:
                self._source.keys[here] = _place(key_node)
                data[key] = self._value(value_node, here)
            elif is_own:
                line, _ = self._source.keys[here]
                what = f"`{shortened(key)}` stands twice"
                self.problems.add_at(_place(key_node), what, f"first in line {line}")
        return data

    def _key(self, node: yaml.Node, owner: yaml.MappingNode, path: KeyPath) -> str | None:
        key = _whole(node.value) if isinstance(node, yaml.ScalarNode) else None
        if key:
            return key
        if owner.flow_style:  # `message: {{ device }}`
            self.problems.reject(path, "`{` begins a mapping here", "put text with `{` in quotes")
        else:
            self.problems.add_at(_place(node), "a key is a plain word or text")
        return None

    def _value(self, node: yaml.Node, path: KeyPath) -> Any:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise _TooMuchError
        self._source.values[path] = _place(node)
        is_secret = node.tag == "!secret" and isinstance(node, yaml.ScalarNode)
        if node.tag not in _OWN_TAGS and not is_secret:
            hint = "put text that begins with `!` in quotes; `!secret name` is the one tag here"
            self.problems.reject(path, "a tag that means nothing here", hint)
        elif len(path) > DEPTH_MAX:
            self.problems.reject(path, "nested too deep")
        elif isinstance(node, yaml.ScalarNode):
            return self._scalar(node, path)
        elif isinstance(node, yaml.MappingNode):
            return self.mapping(node, path)
        else:
            return [self._value(item, (*path, at)) for at, item in enumerate(node.value)]
        return None

    def _scalar(self, node: yaml.ScalarNode, path: KeyPath) -> str | None:
        self._note_form(node, path)
        if node.tag == NULL_TAG:
            return None
        try:
            text = self._secret_or_text(node, path)
        except ReferenceProblem as problem:
            self.problems.reject(path, str(problem), problem.hint)
            return None
        whole = _whole(text)
        if whole is None:
            self.problems.reject(path, "a character that is none (NUL, or half of a pair)")
        return whole

    def _secret_or_text(self, node: yaml.ScalarNode, path: KeyPath) -> str:
        is_secret = node.tag == "!secret"
        if is_secret or "${" in node.value:
            self._source.inserted.add(path)
        if not is_secret:
            return expand(node.value, self._environment)
        try:
            return self._secrets.look_up(node.value)
        except ConfigError as error:  # of secrets.yaml itself
            self.problems.found += error.problems
            self.problems.ignore(path)
            return ""

    def _note_form(self, node: yaml.ScalarNode, path: KeyPath) -> None:
        start, end = node.start_mark, node.end_mark
        if node.style is None:  # plain
            pattern = _CUT_TEXT if node.value else _CUT_ALL
            if pattern.match(self._file_text, end.index):
                self._source.cut.add(path)
        if start.line != end.line:
            written = self._file_text[start.index : end.index]
            if node.style in ("|", ">"):  # the text begins below the sign
                self._source.written[path] = Written(
                    (start.line + 2, 1), written.partition("\n")[2]
                )
            else:
                self._source.written[path] = Written(_place(node), written.strip("'\""))


def _entries(node: yaml.MappingNode) -> Iterator[tuple[yaml.Node, yaml.Node, bool]]:
    """Yield keys and values, the mapping's own ones first, then those that `<<` merges into it."""
    pending = [node]
    seen: set[int] = set()
    while pending:
        mapping = pending.pop(0)
        if id(mapping) in seen:
            continue
        seen.add(id(mapping))
        merged: list[yaml.MappingNode] = []
        for key, value in mapping.value:
            found = _merged_by(key, value)
            merged += found
            if not found:
                yield key, value, mapping is node
        pending = merged + pending


def _merged_by(key: yaml.Node, value: yaml.Node) -> list[yaml.MappingNode]:
    """Return what `<<: *name` or `<<: [*name, *other]` merges; nothing for any other key."""
    if key.value != "<<":
        return []
    values = value.value if isinstance(value, yaml.SequenceNode) else [value]
    return [one for one in values if isinstance(one, yaml.MappingNode)]


def _whole(text: str) -> str | None:
    r"""Return `text` with emoji that JSON writes as two escapes (`\ud83d\udca7`) joined.

    None for a text that MQTT and HTTP cannot carry.
    """
    if "\0" in text:
        return None
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        return None


def _place(node: yaml.Node) -> Place:
    return node.start_mark.line + 1, node.start_mark.column + 1
