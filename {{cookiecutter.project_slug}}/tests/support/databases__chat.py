# Owned by the template: an update may change this file.
"""The databases that the tests run on: SQLite, and PostgreSQL where it is installed.

The PostgreSQL server is one of the tests' own: they start it for themselves, and stop it.
"""

from __future__ import annotations

import functools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from {{ cookiecutter.__package }}.app import create_app
from {{ cookiecutter.__package }}.settings import Settings

# Debian keeps the programs of a server out of the search path.
_FOUND = [*sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb")), shutil.which("initdb")]
_INSTALLED = [Path(program).resolve().parent for program in _FOUND if program and os.name != "nt"]
DATABASES = [
    "sqlite",
    pytest.param(
        "postgresql",
        marks=pytest.mark.skipif(not _INSTALLED, reason="PostgreSQL is not installed"),
    ),
]
"""The parameters of a fixture ``settings`` whose tests run on each of them."""


def settings_on(request: pytest.FixtureRequest) -> Settings:
    """Return settings with a new database.

    :param request: of a fixture with the parameters ``DATABASES``.
    """
    settings = Settings.load()
    if request.param == "sqlite":
        return settings
    server, name = _server(request.config), f"test_{uuid4().hex}"
    with psycopg.connect(_url(server, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {_migrated(server)}")
    return settings.model_copy(update={"database_url": _url(server, name)})


def _url(folder: Path, name: str) -> str:
    return f"postgresql://postgres@/{name}?host={folder}"


@functools.cache
def _migrated(server: Path) -> str:
    """Return the name of a database that is up to date; new ones are copies of it."""
    name = "migrated"
    with psycopg.connect(_url(server, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    settings = Settings.load().model_copy(update={"database_url": _url(server, name)})
    app = create_app(settings, serves_clients=False)
    with app.app_context():
        app.extensions["alembic"].upgrade()
    # Nothing may be connected to what is copied.
    app.extensions["database"].writer.dispose()
    return name


@functools.cache
def _server(config: pytest.Config) -> Path:
    """Start a server for as long as the tests run, and return the folder of its socket."""
    programs = _INSTALLED[-1]
    # The path of a socket has a hundred characters at most, so it is not in pytest's folder.
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))
    owner: dict[str, str] = {}
    if os.getuid() == 0:
        # PostgreSQL refuses to be run by root.
        owner = {"user": "nobody"}
        shutil.chown(folder, "nobody")
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"],
        check=True,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        **owner,  # type: ignore[call-overload]
    )
    process = subprocess.Popen(
        [programs / "postgres", "-D", data, "-k", folder, "-h", "", "-F"],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **owner,  # type: ignore[call-overload]
    )
    config.add_cleanup(functools.partial(_stop, process, folder))
    deadline = time.monotonic() + 30
    while True:
        try:
            psycopg.connect(_url(folder, "postgres")).close()
        except psycopg.OperationalError:
            assert process.poll() is None, "PostgreSQL ended"
            assert time.monotonic() < deadline, "PostgreSQL does not answer"
            time.sleep(0.05)
        else:
            return folder


def _stop(process: subprocess.Popen[bytes], folder: Path) -> None:
    # "Fast shutdown": without waiting for the clients.
    process.send_signal(signal.SIGINT)
    process.wait(30)
    shutil.rmtree(folder, ignore_errors=True)
