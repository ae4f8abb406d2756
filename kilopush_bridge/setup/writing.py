"""Put new files in place: each as a whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from kilopush_bridge.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

PRIVATE = 0o600
SHARED = 0o640  # a file that was there may stay readable to its group
PUBLIC = 0o644


def write_files(texts: Mapping[Path, tuple[str, int]]) -> None:
    """Write texts with their modes; one that is there keeps its owner and gets no wider mode.

    All of them are on the disk before the first takes its place.

    Raises:
        UsageError: a folder or file cannot be written; nothing has changed then.
    """
    ready: dict[Path, Path] = {}
    try:
        for path, (text, mode) in texts.items():
            target = path.resolve()  # a link stays one
            ready[target] = _prepared(target, text, mode)
        for target, temporary in ready.items():
            temporary.replace(target)
    except OSError as error:
        raise UsageError(f"cannot write {error.filename}: {error.strerror}") from error
    finally:
        for temporary in ready.values():
            temporary.unlink(missing_ok=True)


def _prepared(target: Path, text: str, mode: int) -> Path:
    """Return a file beside `target` that holds the text, on the disk."""
    number, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with os.fdopen(number, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            with contextlib.suppress(FileNotFoundError):
                known = target.stat()
                mode &= stat.S_IMODE(known.st_mode) | PRIVATE
                with contextlib.suppress(PermissionError):
                    os.fchown(file.fileno(), known.st_uid, known.st_gid)
            os.fchmod(file.fileno(), mode)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return Path(name)
