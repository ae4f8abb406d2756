"""Which files a configuration is made of, and whether what they say has changed."""

from __future__ import annotations

import re
from hashlib import blake2s
from pathlib import Path

from kilopush_bridge.config.expand import FILE_MAX_BYTES
from kilopush_bridge.config.secret_file import FILE_NAME

_FILE = re.compile(rb"\$\{file:([^{}]*)\}")
CONFIG_MAX_BYTES = 16_000_000


def fingerprint(path: Path) -> bytes:
    """Return what stands for the content of a configuration and all that it takes from files.

    Never raises: a file that is not there, or cannot be read, is a content of its own. What is
    written in a comment is watched too: that does no harm.
    """
    text = _read(path, CONFIG_MAX_BYTES)
    named = {Path(one.decode(errors="replace")) for one in _FILE.findall(text or b"")}
    digest = blake2s()
    for content in (text, *(_read(one, FILE_MAX_BYTES) for one in _in_order(path, named))):
        digest.update(b"-" if content is None else b"%d:%b" % (len(content), content))
    return digest.digest()


def _in_order(path: Path, named: set[Path]) -> list[Path]:
    return [path.parent / FILE_NAME, *sorted(named)]


def _read(path: Path, at_most: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(at_most)
    except (OSError, ValueError):
        return None
