# ruff: noqa: D103 - the name of a test says what it asserts
"""A service that is told to stop finishes its work, and its clients come back to the next one."""

import threading
from functools import partial
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import socketio  # type: ignore[import-untyped]
from conftest import Bake
from environments import interpreter
from server import Server, eventually, package_of, started

MODES = ("eventlet", "gevent", "threading")
SLOW = '''
"""A view that takes its time, and notes who leaves."""

import sys
from time import sleep

from ..flask_view import FlaskView, on


class SlowView(FlaskView):
    """Answers at /slow."""

    def index(self, seconds: float = 1.5) -> str:
        """GET /slow: wait."""
        sleep(seconds)
        return "done"

    @on("slow")
    def post(self, seconds: float = 1.5) -> str:
        """POST /slow, and the event "slow": wait."""
        return self.index(seconds)

    def socket_disconnect(self) -> None:
        """Note that a client left."""
        print("a client left", file=sys.stderr, flush=True)
'''


@pytest.fixture(params=MODES)
def service(request: pytest.FixtureRequest, bake: Bake) -> Path:
    """Return a service with a slow view."""
    service = bake(async_mode=request.param)
    (service / "src" / package_of(service) / "views" / "slow.py").write_text(SLOW)
    return service


def connected(server: Server, transport: str, **options: Any) -> socketio.Client:
    """Return a client in the namespace of the slow view."""
    client = socketio.Client(**options)
    client.connect(server.url, namespaces=["/slow"], transports=[transport])
    return client


def is_back(client: socketio.Client, sid: str) -> bool:
    """Tell whether a client is connected anew."""
    return client.connected and client.get_sid("/slow") not in (sid, None)


def test_what_runs_is_finished_before_the_end(service: Path) -> None:
    with started(interpreter(service), service) as server:
        clients = [connected(server, way, reconnection=False) for way in ("websocket", "polling")]
        answers: list[Any] = []
        waiting = [
            threading.Thread(target=lambda: answers.append(server.request("GET", "/slow").text)),
            *(
                threading.Thread(
                    target=lambda c=client: answers.append(c.call("slow", namespace="/slow"))
                )
                for client in clients
            ),
        ]
        for thread in waiting:
            thread.start()
        threading.Event().wait(0.5)
        server.terminate()
        eventually(lambda: server.request("GET", "/health/ready").status == 503, 1)
        assert server.request("GET", "/socket.io/?EIO=4&transport=polling").status == 503
        for thread in waiting:
            thread.join()
        assert answers == ["done"] * 3
        assert server.process.wait(8) == 0
        assert server.printed().count("a client left") == 2
        eventually(lambda: not any(client.connected for client in clients), 5)


def test_clients_come_back_to_the_next_process(service: Path) -> None:
    with started(interpreter(service), service) as server:
        options = {"reconnection_delay": 0.2, "reconnection_delay_max": 0.5}
        clients = [connected(server, way, **options) for way in ("websocket", "polling")]
        sids = [client.get_sid("/slow") for client in clients]
        server.terminate()
        server.process.wait(12)
    port = str(urlsplit(server.url).port)
    with started(interpreter(service), service, "--port", port):
        for client, sid in zip(clients, sids, strict=True):
            eventually(partial(is_back, client, sid))
            assert client.call("slow", 0, namespace="/slow") == "done"
            client.shutdown()


def test_whoever_can_still_connect_is_answered(service: Path) -> None:
    with started(interpreter(service), service, DRAIN_SECONDS="2") as server:
        address = urlsplit(server.url)
        statuses: list[int] = []
        failures: list[Exception] = []

        def knock() -> None:
            while True:
                connection = HTTPConnection(str(address.hostname), address.port, timeout=20)
                try:
                    connection.connect()
                except (ConnectionRefusedError, ConnectionResetError):
                    # Nothing is sent yet, so a proxy goes elsewhere.
                    return
                try:
                    connection.request(
                        "POST", "/slow?seconds=0.01", headers={"Connection": "close"}
                    )
                    statuses.append(connection.getresponse().status)
                except (OSError, HTTPException) as error:
                    failures.append(error)
                finally:
                    connection.close()

        threads = [threading.Thread(target=knock) for _ in range(8)]
        for thread in threads:
            thread.start()
        eventually(lambda: len(statuses) > 50)
        server.terminate()
        for thread in threads:
            thread.join(30)
        assert server.process.wait(8) == 0
        assert not failures
        assert set(statuses) == {200}


def test_being_told_twice_ends_it_at_once(service: Path) -> None:
    with started(interpreter(service), service) as server:
        slow = threading.Thread(target=lambda: server.get("/slow?seconds=8"))
        slow.start()
        threading.Event().wait(0.5)
        server.terminate()
        eventually(lambda: server.request("GET", "/health/ready").status == 503, 1)
        server.terminate()
        assert server.process.wait(2) == 1
        slow.join()
