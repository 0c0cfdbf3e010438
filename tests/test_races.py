# ruff: noqa: D103 - the name of a test says what it asserts
"""The chat when everybody does everything at the same time, on PostgreSQL."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any
from uuid import uuid4

import pytest
import requests
import socketio  # type: ignore[import-untyped]
from conftest import Bake
from environments import interpreter
from postgresql import postgresql
from redis_server import Redis, redis
from server import Server, eventually, started
from socketio.exceptions import SocketIOError  # type: ignore[import-untyped]
from test_chat import EVERY_MODE, migrate

THREADS = 8
ROUNDS = 12
# Stands in everything that is sent, and so in no line of the log.
MARK = "Zaphod"


class Visit:
    """Somebody who signs in, comes with two clients, and does all that the chat offers."""

    def __init__(self, url: str) -> None:
        """Sign in and connect."""
        self.url = url
        self.answers: list[Any] = []
        self.http = requests.Session()
        signed_in = self.request("POST", "/session", {"name": f"{MARK} {uuid4().hex[:8]}"})
        self.id, token = signed_in["id"], signed_in["token"]
        self.http.headers["Authorization"] = f"Bearer {token}"
        self.clients = [self.connected(token) for _ in range(2)]

    def connected(self, token: str) -> socketio.Client:
        """Return a client, which may be refused."""
        client = socketio.Client(reconnection=False, handle_sigint=False)
        client.on("connect_error", self.answers.append, "/chat")
        with suppress(SocketIOError):
            client.connect(
                self.url, namespaces=["/chat"], auth={"token": token}, transports=["websocket"]
            )
        return client

    def request(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request, and keep what comes back."""
        response = self.http.request(method, self.url + path, json=body, timeout=30)
        answer = response.json() if response.content else None
        self.answers.append(answer)
        return answer

    def call(self, client: socketio.Client, event: str, *arguments: object) -> None:
        """Send an event, and keep the ack; the connection may be cut meanwhile."""
        with suppress(SocketIOError):
            self.answers.append(client.call(event, arguments, namespace="/chat", timeout=3))

    def do_everything(self, room: str) -> None:
        """Use a room that others make and use as well."""
        said = {"text": MARK, "client_id": str(uuid4())}
        for client in self.clients:
            self.call(client, "create", {"name": room})
            self.call(client, "join", room)
            self.call(client, "join", "lobby", 0)
            self.call(client, "send", room, said)
            self.call(client, "typing", room)
            self.call(client, "people", room)
            self.call(client, "rooms")
        self.request("POST", f"/chat/{room}/messages", said)
        self.request("POST", f"/chat/{room}/messages", {**said, "text": f"not {MARK}"})
        self.request("GET", f"/chat/{room}/messages?limit=2")

    def go(self) -> None:
        """End the session while the clients are busy, or let them go one by one."""
        one, other = self.clients
        with suppress(SocketIOError):
            other.emit("leave", ("lobby",), namespace="/chat")
        if self.id[0] < "8":
            self.request("DELETE", "/session")
        one.disconnect()
        other.disconnect()


class Told:
    """What a client is told of who is in the room that it joins, in whichever order it reads it."""

    def __init__(self, client: socketio.Client) -> None:
        """Listen."""
        self.came: dict[str, set[str]] = {}
        """What stands for the clients of somebody, by their id."""
        self._gone: set[str] = set()
        client.on("presence_state", lambda state: self._take(state["present"], {}), "/chat")
        client.on("presence_diff", lambda diff: self._take(diff["joins"], diff["leaves"]), "/chat")

    def here(self) -> set[str]:
        """Return who is here."""
        return {key for key, refs in list(self.came.items()) if refs - self._gone}

    def _take(self, joins: dict[str, Any], leaves: dict[str, Any]) -> None:
        for key, metas in joins.items():
            self.came.setdefault(key, set()).update(metas)
        for metas in leaves.values():
            self._gone.update(metas)


def visits(url: str, together: threading.Barrier) -> list[Any]:
    """Visit the chat several times, at the same time as others, and return every answer."""
    answers: list[Any] = []
    for number in range(ROUNDS):
        visit = Visit(url)
        together.wait(60)
        visit.do_everything(f"room-{number}")
        visit.go()
        answers += visit.answers
    return answers


def statuses(url: str) -> set[int]:
    """Return the statuses of the problems that come of many visits at the same time."""
    together = threading.Barrier(THREADS)
    with ThreadPoolExecutor(THREADS) as pool:
        done = [pool.submit(visits, url, together) for _ in range(THREADS)]
        answers = [answer for one in done for answer in one.result()]
    # A refused connect has it one level deeper, an ack under "error".
    given: list[dict[str, Any]] = [answer for answer in answers if isinstance(answer, dict)]
    problems = [answer.get("data", answer.get("error", answer)) for answer in given]
    return {problem["status"] for problem in problems if "status" in problem}


@contextmanager
def on_postgresql(bake: Bake, mode: str, **settings: str) -> Iterator[Server]:
    """Run a chat on a server of its own, and see at the end that its log tells no secrets."""
    service = bake(starter="chat", async_mode=mode)
    with postgresql() as url:
        migrate(service, url)
        settings |= {"DATABASE_URL": url, "LOG_LEVEL": "DEBUG", "MAX_EVENTS_PER_SECOND": "1000"}
        with started(interpreter(service), service, **settings) as server:
            yield server
            lines = server.printed().splitlines()
            assert not [line for line in lines if MARK in line or "Traceback" in line]


@contextmanager
def repeating(act: Callable[[], object], seconds: float) -> Iterator[None]:
    """Do something now and then."""
    stop = threading.Event()

    def run() -> None:
        while not stop.wait(seconds):
            act()

    thread = threading.Thread(target=run)
    thread.start()
    yield
    stop.set()
    thread.join()


def forget_everything(broker: Redis) -> None:
    """Empty a broker."""
    with socket.create_connection(("127.0.0.1", broker.port)) as connection:
        connection.sendall(b"FLUSHALL\r\n")
        assert connection.recv(100) == b"+OK\r\n"


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_nothing_fails_when_everybody_does_everything_at_once(bake: Bake, mode: str) -> None:
    with on_postgresql(bake, mode, PRESENCE_GRACE_SECONDS="1") as server:
        eve = Visit(server.url)
        told = Told(eve.clients[0])
        eve.call(eve.clients[0], "join", "lobby")

        found = statuses(server.url)

        assert found <= {401, 409, 503}, found
        assert len(told.came) == 1 + THREADS * ROUNDS
        eventually(lambda: told.here() == {eve.id})
        for client in eve.clients:
            client.disconnect()
        eventually(lambda: eve.request("GET", "/chat/lobby")["people"] == 0)


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_nothing_fails_while_the_broker_forgets_everything(bake: Bake, mode: str) -> None:
    with redis() as broker, on_postgresql(bake, mode, MESSAGE_QUEUE_URL=broker.url) as server:
        with repeating(lambda: forget_everything(broker), 0.05):
            found = statuses(server.url)

        # Those who could not make a room do not find it.
        assert found <= {401, 404, 409, 503}, found
