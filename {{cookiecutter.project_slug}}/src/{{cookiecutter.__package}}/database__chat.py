# Owned by the template: an update may change this file.
"""The database, by transactions: ``with db.read() as session`` and ``with db.write() as session``.

SQLite in the instance folder unless the settings name another one. A transaction is short: it holds
a connection of the pool, and on SQLite it holds up every other one that writes, and in the green
modes every client of the process. So nothing waits inside of it, for the network least of all.
"""

from __future__ import annotations

import logging
import threading
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from flask import Flask, current_app
from pydantic import AfterValidator
from sqlalchemy import URL, Engine, create_engine, event, make_url, text
from sqlalchemy import Connection as SQLConnection
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from . import migrations
from .flask_view import Problem
from .readiness import add_check

logger = logging.getLogger(__name__)


def _checked(url: str) -> str:
    """Check that a URL names a database that the service can use; empty is the embedded one."""
    if url:
        _address(url)
    return url


def _address(url: str) -> URL:
    """Return the address of a database, with the driver that the service brings."""
    try:
        address = make_url(url)
    except ArgumentError as error:
        raise ValueError("must be a URL such as postgresql://user:password@host/name") from error
    if address.drivername in ("postgres", "postgresql"):
        # The driver that waits cooperatively in every mode.
        address = address.set(drivername="postgresql+psycopg")
    if address.drivername not in ("postgresql+psycopg", "sqlite"):
        raise ValueError("must begin with postgresql:// or sqlite://")
    return address


DatabaseURL = Annotated[str, AfterValidator(_checked)]
"""The type of the setting: ``postgresql://user:password@host/name``."""

# How long a transaction waits for one of another process, in milliseconds.
_BUSY_TIMEOUT = 5_000


class DatabaseError(Exception):
    """The database cannot be used as it is."""


class _Turn:
    """What those who write to SQLite take in turns, for it has one writer at a time.

    Whoever waited for the others in SQLite itself would hold up the process.
    """

    def __init__(self, seconds: float) -> None:
        self._lock = threading.Lock()
        self._seconds = seconds

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=self._seconds):
            raise PoolTimeoutError(f"another transaction writes for over {self._seconds} seconds")

    def __exit__(self, *_: object) -> None:
        self._lock.release()


class _Bound(NamedTuple):
    """The database of one application."""

    writer: Engine
    reading: sessionmaker[Session]
    writing: sessionmaker[Session]
    turn: AbstractContextManager[Any]


class Database:
    """The database of the current application."""

    def init_app(
        self, app: Flask, url: str, *, pool_size: int, pool_timeout: float, check: bool
    ) -> None:
        """Bind an application to a database, and bring the embedded one up to date.

        :param app: the application.
        :param url: where the database is; empty for a file in the instance folder.
        :param pool_size: how many connections the process keeps.
        :param pool_timeout: how long a transaction waits for one of them, in seconds.
        :param check: whether a database that is not up to date is refused.
        :raises DatabaseError: the database cannot be used.
        """
        options: dict[str, Any] = {
            "pool_size": pool_size,
            "max_overflow": 0,
            "pool_timeout": pool_timeout,
        }
        address = _address(url) if url else _embedded(Path(app.instance_path))
        is_sqlite = address.get_backend_name() == "sqlite"
        if not is_sqlite:
            options |= {"pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}
        engine = create_engine(address, **options)
        writer = engine.execution_options(immediate=True)
        if is_sqlite:
            event.listen(engine, "connect", _prepare)
            event.listen(engine, "begin", _begin)
        app.extensions["database"] = _Bound(
            writer,
            sessionmaker(engine, expire_on_commit=False),
            sessionmaker(writer, expire_on_commit=False),
            _Turn(pool_timeout) if is_sqlite else nullcontext(),
        )
        add_check(app, "database", self.trouble)
        weakref.finalize(app, engine.dispose)
        app.cli.add_command(migrations.migrate)
        app.cli.add_command(migrations.new_migration)
        if check or not url:
            _make_ready(writer, migrates=not url)

    def trouble(self) -> str:
        """Return why the database cannot be used, or an empty text."""
        try:
            with self.read() as session:
                session.execute(text("SELECT 1"))
        except Problem as problem:
            return str(problem.description)
        return ""

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a transaction that reads.

        :raises Problem: 503, the database does not answer in time.
        """
        with _answering(), self._bound.reading.begin() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a transaction that writes; it is committed at the end, or undone by an exception.

        :raises Problem: 503, the database does not answer in time.
        """
        with _answering(), self._bound.turn, self._bound.writing.begin() as session:
            yield session

    @property
    def _bound(self) -> _Bound:
        bound: _Bound = current_app.extensions["database"]
        return bound


def _make_ready(engine: Engine, *, migrates: bool) -> None:
    """Bring a database up to date, or refuse one that is not."""
    try:
        with engine.begin() as connection:
            if migrates:
                migrations.upgrade(connection)
            elif not migrations.is_current(connection):
                raise DatabaseError("The database is not up to date. Run the command: migrate")
    except SQLAlchemyError as error:
        raise DatabaseError(f"The database cannot be used: {error}") from error
    finally:
        # A process that is forked off must not find connections of this one.
        engine.dispose()


def _embedded(folder: Path) -> URL:
    folder.mkdir(parents=True, exist_ok=True)
    return URL.create("sqlite", database=str(folder / "service.db"))


def _prepare(connection: Any, _: Any) -> None:
    """Set a new connection to SQLite up."""
    # The driver would begin a transaction at the first change only; see _begin.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout = {_BUSY_TIMEOUT}")
    connection.execute("PRAGMA journal_mode = WAL")
    # What is committed stays, even if the machine loses its power.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: SQLConnection) -> None:
    """Begin a transaction of SQLite; what reads first and writes then takes its turn at once."""
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


@contextmanager
def _answering() -> Iterator[None]:
    """Turn a database that does not answer into a problem that a client understands."""
    try:
        yield
    except (PoolTimeoutError, OperationalError, InterfaceError) as error:
        logger.warning("The database does not answer: %s", error)
        raise Problem(503, "The database does not answer. Try again in a moment.") from error
