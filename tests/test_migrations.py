# ruff: noqa: D103 - the name of a test says what it asserts
"""Migrations: written from the models, run once however many processes begin, and by command."""

import sqlite3
import subprocess
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from conftest import Bake
from environments import environ, interpreter
from postgresql import postgresql, query
from server import package_of

# Somebody who has said something, and is connected.
AUTHOR = "INSERT INTO sessions (id, name, expires_at) VALUES ('{id}', 'Ada', '2026-01-01')"
MESSAGE = "INSERT INTO messages VALUES ('lobby', 1, '{id}', '{id}', 'hi', '2026-01-01')"
CONNECTED = (
    "INSERT INTO processes VALUES ('{id}', '2026-01-01')",
    "INSERT INTO connections VALUES ('s', '{id}', '{id}')",
    "INSERT INTO memberships VALUES ('lobby', 's')",
)
ROOM = "    last_id: Mapped[int] = mapped_column(default=0)\n"


def begun(service: Path, *command: str, **settings: str) -> "subprocess.Popen[str]":
    """Begin a command of a service."""
    return subprocess.Popen(
        [interpreter(service), "-m", package_of(service), *command],
        cwd=service,
        env=environ(service, **settings),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )


def done(service: Path, *command: str, **settings: str) -> tuple[int, str]:
    """Run a command of a service, and return its exit status and what it printed."""
    process = begun(service, *command, **settings)
    printed, _ = process.communicate(timeout=60)
    return process.returncode, printed


def all_at_once(service: Path, **settings: str) -> None:
    """Bring a database up to date in several processes, and see that none of them fails."""
    processes = [begun(service, "db", "upgrade", **settings) for _ in range(4)]
    printed = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, printed


def slow_down(service: Path) -> None:
    """Let the first migration last long enough for others to meet it."""
    (first,) = (service / "src" / package_of(service) / "migrations").glob("m0001*.py")
    code = first.read_text(encoding="utf-8")
    begin = '    """Go there."""\n'
    assert begin in code
    first.write_text(code.replace(begin, f"{begin}    __import__('time').sleep(1)\n"))


def test_processes_that_begin_together_migrate_once(bake: Bake) -> None:
    service = bake(starter="chat")
    slow_down(service)
    all_at_once(service)
    with postgresql() as url:
        all_at_once(service, DATABASE_URL=url)
        assert query(url, "SELECT count(*) FROM rooms") == "1"


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_chat_that_kept_its_presence_in_tables_keeps_its_messages(
    bake: Bake, tmp_path: Path, database: str
) -> None:
    service, file = bake(starter="chat"), tmp_path / "chat.db"
    with ExitStack() as stack:
        on_postgresql = database == "postgresql"
        url = stack.enter_context(postgresql()) if on_postgresql else f"sqlite:///{file}"

        def migrated(*command: str) -> None:
            status, printed = done(service, "db", *command, DATABASE_URL=url)
            assert status == 0, printed

        def rows(statement: str) -> list[str]:
            statement = statement.format(id="1" * 32)
            if on_postgresql:
                return query(url, statement).splitlines()
            with closing(sqlite3.connect(file)) as connection, connection:
                return [str(row[0]) for row in connection.execute(statement)]

        migrated("upgrade", "0001")
        for statement in (AUTHOR, MESSAGE, *CONNECTED):
            rows(statement)
        migrated("upgrade")

        assert rows("SELECT text FROM messages") == ["hi"]
        with pytest.raises((sqlite3.OperationalError, subprocess.CalledProcessError)):
            rows("SELECT sid FROM memberships")
        migrated("check")
        migrated("downgrade", "0001")
        for statement in CONNECTED:
            rows(statement)
        assert rows("SELECT sid FROM memberships") == ["s"]


def test_a_change_of_the_models_becomes_a_migration(bake: Bake) -> None:
    service = bake(starter="chat")
    package = service / "src" / package_of(service)
    models = package / "models.py"
    text = models.read_text(encoding="utf-8")
    assert ROOM in text
    models.write_text(
        text.replace(ROOM, f"{ROOM}    made_at: Mapped[datetime.datetime | None]\n"),
        encoding="utf-8",
    )
    assert done(service, "db", "check")[0] == 1

    status, printed = done(service, "db", "revision", "add a time")

    assert status == 0, printed
    (migration,) = (package / "migrations").glob("m[1-9]*_add_a_time.py")
    assert "sa.DateTime(timezone=True)" in migration.read_text(encoding="utf-8")
    with postgresql() as url:
        here: dict[str, str] = {}
        for settings in (here, {"DATABASE_URL": url}):
            status, printed = done(service, "db", "upgrade", **settings)
            assert status == 0, printed
            assert done(service, "db", "check", **settings)[0] == 0


def test_a_command_says_in_a_sentence_what_is_wrong_with_the_database(bake: Bake) -> None:
    service = bake(starter="chat")
    url = "postgresql://ada:HIDDEN@127.0.0.1:1/nowhere"
    for command in ("upgrade", "current"):
        status, printed = done(service, "db", command, DATABASE_URL=url)
        assert status == 1
        assert "Error: The database cannot be used: connection failed" in printed
        assert "Traceback" not in printed
        assert "HIDDEN" not in printed
