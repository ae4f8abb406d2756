"""Where the configuration of `kilopush-bridge init` goes."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from kilopush_bridge.cli.common import counted, find_config
from kilopush_bridge.config import Config, load_config
from kilopush_bridge.config.secret_file import FILE_NAME
from kilopush_bridge.errors import ConfigError, UsageError
from kilopush_bridge.setup import Answers, Keep, config_text, merged_secrets
from kilopush_bridge.setup.files import clashes, secrets_of
from kilopush_bridge.setup.writing import PRIVATE, PUBLIC, SHARED, write_files


@dataclass(frozen=True, slots=True)
class Target:
    """Where the configuration goes, and how its secrets are kept."""

    path: Path
    keep: Keep
    is_forced: bool

    @property
    def is_default(self) -> bool:
        """Whether the other commands find the file by themselves."""
        return find_config(None) == self.path

    @property
    def secrets_path(self) -> Path:
        """The file that `!secret` reads."""
        return self.path.parent / FILE_NAME

    def check_free(self) -> None:
        """Refuse to overwrite a configuration.

        Raises:
            UsageError: there is one already, or nowhere to put one.
        """
        if not self.path.parent.is_dir():
            raise UsageError(f"{self.path}: there is no folder {self.path.parent}")
        if not os.access(self.path.parent, os.W_OK):
            raise UsageError(f"{self.path}: the folder {self.path.parent} cannot be written")
        if self.path.exists() and not self.is_forced:
            what = f"{self.path} is there already"
            raise UsageError(f"{what}; --force overwrites it, -c FILE writes another one")

    def clashes(self, answers: Answers) -> list[str]:
        """Return which secrets would be replaced by others."""
        if self.keep is not Keep.FILE or self.is_forced:
            return []
        return clashes(self._known_secrets(), answers)

    def write(self, answers: Answers) -> None:
        """Write the files, and say which; nothing changes if they would not be right.

        Raises:
            UsageError: they cannot be written, or would replace other secrets.
            ConfigError: a file that is there already spoils them.
        """
        if names := self.clashes(answers):
            what = f"{self.secrets_path} has another {' and '.join(names)}"
            raise UsageError(f"{what} already; --force replaces it")
        texts = {self.path: (config_text(answers, self.keep), PUBLIC)}
        if self.keep is Keep.INLINE:
            texts[self.path] = (config_text(answers, self.keep), PRIVATE)
        if self.keep is Keep.FILE:
            mode = SHARED if self.secrets_path.exists() else PRIVATE
            merged = merged_secrets(self._known_secrets(), answers)
            texts = {self.secrets_path: (merged, mode), **texts}
        self._try(texts, answers)
        with _uninterrupted():
            write_files(texts)
        loaded = self.load(answers)
        for path in reversed(texts):
            mode = path.stat().st_mode
            private = "" if mode & 0o077 else " (only its owner can read it)"
            print(f"Written: {path}{private}")
        counts = (
            counted(len(loaded.rules), "rule", "rules"),
            counted(len(loaded.people), "person", "people"),
        )
        print(f"{self.path}: {', '.join(counts)}: no problems")
        if not loaded.rules:
            print("The rules in it are examples: take the `# ` away from what suits your house.")
        if self.keep is Keep.ENVIRONMENT:
            _say_variables(answers)

    def load(self, answers: Answers, path: Path | None = None) -> Config:
        """Return the configuration as the bridge will read it."""
        return load_config(path or self.path, {**os.environ, **self._variables(answers)})

    def _variables(self, answers: Answers) -> Mapping[str, str]:
        return secrets_of(answers) if self.keep is Keep.ENVIRONMENT else {}

    def _known_secrets(self) -> str:
        try:
            return self.secrets_path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return ""
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"{self.secrets_path} cannot be read: {error}") from error

    def _try(self, texts: Mapping[Path, tuple[str, int]], answers: Answers) -> None:
        """Load the files from a folder that only we can read."""
        with tempfile.TemporaryDirectory(prefix="kilopush-") as folder:
            for path, (text, _) in texts.items():
                (Path(folder) / path.name).write_text(text, encoding="utf-8")
            try:
                self.load(answers, Path(folder) / self.path.name)
            except ConfigError as error:
                parent = self.path.parent
                found = [
                    replace(one, file=str(parent / Path(one.file).name)) for one in error.problems
                ]
                raise ConfigError(found) from error


def _say_variables(answers: Answers) -> None:
    print("Set these variables for the bridge, in its systemd unit for example:")
    for name, value in secrets_of(answers).items():
        is_set = " (is set here)" if os.environ.get(name) == value else ""
        print(f"  {name}{is_set}")


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let Ctrl-C wait for the files: both of them are there, or none."""
    handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)
