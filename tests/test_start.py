# ruff: noqa: D103 - the name of a test says what it asserts
"""The start of a service: it waits for nothing that it does not use, and nobody misses anything."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from conftest import Bake
from environments import interpreter, run_python
from redis_server import redis
from server import package_of, started

MODES = ("eventlet", "gevent", "threading")
# What libraries import for a part of themselves that no service uses, or only with some settings.
UNUSED = {"dotenv", "flask_cors", "flask_socketio.test_client", "pythonjsonlogger", "redis"}
UNUSED |= {"requests", "simple_websocket", "urllib3", "websocket", "werkzeug.debug"}
# What a service uses only for a database that is not up to date, or not the embedded one.
UNUSED_BY_CHAT = UNUSED | {"alembic", "flask_alembic", "mako", "psycopg"}
# A view of the user's own: it looks around in the process that serves it.
PROBE = '''
"""What is in this process."""

import gc
import sys

from ..flask_view import FlaskView


class ProbeView(FlaskView):
    """Answers at /probe."""

    def modules(self) -> list[str]:
        """GET /probe/modules: what is imported."""
        return list(sys.modules)

    def garbage(self) -> list[int]:
        """GET /probe/garbage: whether it is looked for, and among how much it is not."""
        return [gc.isenabled(), gc.get_freeze_count()]
'''
# A function that has been postponed, and a class that is there afterwards.
POSTPONED = """
import sys
from {package} import __main__
from flask import Flask
from flask_socketio import SocketIO

assert "flask_socketio.test_client" not in sys.modules
assert not {{"limits", "deprecated"}} & {{*sys.modules}}
app = Flask("x")
client = SocketIO(app).test_client(app)
from flask_socketio.test_client import SocketIOTestClient
print(isinstance(client, SocketIOTestClient), client.is_connected())
import limits
from limits.storage import MemoryStorage
window = limits.strategies.MovingWindowRateLimiter(MemoryStorage())
print(window.hit(limits.parse("1/second")), "deprecated" in sys.modules)
"""
# The client of another service, in a process that runs a command of this one.
CLIENT = """
import sys
from {package} import __main__
import socketio

for transport in ("polling", "websocket"):
    with socketio.SimpleClient() as client:
        client.connect({url!r}, namespace="/echo", transports=[transport])
        print(transport, client.call("repeat", ("ho", 2)))
"""
# A package with a plugin of gevent's, which is called when everything is replaced.
PLUGIN = "[gevent.plugins.monkey.did_patch_all]\nplugin = plugin:called\n"


def probed(service: Path) -> Path:
    """Return a service that can be asked about its process."""
    views = service / "src" / package_of(service) / "views"
    (views / "probe.py").write_text(PROBE, encoding="utf-8")
    return service


def imported(service: Path, **settings: str) -> set[str]:
    """Return what a service has imported that serves."""
    with started(interpreter(service), service, **settings) as server:
        return set(json.loads(server.get("/probe/modules")))


def version(service: Path) -> str:
    """Return the migration that the embedded database of a service has."""
    with closing(sqlite3.connect(service / "instance" / "service.db")) as connection:
        (found,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    return str(found)


@pytest.mark.parametrize("mode", MODES)
def test_a_service_that_serves_has_not_imported_what_it_does_not_use(bake: Bake, mode: str) -> None:
    service = probed(bake(starter="minimal", async_mode=mode))
    assert not imported(service) & (UNUSED | {"asyncio", "limits"})


def test_a_chat_imports_what_is_for_other_databases_only_for_them(bake: Bake) -> None:
    service = probed(bake(starter="chat"))
    assert "alembic" in imported(service)
    found = imported(service)
    assert not found & UNUSED_BY_CHAT
    # Its views have limits. Their library needs this one for its storages alone.
    assert "limits" in found
    assert "deprecated" not in found


def test_a_service_with_a_broker_has_imported_its_library(bake: Bake) -> None:
    service = probed(bake(starter="minimal"))
    with redis() as broker:
        assert "redis" in imported(service, MESSAGE_QUEUE_URL=broker.url)


@pytest.mark.parametrize("mode", MODES)
def test_a_service_can_be_a_client_of_another_one(bake: Bake, mode: str) -> None:
    service = bake(starter="minimal", async_mode=mode)
    with started(interpreter(service), service) as server:
        script = CLIENT.format(package=package_of(service), url=server.url)
        done = run_python(service, 60, "-c", script)
    assert done.stdout == "polling ho ho\nwebsocket ho ho\n", done.stderr


def test_what_a_library_postpones_is_there_when_it_is_used(bake: Bake) -> None:
    service = bake(starter="minimal")
    done = run_python(service, 60, "-c", POSTPONED.format(package=package_of(service)))
    assert done.stdout == "True True\nTrue True\n", done.stderr


def test_garbage_is_looked_for_but_not_in_what_was_imported(bake: Bake) -> None:
    service = probed(bake(starter="minimal"))
    with started(interpreter(service), service) as server:
        is_looked_for, spared = json.loads(server.get("/probe/garbage"))
    assert is_looked_for
    assert spared > 10_000


def test_gevent_calls_its_plugins(bake: Bake, tmp_path: Path) -> None:
    service = bake(starter="minimal", async_mode="gevent")
    about = tmp_path / "plugin-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 1\n")
    (about / "entry_points.txt").write_text(PLUGIN)
    (tmp_path / "plugin.py").write_text("def called(event):\n    print('Called')\n")
    path = f"{service / 'src'}:{tmp_path}"
    done = run_python(service, 60, "-m", package_of(service), "events", PYTHONPATH=path)
    assert done.stdout.startswith("Called\n"), done.stderr


@pytest.mark.parametrize("revises", ['"0002"', '("0002",)', "str('0002')"])
def test_a_service_that_starts_runs_migrations_that_are_new(bake: Bake, revises: str) -> None:
    service = bake(starter="chat")
    with started(interpreter(service), service):
        assert version(service) == "0002"
    code = f'revision: str = "0003"\ndown_revision = {revises}\n\n\ndef upgrade():\n    pass\n'
    package = service / "src" / package_of(service)
    (package / "migrations" / "m0003_more.py").write_text(code, encoding="utf-8")
    with started(interpreter(service), service):
        assert version(service) == "0003"
