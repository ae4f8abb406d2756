"""The SQLite file: opening, migrating, and the threads that use it.

WAL with `synchronous=FULL`: a commit that returned survives a power cut (promise D1). SQLite's
WAL mode needs one fsync for that.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib.resources import files
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from kilopush_bridge.errors import StorageError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from pathlib import Path

_Args = ParamSpec("_Args")
_Result = TypeVar("_Result")

# Each entry takes the schema from its position to the next version.
MIGRATIONS: tuple[str, ...] = ("schema.sql", "budget.sql", "words.sql")
BUSY_TIMEOUT_S = 5.0  # another process writes for milliseconds: `send`, `queue retry`


def open_state(path: Path) -> sqlite3.Connection:
    """Open the state file for writing, make it or bring it to this version's schema.

    Raises:
        StorageError: it cannot be opened, is no state file, or was written by a newer version.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
    except (sqlite3.Error, OSError) as error:
        raise StorageError(f"state {path} cannot be opened: {error}") from error
    with _closed_on_failure(connection, path, "opened"):
        path.chmod(0o600)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        _migrate(connection, path)
    connection.row_factory = sqlite3.Row
    return connection


def open_for_reading(path: Path) -> sqlite3.Connection:
    """Open the state file read-only, also beside a running bridge.

    Raises:
        StorageError: there is none yet, or it cannot be read.
    """
    if not path.exists():
        raise StorageError(
            f"there is no state at {path} yet; it is made by the first `kilopush-bridge run`"
        )
    try:
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?mode=ro",
            uri=True,
            timeout=BUSY_TIMEOUT_S,
            check_same_thread=False,
        )
    except sqlite3.Error as error:
        raise StorageError(f"state {path} cannot be read: {error}") from error
    with _closed_on_failure(connection, path, "read"):
        if _refuse_newer(connection, path) < len(MIGRATIONS):
            raise StorageError(
                f"state {path} was written by an older version; the first `kilopush-bridge run` "
                "of this one brings it up to date"
            )
    connection.row_factory = sqlite3.Row
    return connection


@contextmanager
def _closed_on_failure(connection: sqlite3.Connection, path: Path, what: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        connection.close()
        raise StorageError(f"state {path} cannot be {what}: {error}") from error
    except StorageError:
        connection.close()
        raise


def _migrate(connection: sqlite3.Connection, path: Path) -> None:
    if _refuse_newer(connection, path) == len(MIGRATIONS):
        return  # the usual way asks for no lock
    with Transaction(connection):  # the version is read again: another process may be faster
        for step in range(_refuse_newer(connection, path), len(MIGRATIONS)):
            sql = files("kilopush_bridge.outbox").joinpath(MIGRATIONS[step]).read_text()
            for statement in _statements(sql):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version = {step + 1}")


def _statements(sql: str) -> Iterator[str]:
    """Split a script; `executescript` would commit in the middle of the transaction."""
    statement = ""
    for line in sql.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


def _refuse_newer(connection: sqlite3.Connection, path: Path) -> int:
    version = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if version > len(MIGRATIONS):
        raise StorageError(
            f"state {path} has schema {version}, this version knows {len(MIGRATIONS)}: "
            "it was written by a newer kilopush-bridge; install that one, or name another `state`"
        )
    return version


class Transaction:
    """`with Transaction(connection):` commits as a whole or not at all."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> sqlite3.Connection:
        # IMMEDIATE: wait for another writer now, rather than fail half-way
        self._connection.execute("BEGIN IMMEDIATE")
        return self._connection

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            try:
                self._connection.execute("COMMIT")
            except sqlite3.Error:
                self._roll_back()
                raise
        else:
            self._roll_back()

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


async def to_the_end(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Return what `work` comes to, and let nobody cancel it half-way.

    A commit that has begun cannot be called back: whoever is cancelled meanwhile still has to act
    on what it came to, and is cancelled after that.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen; being cancelled is what the caller hears of
        raise


class Store:
    """The state file of a running bridge and the thread in which every change is made.

    One thread makes the order of changes plain: what is asked first is committed first. The event
    loop never waits for the disk. A second thread only looks (reports, the text of a digest):
    however long that takes, no change waits for it.
    """

    def __init__(self, path: Path) -> None:
        # Sorting a large digest takes a file; the state's folder is one that can be written to.
        os.environ.setdefault("SQLITE_TMPDIR", str(path.absolute().parent))
        self.connection = open_state(path)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store")
        self._onlooker = open_for_reading(path)
        self._looking = ThreadPoolExecutor(max_workers=1, thread_name_prefix="store look")

    async def call(
        self,
        function: Callable[Concatenate[sqlite3.Connection, _Args], _Result],
        *args: _Args.args,
        **kwargs: _Args.kwargs,
    ) -> _Result:
        """Run `function(connection, ...)` in the store's thread, as one transaction.

        Raises:
            StorageError: it could not be committed; nothing of it was.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._thread, lambda: self._transact(function, *args, **kwargs)
        )

    async def read(
        self,
        function: Callable[Concatenate[sqlite3.Connection, _Args], _Result],
        *args: _Args.args,
        **kwargs: _Args.kwargs,
    ) -> _Result:
        """Run `function(connection, ...)` in the store's thread; reading works on a full disk.

        Raises:
            StorageError: it cannot be read.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._thread, lambda: _read(self.connection, function, *args, **kwargs)
        )

    async def look(
        self,
        function: Callable[Concatenate[sqlite3.Connection, _Args], _Result],
        *args: _Args.args,
        **kwargs: _Args.kwargs,
    ) -> _Result:
        """Run `function(connection, ...)` beside the store's thread, on what is committed.

        Raises:
            StorageError: it cannot be read.
        """
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._looking, lambda: _read(self._onlooker, function, *args, **kwargs)
        )

    def _transact(
        self,
        function: Callable[Concatenate[sqlite3.Connection, _Args], _Result],
        *args: _Args.args,
        **kwargs: _Args.kwargs,
    ) -> _Result:
        try:
            with Transaction(self.connection) as connection:
                return function(connection, *args, **kwargs)
        except sqlite3.Error as error:
            raise StorageError(f"state cannot be written: {error}") from error

    def close(self) -> None:
        """Finish what was asked and close the file."""
        self._looking.shutdown(wait=True)
        self._onlooker.close()
        self._thread.shutdown(wait=True)
        self.connection.close()


def _read(
    connection: sqlite3.Connection,
    function: Callable[Concatenate[sqlite3.Connection, _Args], _Result],
    *args: _Args.args,
    **kwargs: _Args.kwargs,
) -> _Result:
    try:
        return function(connection, *args, **kwargs)
    except sqlite3.Error as error:
        raise StorageError(f"state cannot be read: {error}") from error
