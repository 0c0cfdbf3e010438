# Owned by the template: an update may change this file.
"""SQLite allows one writer at a time, and waits for it in C, which would block every client.

So the writers of this process share a lock, and waiting for another process is done by retrying.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

from sqlalchemy import URL, Engine, event
from sqlalchemy import Connection as SQLConnection
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ..instance import make_folder, make_private

# How long a transaction waits for one of another process, and between two attempts, in seconds.
_PATIENCE = 5.0
_SHORTEST, _LONGEST = 0.001, 0.05

_Result = TypeVar("_Result")


class Turn:
    """A lock for the writers of one process."""

    def __init__(self, seconds: float) -> None:
        """Create the turn.

        :param seconds: how long somebody waits.
        """
        self._lock = threading.Lock()
        self._seconds = seconds

    def __enter__(self) -> None:
        """Wait for the other writers.

        :raises PoolTimeoutError: that takes too long.
        """
        if not self._lock.acquire(timeout=self._seconds):
            raise PoolTimeoutError(f"another transaction writes for over {self._seconds} seconds")

    def __exit__(self, *_: object) -> None:
        """Release the turn."""
        self._lock.release()


def embedded(folder: Path) -> URL:
    """Return the address of the database in a folder; nobody else can read it.

    :raises OSError: it cannot be made there.
    """
    make_folder(folder)
    file = folder / "service.db"
    make_private(file)
    # These two get the rights of the file when they are made, and may be older.
    for beside in (file.with_name("service.db-wal"), file.with_name("service.db-shm")):
        if beside.exists():
            make_private(beside)
    return URL.create("sqlite", database=str(file))


def prepare(engine: Engine) -> None:
    """Set up how the transactions of an engine begin, and how they wait.

    :param engine: made with ``OPTIONS``.
    """
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)


class _Cursor(sqlite3.Cursor):
    """Runs a statement when the lock that it needs is free."""

    def execute(self, sql: str, parameters: Any = (), /) -> Self:
        return _patiently(super().execute, sql, parameters)

    def executemany(self, sql: str, parameters: Any, /) -> Self:
        return _patiently(super().executemany, sql, parameters)


class _Connection(sqlite3.Connection):
    """A connection of such cursors."""

    def cursor(self, factory: Any = _Cursor) -> Any:
        return super().cursor(factory)

    def commit(self) -> None:
        _patiently(super().commit)


OPTIONS: dict[str, Any] = {"connect_args": {"factory": _Connection, "timeout": 0}}
"""What an engine is made with: what the driver makes, and that it does not wait itself."""


def _patiently(do: Callable[..., _Result], *arguments: Any) -> _Result:
    """Do something, again and again as long as another process has the lock."""
    deadline = time.monotonic() + _PATIENCE
    pause = _SHORTEST
    while True:
        try:
            return do(*arguments)
        except sqlite3.OperationalError as error:
            code = getattr(error, "sqlite_errorcode", 0)
            # What another process wrote since this transaction first read does not go away.
            waits = code & 0xFF == sqlite3.SQLITE_BUSY and code != sqlite3.SQLITE_BUSY_SNAPSHOT
            if not waits or time.monotonic() > deadline:
                raise
        time.sleep(pause)
        pause = min(2 * pause, _LONGEST)


def _set_up(connection: Any, _: Any) -> None:
    """Set a new connection up."""
    # The driver would begin a transaction at the first change only; see _begin.
    connection.isolation_level = None
    # Its shortcut execute() goes past the patience of the cursor, and two processes that make a
    # database get in each other's way here.
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    # What is committed stays, even if the machine loses its power.
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin(connection: SQLConnection) -> None:
    """Begin a transaction; one that will write gets its lock at once."""
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
