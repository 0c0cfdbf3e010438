# ruff: noqa: D103 - the name of a test says what it asserts
"""SQLite, and another process that has its lock: who needs the lock waits, and nobody else."""

import json
import sqlite3
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from conftest import Bake
from environments import interpreter
from meanwhile import AT_ONCE, others_are_answered
from server import Server, started

EVERY_MODE = [
    "eventlet",
    *(pytest.param(mode, marks=pytest.mark.full) for mode in ("gevent", "threading")),
]


@contextmanager
def locked(service: Path) -> Iterator[None]:
    """Have the lock of a service's database."""
    with closing(sqlite3.connect(service / "instance" / "service.db")) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.rollback()


class SignIn(threading.Thread):
    """Somebody who signs in, which writes to the database."""

    status = 0
    seconds = 0.0
    text = ""

    def __init__(self, server: Server) -> None:
        """Begin."""
        super().__init__()
        self._address = urlsplit(server.url)
        self.start()

    def run(self) -> None:
        """Wait for the answer."""
        begin = time.monotonic()
        host, port = str(self._address.hostname), self._address.port
        with closing(HTTPConnection(host, port, timeout=30)) as connection:
            body = json.dumps({"name": "Ada"})
            connection.request("POST", "/session", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            self.status, self.text = response.status, response.read().decode()
        self.seconds = time.monotonic() - begin


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_the_lock_of_another_process_holds_nobody_else_up(bake: Bake, mode: str) -> None:
    service = bake(starter="chat", async_mode=mode)
    with started(interpreter(service), service) as server:
        with others_are_answered(server), locked(service):
            waiting = SignIn(server)
            # Those who read need no lock.
            with others_are_answered(server, "/health/ready"):
                time.sleep(2)
            assert waiting.is_alive()
        waiting.join(AT_ONCE)
        assert waiting.status == 201

        with others_are_answered(server), locked(service):
            waiting = SignIn(server)
            waiting.join(10)
        assert waiting.status == 503
        assert "The database does not answer" in waiting.text
        assert 4 < waiting.seconds < 7
        assert "The database does not answer: database is locked" in server.printed()
        assert "INSERT" not in server.printed()
        waiting = SignIn(server)
        waiting.join(10)
        assert waiting.status == 201


def test_the_database_and_its_folder_are_private(bake: Bake) -> None:
    service = bake(starter="chat")
    instance = service / "instance"
    with started(interpreter(service), service) as server:
        SignIn(server).join(10)
        assert modes(instance) == {".": 0o700, "secret_key": 0o600} | dict.fromkeys(
            ("service.db", "service.db-wal", "service.db-shm"), 0o600
        )
    # As an older version of the service has made them.
    for name in modes(instance):
        if name != ".":
            (instance / name).chmod(0o644)
    with started(interpreter(service), service):
        found = modes(instance)
        assert {name for name in found if name.startswith("service.db")} == {
            name for name, mode in found.items() if mode == 0o600
        }


def modes(folder: Path) -> dict[str, int]:
    """Return what others may do with a folder and its files, by name."""
    paths = [folder, *folder.iterdir()]
    return {
        path.relative_to(folder).as_posix(): stat.S_IMODE(path.stat().st_mode) for path in paths
    }
