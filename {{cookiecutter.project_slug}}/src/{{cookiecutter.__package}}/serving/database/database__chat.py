# Owned by the template: an update may change this file.
"""The database, by transactions: ``with db.read() as session`` and ``with db.write() as session``.

SQLite in the instance folder unless the settings name another one. A transaction is short: it holds
a connection of the pool, and on SQLite it holds up every other one that writes. So nothing waits
inside of it, for the network least of all.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from flask import Flask, current_app
from sqlalchemy import URL, Engine, MetaData, create_engine, text
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from ...flask_view import Problem
from ..readiness import add_check
from ..settings import SettingsError
from . import sqlite
from .revisions import is_up_to_date
from .settings import DatabaseSettings, address_of

logger = logging.getLogger(__name__)


class DatabaseError(SettingsError):
    """The database cannot be used as it is."""


class _Bound(NamedTuple):
    """The database of one application."""

    writer: Engine
    reading: sessionmaker[Session]
    writing: sessionmaker[Session]
    turn: AbstractContextManager[Any]


class Database:
    """The database of the current application."""

    def __init__(self, metadata: MetaData) -> None:
        """Begin without an application.

        :param metadata: of the models, which the migrations lead to.
        """
        self._metadata = metadata

    def init_app(self, app: Flask, settings: DatabaseSettings, *, serves_clients: bool) -> None:
        """Bind an application to a database, and bring the embedded one up to date.

        :param app: the application.
        :param settings: where the database is, and how many connections the process keeps.
        :param serves_clients: whether a database that is not up to date is refused.
        :raises DatabaseError: the database cannot be used.
        """
        url = settings.database_url
        address = address_of(url) if url else _embedded(Path(app.instance_path))
        is_sqlite = address.get_backend_name() == "sqlite"
        kind: ModuleType = sqlite
        if not is_sqlite:
            # Its driver takes a tenth of the start to import.
            from . import postgresql as kind
        engine = create_engine(
            address,
            pool_size=settings.database_pool_size,
            max_overflow=0,
            pool_timeout=settings.database_pool_timeout,
            # What people send has no place in messages of errors, which get into the log.
            hide_parameters=True,
            **kind.OPTIONS,
        )
        kind.prepare(engine)
        weakref.finalize(app, engine.dispose)
        writer = engine.execution_options(immediate=True)
        app.extensions["database"] = _Bound(
            writer,
            sessionmaker(engine, expire_on_commit=False),
            sessionmaker(writer, expire_on_commit=False),
            sqlite.Turn(settings.database_pool_timeout) if is_sqlite else nullcontext(),
        )
        add_check(app, "database", self.trouble)
        if not serves_clients or not _has_migrations(engine, Path(app.root_path) / "migrations"):
            # Alembic tells what it imports, and takes a tenth of the start for it.
            logging.getLogger("alembic").setLevel(logging.WARNING)
            from .migrations import Migrations

            migrations = Migrations(app, writer, self._metadata)
            if serves_clients or not url:
                with app.app_context():
                    migrations.make_ready(migrates=not url)
        # A process that is forked off must not find connections of this one.
        engine.dispose()

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


def reason(error: Exception) -> str:
    """Return what a driver or Alembic says is wrong, on one line, without the statement."""
    said = str(getattr(error, "orig", None) or error)
    return " ".join(said.split())[:500]


def _has_migrations(engine: Engine, folder: Path) -> bool:
    """Tell whether a database is up to date; false where Alembic has to find out."""
    try:
        return is_up_to_date(engine, folder)
    except SQLAlchemyError as error:
        raise DatabaseError(f"The database cannot be used: {reason(error)}") from error


def _embedded(folder: Path) -> URL:
    try:
        return sqlite.embedded(folder)
    except OSError as error:
        raise DatabaseError(f"No database can be kept in {folder}: {error.strerror}") from error


@contextmanager
def _answering() -> Iterator[None]:
    """Turn a database that does not answer into a problem that a client understands."""
    try:
        yield
    except (PoolTimeoutError, OperationalError, InterfaceError) as error:
        logger.warning("The database does not answer: %s", reason(error))
        raise Problem(503, "The database does not answer. Try again in a moment.") from error
