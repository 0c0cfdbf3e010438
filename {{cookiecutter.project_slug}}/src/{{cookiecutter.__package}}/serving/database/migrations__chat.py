# Owned by the template: an update may change this file.
"""The migrations of the database, by Flask-Alembic, which brings the commands: ``db --help``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click
from alembic.runtime.migration import MigrationStep
from alembic.util import CommandError
from flask import Flask
from flask_alembic import Alembic
from flask_alembic.cli import cli
from sqlalchemy import Engine, MetaData, TypeDecorator
from sqlalchemy.exc import SQLAlchemyError

from .database import DatabaseError, reason

# Any number will do, as long as every process of the service asks for the same lock.
_LOCK = 4_107_731
_FAILURES = (CommandError, SQLAlchemyError)


class Migrations(Alembic):
    """The migrations of an application, which no two processes run at a time."""

    def __init__(self, app: Flask, engine: Engine, metadata: MetaData) -> None:
        """Find them in the folder ``migrations`` of the application.

        :param app: the application, which gets the commands.
        :param engine: of its database.
        :param metadata: what the database should be.
        """
        folder = Path(app.root_path) / "migrations"
        app.config["ALEMBIC"] = {
            "script_location": str(folder).replace("%", "%%"),
            "file_template": "m%%(rev)s_%%(slug)s",
            # The path of the folder may hold the colon that separates paths.
            "path_separator": "newline",
        }
        app.config["ALEMBIC_CONTEXT"] = {
            # All of a migration or nothing, on SQLite too; what SQLite cannot alter is copied.
            "transactional_ddl": True,
            "render_as_batch": True,
            "render_item": _render,
        }
        super().__init__(app, run_mkdir=False, command_name="", metadatas=metadata, engines=engine)
        app.cli.add_command(_Commands("db", cli.commands, callback=cli.callback, help=cli.help))

    def make_ready(self, *, migrates: bool) -> None:
        """Bring the database up to date, or refuse one that is not.

        :raises DatabaseError: it is not up to date, or cannot be used at all.
        """
        try:
            if migrates:
                self.upgrade()
            elif self.needs_upgrade():
                raise DatabaseError("The database is not up to date. Run the command: db upgrade")
        except _FAILURES as error:
            raise DatabaseError(f"The database cannot be used: {reason(error)}") from error

    def run_migrations(self, fn: Callable[..., list[MigrationStep]], **kwargs: Any) -> None:
        """Run migrations in one transaction, when no other process does."""
        if self.migration_context.dialect.name == "postgresql":
            # Whoever comes second finds everything done.
            self.op.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
        super().run_migrations(fn, **kwargs)


class _Commands(click.Group):
    """The commands, which say in a sentence what is wrong with the database."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except _FAILURES as error:
            raise click.ClickException(f"The database cannot be used: {reason(error)}") from error


def _render(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Write a type of the models down as what the database makes of it."""
    is_ours = kind == "type" and isinstance(item, TypeDecorator)
    return f"sa.{item.impl_instance!r}" if is_ours else False
