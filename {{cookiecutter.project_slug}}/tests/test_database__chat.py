"""The database: what is kept, what its tables are, and that it may be busy."""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from flask import Flask

from {{ cookiecutter.__package }}.app import create_app
from {{ cookiecutter.__package }}.extensions import db
from {{ cookiecutter.__package }}.flask_view import Problem
from {{ cookiecutter.__package }}.models import Base, Room
from {{ cookiecutter.__package }}.settings import Settings

from .support.databases import DATABASES, settings_on


@pytest.fixture(params=DATABASES)
def settings(request: pytest.FixtureRequest) -> Settings:
    """Return settings with a database that is soon busy, for each database."""
    few = {"database_pool_size": 1, "database_pool_timeout": 0.2}
    return settings_on(request).model_copy(update=few)


def test_the_migrations_make_what_the_models_say(app: Flask) -> None:
    with app.extensions["database"].writer.connect() as connection:
        context = MigrationContext.configure(connection)

        assert compare_metadata(context, Base.metadata) == []


def test_what_is_stored_stays(app: Flask, settings: Settings) -> None:
    with app.app_context(), db.write() as session:
        session.add(Room(name="tea"))

    with create_app(settings).app_context(), db.read() as session:
        assert session.get(Room, "tea")


def test_what_fails_is_undone(app: Flask) -> None:
    def fail() -> None:
        with db.write() as session:
            session.add(Room(name="tea"))
            session.flush()
            raise RuntimeError

    with app.app_context(), pytest.raises(RuntimeError):
        fail()

    with app.app_context(), db.read() as session:
        assert session.get(Room, "tea") is None


def test_a_busy_database_is_a_problem_that_passes(app: Flask) -> None:
    with app.app_context(), db.write() as session:
        session.connection()
        with pytest.raises(Problem) as refused, db.write() as another:
            another.connection()

    assert refused.value.code == 503
    with app.app_context(), db.write() as session:
        session.connection()
