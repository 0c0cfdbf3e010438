"""The way of the database from one version of the service to the next, kept by Alembic."""

from __future__ import annotations

import logging
from pathlib import Path

import click
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from ..models import Base

_FOLDER = Path(__file__).parent
# Any number will do, as long as every process of the service asks for the same lock.
_LOCK = 4_107_731


def upgrade(connection: Connection) -> None:
    """Bring a database up to date; without an effect if it is.

    :param connection: a connection in a transaction, which the caller commits.
    """
    if connection.dialect.name == "postgresql":
        # Whoever comes second finds everything done.
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    command.upgrade(_config(connection), "head")


def is_current(connection: Connection) -> bool:
    """Tell whether a database is up to date."""
    heads = ScriptDirectory.from_config(_config(connection)).get_heads()
    return set(MigrationContext.configure(connection).get_current_heads()) == set(heads)


@click.command()
@with_appcontext
def migrate() -> None:
    """Bring the database up to date."""
    try:
        with _engine().begin() as connection:
            upgrade(connection)
    except SQLAlchemyError as error:
        raise click.ClickException(f"The database cannot be migrated: {error}") from error
    click.echo("The database is up to date.")


@click.command()
@click.argument("message")
@with_appcontext
def new_migration(message: str) -> None:
    """Write a migration from the database as it is to the models; MESSAGE says what changes."""
    number = f"{len(list((_FOLDER / 'versions').glob('m*.py'))) + 1:04}"
    try:
        with _engine().begin() as connection:
            upgrade(connection)
            command.revision(_config(connection), message, autogenerate=True, rev_id=number)
    except SQLAlchemyError as error:
        raise click.ClickException(f"The database cannot be compared: {error}") from error
    click.echo("Read it, then: ruff format, and the command `migrate`.")


def _engine() -> Engine:
    engine: Engine = current_app.extensions["database"].writer
    return engine


def _config(connection: Connection) -> Config:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(_FOLDER).replace("%", "%%"))
    config.set_main_option("file_template", "m%%(rev)s_%%(slug)s")
    config.attributes.update(connection=connection, metadata=Base.metadata)
    return config
