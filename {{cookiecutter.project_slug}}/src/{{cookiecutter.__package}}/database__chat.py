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
from typing import Annotated, Any, NamedTuple

import psycopg
from flask import Flask, current_app
from pydantic import AfterValidator
from sqlalchemy import URL, Dialect, Engine, ExceptionContext, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, InterfaceError, OperationalError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.orm import Session, sessionmaker

from . import migrations, sqlite
from .flask_view import Problem
from .lookup import addresses
from .readiness import add_check

logger = logging.getLogger(__name__)


def _checked(url: str) -> str:
    """Check that a URL names a database that the service can use; empty is the embedded one."""
    if url:
        _address(url)
    return url


def _address(url: str) -> URL:
    """Return the address of a database, with the driver that the service brings."""
    rule = "must be a URL such as postgresql://user:password@host/name"
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        # What the library says may hold a part of the password.
        raise ValueError(rule) from None
    if "@" in (address.host or ""):
        raise ValueError(f"{rule}, with %40 for an @ in the password, and the like")
    if address.drivername in ("postgres", "postgresql"):
        # The driver that waits cooperatively in every mode.
        address = address.set(drivername="postgresql+psycopg")
    if address.drivername not in ("postgresql+psycopg", "sqlite"):
        raise ValueError("must begin with postgresql:// or sqlite://")
    return address


DatabaseURL = Annotated[str, AfterValidator(_checked)]
"""The type of the setting: ``postgresql://user:password@host/name``."""


class DatabaseError(Exception):
    """The database cannot be used as it is."""


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
            # What people send has no place in messages of errors, which get into the log.
            "hide_parameters": True,
        }
        address = _address(url) if url else _embedded(Path(app.instance_path))
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
            sqlite.Turn(pool_timeout) if is_sqlite else nullcontext(),
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
