from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from kilopush_bridge.outbox.store import open_state

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def state(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    connection = open_state(tmp_path / "state.db")
    connection.execute("BEGIN")  # one transaction is faster than hundreds
    yield connection
    connection.close()
