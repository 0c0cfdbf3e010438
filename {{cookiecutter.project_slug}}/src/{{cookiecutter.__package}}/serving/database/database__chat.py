# Owned by the template: an update may change this file.
"""The database, by transactions: ``with db.read() as session`` and ``with db.write() as session``.

SQLite in the instance folder unless the settings name another one. A transaction is short: it holds
a connection of the pool, and on SQLite it holds up every other one that writes. So nothing waits
inside of it, for the network least of all.
"""

from __future__ import annotations

import logging
import os
import weakref
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from flask import Flask, current_app
from sqlalchemy import URL, Dialect, Engine, ExceptionContext, create_engine, event, text
from sqlalchemy.exc import InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from ... import migrations
from ...flask_view import Problem
from ..lookup import addresses
from ..readiness import add_check
from ..settings import SettingsError
from . import sqlite
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

    def init_app(self, app: Flask, settings: DatabaseSettings, *, serves_clients: bool) -> None:
        """Bind an application to a database, and bring the embedded one up to date.

        :param app: the application.
        :param settings: where the database is, and how many connections the process keeps.
        :param serves_clients: whether a database that is not up to date is refused.
        :raises DatabaseError: the database cannot be used.
        """
        url = settings.database_url
        options: dict[str, Any] = {
            "pool_size": settings.database_pool_size,
            "max_overflow": 0,
            "pool_timeout": settings.database_pool_timeout,
            # What people send has no place in messages of errors, which get into the log.
            "hide_parameters": True,
        }
        address = address_of(url) if url else _embedded(Path(app.instance_path))
        is_sqlite = address.get_backend_name() == "sqlite"
        if is_sqlite:
            options["connect_args"] = sqlite.CONNECTION
        else:
            options |= {"pool_pre_ping": True, "connect_args": {"connect_timeout": 5}}
        engine = create_engine(address, **options)
        writer = engine.execution_options(immediate=True)
        if is_sqlite:
            sqlite.prepare(engine)
        else:
            event.listen(engine, "do_connect", _connect)
            event.listen(engine, "handle_error", _conceal)
        app.extensions["database"] = _Bound(
            writer,
            sessionmaker(engine, expire_on_commit=False),
            sessionmaker(writer, expire_on_commit=False),
            sqlite.Turn(settings.database_pool_timeout) if is_sqlite else nullcontext(),
        )
        add_check(app, "database", self.trouble)
        weakref.finalize(app, engine.dispose)
        app.cli.add_command(migrations.migrate)
        app.cli.add_command(migrations.new_migration)
        if serves_clients or not url:
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
        raise DatabaseError(f"The database cannot be used: {_reason(error)}") from error
    finally:
        # A process that is forked off must not find connections of this one.
        engine.dispose()


def _embedded(folder: Path) -> URL:
    try:
        return sqlite.embedded(folder)
    except OSError as error:
        raise DatabaseError(f"No database can be kept in {folder}: {error.strerror}") from error


def _connect(dialect: Dialect, _: Any, arguments: Any, parameters: dict[str, Any]) -> Any:
    """Connect to PostgreSQL, whose library would look the host up in C, and hold everybody up.

    With the address beside it, the name is still what a certificate has to be made out to.
    """
    known = parameters.get("hostaddr") or os.environ.get("PGHOSTADDR")
    hosts = str(parameters.get("host") or os.environ.get("PGHOST", "")).split(",")
    ports = str(parameters.get("port") or os.environ.get("PGPORT", "")).split(",")
    if known or hosts == [""] or len(ports) not in (1, len(hosts)):
        return None
    found, trouble = [], ""
    for host, port in zip(hosts, ports if len(ports) > 1 else ports * len(hosts), strict=True):
        # Else it is a socket of the file system.
        is_name = host and host[0] not in "/@"
        try:
            found += [(host, port, place) for place in (addresses(host) if is_name else [""])]
        except OSError as error:
            trouble = str(error)
    if not found:
        raise psycopg.OperationalError(trouble)
    columns = zip(("host", "port", "hostaddr"), zip(*found, strict=True), strict=True)
    found_out = {name: ",".join(column) for name, column in columns}
    return dialect.connect(*arguments, **parameters | found_out)


def _conceal(context: ExceptionContext) -> None:
    """Take the values out of what PostgreSQL says; SQLAlchemy shows none by itself."""
    error, shown = context.original_exception, context.sqlalchemy_exception
    if isinstance(error, psycopg.Error) and error.sqlstate and shown:
        # Its details quote values, and errors in data (class 22) do so in their first line.
        is_quoting = error.sqlstate.startswith("22")
        text = "" if is_quoting else error.diag.message_primary
        error.args = (text or f"SQLSTATE {error.sqlstate}",)
        shown.args = (f"({type(error).__name__}) {error.args[0]}",)


@contextmanager
def _answering() -> Iterator[None]:
    """Turn a database that does not answer into a problem that a client understands."""
    try:
        yield
    except (PoolTimeoutError, OperationalError, InterfaceError) as error:
        logger.warning("The database does not answer: %s", _reason(error))
        raise Problem(503, "The database does not answer. Try again in a moment.") from error


def _reason(error: SQLAlchemyError) -> str:
    """Return what the driver says is wrong, on one line, without the statement."""
    said = str(getattr(error, "orig", None) or error)
    return " ".join(said.split())[:500]
