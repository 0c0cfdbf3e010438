# ruff: noqa: D103 - the name of a test says what it asserts
"""Host names that are looked up: whoever needs the answer waits, not for long, and nobody else."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import Bake
from environments import environ, interpreter
from meanwhile import others_are_answered
from postgresql import postgresql
from redis_server import redis
from server import Server, eventually, package_of, started
from test_chat import free_port, migrate

EVERY_MODE = [
    "eventlet",
    *(pytest.param(mode, marks=pytest.mark.full) for mode in ("gevent", "threading")),
]
# Python imports a module of this name by itself. In the place of the system's name server, which
# is asked in C: a thread of the system stands still for as long as the answer takes.
NAME_SERVER = """
import _socket
import ctypes
import os

ask = _socket.getaddrinfo


def getaddrinfo(host, *rest, **named):
    name = host.decode() if isinstance(host, bytes) else host
    if name in ("broker.example", "database.example"):
        if os.path.exists(os.environ["NAME_SERVER_IS_AWAY"]):
            ctypes.CDLL(None).sleep(6)
            raise _socket.gaierror(_socket.EAI_AGAIN, "Temporary failure in name resolution")
        host = "127.0.0.1"
    return ask(host, *rest, **named)


_socket.getaddrinfo = getaddrinfo
"""


class NameServer:
    """What tells a service where things are, and may be away."""

    def __init__(self, service: Path, folder: Path) -> None:
        """Be there."""
        (folder / "sitecustomize.py").write_text(NAME_SERVER)
        self._away = folder / "away"
        path = os.pathsep.join((str(service / "src"), str(folder)))
        self.settings = {"PYTHONPATH": path, "NAME_SERVER_IS_AWAY": str(self._away)}

    def leave(self) -> None:
        """Answer nothing any more, and give up after some seconds."""
        self._away.touch()

    def come_back(self) -> None:
        """Answer again."""
        self._away.unlink()


def trouble(server: Server) -> str:
    """Return what the service says about its readiness."""
    return server.request("GET", "/health/ready", 30).text


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_a_broker_whose_name_nobody_knows_holds_nobody_up(
    bake: Bake, tmp_path: Path, mode: str
) -> None:
    service = bake(starter="minimal", async_mode=mode)
    names = NameServer(service, tmp_path)
    with redis() as broker:
        url = f"redis://broker.example:{broker.port}"
        settings = names.settings | {"MESSAGE_QUEUE_URL": url}
        with started(interpreter(service), service, **settings) as server:
            assert f"Broker {url}: connected" in server.printed()
            names.leave()
            with others_are_answered(server):
                broker.stop()
                eventually(lambda: "No name server" in trouble(server))
                # A message to other processes does not wait, and that to the own clients arrives.
                assert server.request("POST", "/echo/say/hello", 1).status == 200
            names.come_back()
            broker.start()
            eventually(lambda: server.request("GET", "/health/ready").status == 200)


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_a_database_whose_name_nobody_knows_holds_nobody_up(
    bake: Bake, tmp_path: Path, mode: str
) -> None:
    service = bake(starter="chat", async_mode=mode)
    names = NameServer(service, tmp_path)
    port = free_port()
    with postgresql(port) as here:
        migrate(service, here)
        url = f"postgresql://postgres@database.example:{port}/postgres"
        settings = names.settings | {"DATABASE_URL": url}
        with started(interpreter(service), service, **settings) as server:
            assert server.request("GET", "/health/ready").status == 200
            names.leave()
            cut(service, here)
            with others_are_answered(server):
                assert server.request("GET", "/health/ready", 5).status == 503
            names.come_back()
            eventually(lambda: server.request("GET", "/health/ready", 30).status == 200)
            assert "No name server said in time where database.example is" in server.printed()


def cut(service: Path, url: str) -> None:
    """End the connections to a database."""
    script = """
import sys
import psycopg
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
"""
    subprocess.run([interpreter(service), "-c", script, url], check=True, env=environ(service))


def found_by(service: Path, script: str) -> object:
    """Return what a script leaves in `found`, in a process of a service."""
    package = package_of(service)
    begin = f"import json\nfrom {package}.serving import async_mode"
    code = f"{begin}\n{script}\nprint(json.dumps(found))"
    done = subprocess.run(
        [interpreter(service), "-W", "ignore", "-c", code],
        cwd=service,
        env=environ(service),
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_database_gets_addresses_beside_the_names(bake: Bake) -> None:
    service = bake(starter="chat")
    script = f"""
from types import SimpleNamespace
from {package_of(service)}.serving.database import postgresql

known = {{"one": ["10.0.0.1"], "two": ["10.0.0.2", "fd00::2"]}}

def addresses(host):
    if host not in known:
        raise OSError("unknown")
    return known[host]

postgresql.addresses = addresses
dialect = SimpleNamespace(connect=lambda **parameters: parameters)
found = [
    postgresql._connect(dialect, None, (), parameters)
    for parameters in (
        {{"host": "one", "dbname": "d"}},
        {{"host": "two", "port": 5433}},
        {{"host": "one,/run/postgresql,gone,two", "port": "1,2,3,4"}},
        {{"host": "one", "hostaddr": "10.0.0.9"}},
        {{"dbname": "d"}},
        {{"host": "/run/postgresql"}},
    )
]
"""
    socket = {"host": "/run/postgresql", "port": "", "hostaddr": ""}
    assert found_by(service, script) == [
        {"dbname": "d", "host": "one", "port": "", "hostaddr": "10.0.0.1"},
        {"host": "two,two", "port": "5433,5433", "hostaddr": "10.0.0.2,fd00::2"},
        {
            "host": "one,/run/postgresql,two,two",
            "port": "1,2,4,4",
            "hostaddr": "10.0.0.1,,10.0.0.2,fd00::2",
        },
        # What is said by the URL, or is no name, is the driver's to decide.
        None,
        None,
        socket,
    ]


def test_a_database_is_reached_at_the_second_of_its_hosts(bake: Bake) -> None:
    service = bake(starter="chat")
    port = free_port()
    with postgresql(port) as here:
        folder = here.partition("?host=")[2].partition("&")[0]
        nobody = free_port()
        for hosts in (
            f"host=localhost:{nobody}&host=localhost:{port}",
            f"host=nowhere.invalid:{port}&host={folder}:{port}",
        ):
            migrate(service, f"postgresql://postgres@/postgres?{hosts}")


def test_the_broker_gets_an_address_and_its_certificate_the_name(bake: Bake) -> None:
    service = bake(starter="minimal")
    script = f"""
import socket
from {package_of(service)}.serving.cluster import broker

listener = socket.create_server(("127.0.0.1", 0))
port = listener.getsockname()[1]
seen = []
broker.addresses = lambda host: ["127.0.0.2", "127.0.0.1"]

def wrap(connection, sock):
    seen.append([connection.host, sock.getpeername()[0]])
    return sock

broker.redis.SSLConnection._wrap_socket_with_ssl = wrap
found = seen
broker._TLSConnection(host="broker.example", port=port, socket_connect_timeout=1)._connect().close()
"""
    assert found_by(service, script) == [["broker.example", "127.0.0.1"]]
