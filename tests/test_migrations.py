# ruff: noqa: D103 - the name of a test says what it asserts
"""Migrations: written from the models, run once however many processes begin, and by command."""

import subprocess
from pathlib import Path

from conftest import Bake
from environments import environ, interpreter
from postgresql import postgresql, query
from server import package_of

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
