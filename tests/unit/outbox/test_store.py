"""The state file: made, locked, migrated, refused, committed as a whole or not at all."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from importlib import resources
from typing import TYPE_CHECKING

import pytest

from kilopush_bridge.core.budget import WINDOW_S
from kilopush_bridge.errors import StorageError
from kilopush_bridge.outbox import store as store_module
from kilopush_bridge.outbox.facts import fact, remember
from kilopush_bridge.outbox.ledger import load_ledger
from kilopush_bridge.outbox.lock import Lock
from kilopush_bridge.outbox.report import listing
from kilopush_bridge.outbox.store import Store, open_for_reading, open_state, to_the_end

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "on demand" / "state.db"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    made = Store(path)
    yield made
    made.close()


def version(path: Path) -> int:
    connection = sqlite3.connect(path)
    try:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


def make_version_1(path: Path) -> sqlite3.Connection:
    """Make a state file as the first version did."""
    path.parent.mkdir(parents=True)
    connection = sqlite3.connect(path)
    schema = resources.files("kilopush_bridge.outbox").joinpath("schema.sql").read_text()
    connection.executescript(schema)
    connection.execute("PRAGMA user_version = 1")
    return connection


def test_a_state_is_made_with_its_folder_readable_by_its_owner_only(path: Path):
    connection = open_state(path)
    connection.execute("INSERT INTO facts VALUES ('a', 'b')")
    modes = {one.name: oct(one.stat().st_mode & 0o777) for one in path.parent.iterdir()}
    connection.close()
    assert modes == dict.fromkeys(("state.db", "state.db-wal", "state.db-shm"), "0o600")


def test_a_commit_survives_a_power_cut(path: Path):
    connection = open_state(path)
    assert connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert connection.execute("PRAGMA synchronous").fetchone()[0] == 2  # FULL
    connection.close()


def test_a_state_of_an_older_version_is_brought_to_this_one_and_keeps_its_rows(
    path: Path, monkeypatch: pytest.MonkeyPatch
):
    old = make_version_1(path)
    old.execute("INSERT INTO facts VALUES ('kept', 'yes')")
    old.execute("DROP TABLE holds")
    old.commit()
    old.close()
    holds = "CREATE TABLE holds (channel TEXT, note TEXT DEFAULT 'a;b') -- with; a comment\n;\n"
    (path.parent / "holds.sql").write_text(holds + "CREATE TABLE more (id);")
    monkeypatch.setattr(store_module, "MIGRATIONS", ("schema.sql", "holds.sql"))
    monkeypatch.setattr(store_module, "files", lambda _package: path.parent)
    connection = open_state(path)
    assert fact(connection, "kept") == "yes"
    connection.execute("SELECT * FROM holds, more")
    connection.close()
    assert version(path) == 2


def test_a_state_of_version_1_keeps_its_alerts_and_what_it_spent(path: Path):
    old = make_version_1(path)
    old.executescript("""
        INSERT INTO alerts VALUES
            (1, 'alarm', 'rule', 'leak', 'k', 't', 'text', NULL, 0, 0, NULL, 1000),
            (2, 'event', 'rule', 'door', 'k', 't', 'text', NULL, 0, 0, NULL, 1000);
        INSERT INTO deliveries (alert_id, person, channel, priority, state, changed_at_s, due_at_s)
        VALUES (1, 'me', 'home', 0, 'sent', 1000, 1000),
               (2, 'me', 'home', 2, 'pending', 1000, 1000);
        INSERT INTO attempts (channel, person, priority, begun_at_s, ended_at_s, outcome, is_spent)
        VALUES ('home', 'me', 0, 1000, 1001, 'sent', 1),
               ('home', 'me', 2, 1000, 1002, 'unclear', 1),
               ('home', 'me', 2, 1000, 1003, 'quota', 0),
               ('home', 'me', 2, 1000, NULL, NULL, 1);
    """)
    old.close()
    connection = open_state(path)
    assert [one["state"] for one in listing(connection, None)] == ["pending"]
    criticals = connection.execute("SELECT name FROM alerts WHERE is_critical").fetchall()
    assert [one["name"] for one in criticals] == ["leak"]
    counted = [load_ledger(connection, "home", at_s).usage for at_s in (1001, 1001 + WINDOW_S, 1e9)]
    assert [(one.critical, one.other) for one in counted] == [(1, 2), (0, 2), (0, 1)]
    connection.close()


def test_a_migration_that_fails_changes_nothing(path: Path, monkeypatch: pytest.MonkeyPatch):
    make_version_1(path).close()
    (path.parent / "bad.sql").write_text("CREATE TABLE half (id);\nCREATE TABLE facts (id);\n")
    monkeypatch.setattr(store_module, "MIGRATIONS", ("schema.sql", "bad.sql"))
    monkeypatch.setattr(store_module, "files", lambda _package: path.parent)
    with pytest.raises(StorageError, match="already exists"):
        open_state(path)
    assert version(path) == 1
    connection = sqlite3.connect(path)
    assert not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'half'").fetchall()
    connection.close()


def test_two_processes_may_make_the_state_at_the_same_moment(path: Path):
    errors: list[Exception] = []
    ready = threading.Barrier(4)

    def make() -> None:
        ready.wait()
        try:
            open_state(path).close()
        except StorageError as error:
            errors.append(error)

    path.parent.mkdir(parents=True)
    sqlite3.connect(path).execute("PRAGMA journal_mode=WAL").connection.close()
    threads = [threading.Thread(target=make) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert version(path) == len(store_module.MIGRATIONS)


@pytest.mark.parametrize("open_it", [open_state, open_for_reading])
def test_a_state_of_a_newer_version_is_refused_by_name(path: Path, open_it: object):
    open_state(path).close()
    newer = sqlite3.connect(path)
    newer.execute("PRAGMA user_version = 99")
    newer.close()
    with pytest.raises(StorageError, match=r"schema 99.*newer kilopush-bridge"):
        open_it(path)  # type: ignore[operator]


@pytest.mark.parametrize("open_it", [open_state, open_for_reading])
def test_what_is_no_state_is_refused(path: Path, open_it: object):
    path.parent.mkdir(parents=True)
    path.write_bytes(b"no database" * 500)
    with pytest.raises(StorageError, match="cannot be"):
        open_it(path)  # type: ignore[operator]


def test_reading_makes_no_state(path: Path):
    with pytest.raises(StorageError, match="no state at"):
        open_for_reading(path)
    assert not path.exists()


def test_reading_does_not_bring_a_state_of_an_older_version_to_this_one(path: Path):
    make_version_1(path).close()
    with pytest.raises(StorageError, match=r"older version; the first `kilopush-bridge run` of"):
        open_for_reading(path)
    assert version(path) == 1


def test_reading_beside_a_running_bridge_sees_what_is_committed_and_cannot_write(store: Store):
    path = store.connection.execute("PRAGMA database_list").fetchone()["file"]
    remember(store.connection, "a", "1")
    from pathlib import Path as RealPath

    reader = open_for_reading(RealPath(path))
    assert fact(reader, "a") == "1"
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        remember(reader, "a", "2")
    reader.close()


def test_one_bridge_at_a_time_and_the_right_can_be_given_back(path: Path):
    first, second = Lock(path), Lock(path)
    assert first.acquire()
    assert not second.acquire()
    second.release()  # harmless without it
    first.release()
    assert second.acquire()
    second.release()


async def test_a_change_that_fails_leaves_nothing_behind(store: Store):
    def half(connection: sqlite3.Connection) -> None:
        remember(connection, "half", "done")
        connection.execute("SELECT * FROM nowhere")

    with pytest.raises(StorageError, match="cannot be written"):
        await store.call(half)
    assert await store.read(fact, "half") is None


async def test_an_error_of_ours_rolls_back_too_and_is_no_storage_error(store: Store):
    def wrong(connection: sqlite3.Connection) -> None:
        remember(connection, "half", "done")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.call(wrong)
    assert await store.read(fact, "half") is None
    await store.call(remember, "after", "works")


async def test_a_writer_in_another_process_is_waited_for(store: Store, path: Path):
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.create_task(store.call(remember, "a", "1"))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    other.execute("COMMIT")
    await waiting
    other.close()


async def test_the_log_of_a_busy_day_is_checkpointed_and_does_not_grow(store: Store, path: Path):
    for number in range(60):
        await store.call(remember, "big", str(number) + "x" * 400_000)
    log = path.with_name(path.name + "-wal")
    assert log.stat().st_size < 8_000_000


async def test_what_must_not_be_left_half_way_ends_before_the_cancellation_is_heard():
    done: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0.02)
        done.append(1)

    task = asyncio.create_task(to_the_end(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert done == [1]
