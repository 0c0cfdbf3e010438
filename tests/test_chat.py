# ruff: noqa: D103 - the name of a test says what it asserts
"""The chat of a generated service: nothing acknowledged is lost, whatever happens to a process."""

import json
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import requests
import socketio  # type: ignore[import-untyped]
from conftest import Bake
from environments import environ, interpreter
from postgresql import postgresql
from programs import program
from server import Server, eventually, package_of, running, started
from socketio.exceptions import SocketIOError  # type: ignore[import-untyped]

EVERY_MODE = [
    "eventlet",
    *(pytest.param(mode, marks=pytest.mark.full) for mode in ("gevent", "threading")),
]
KILLS = 4
ACKNOWLEDGED_BETWEEN = 20
# Two transactions that overlap, run inside of a service with its own fixtures.
OVERLAP = '''
"""Messages that are stored at the same time."""

import threading
from uuid import uuid4

import pytest

from chat_service.chat.identity import sign_in
from chat_service.chat.rooms import NewMessage, history, store
from chat_service.extensions import db

from .support.databases import DATABASES, settings_on


@pytest.fixture(params=DATABASES)
def settings(request):
    return settings_on(request)


def test_a_reader_skips_no_message_that_is_committed_later(app):
    stored, committed, go_on = threading.Event(), threading.Event(), threading.Event()
    with app.app_context():
        (ada, _), (bob, _) = sign_in("Ada"), sign_in("Bob")

    def message(text):
        return NewMessage(text=text, client_id=uuid4())

    def slow():
        with app.app_context(), db.write() as session:
            store(session, "lobby", ada, message("slow"))
            session.flush()
            stored.set()
            assert go_on.wait(10)

    def fast():
        with app.app_context(), db.write() as session:
            store(session, "lobby", bob, message("fast"))
        committed.set()

    def seen():
        with app.app_context(), db.read() as session:
            past = history(session, "lobby", since=0, before=None, limit=10)
            return [(said.id, said.text) for said in past.messages]

    first, second = threading.Thread(target=slow), threading.Thread(target=fast)
    first.start()
    assert stored.wait(10)
    second.start()
    overtook = committed.wait(0.5)
    early = seen()
    go_on.set()
    first.join()
    second.join()
    late = seen()

    assert late == early + late[len(early):], "a reader who saw the first would miss the other"
    assert not overtook
    assert late == [(1, "slow"), (2, "fast")]
'''


class Talker:
    """Somebody who talks and listens, and who comes back whenever the connection is lost."""

    def __init__(self, url: str, name: str, transport: str = "websocket", **headers: str) -> None:
        """Sign in and connect."""
        self.url, self.name, self.headers = url, name, headers
        signed_in = self.request("POST", "/session", {"name": name})
        self.token, self.id = signed_in["token"], signed_in["id"]
        self.heard: dict[int, str] = {}
        self.events: list[tuple[Any, ...]] = []
        self.acknowledged: dict[int, str] = {}
        self.client = socketio.Client(
            handle_sigint=False,
            http_session=with_headers(headers),
            reconnection_delay=0.1,
            reconnection_delay_max=0.3,
        )
        self.client.on("*", lambda *event: self.events.append(event), "/chat")
        self.client.on("message", self.hear, "/chat")
        self.client.on("connect", self.catch_up, "/chat")
        self.client.on("disconnect", lambda reason: self.events.append(("disconnect",)), "/chat")
        options = {"auth": {"token": self.token}, "transports": [transport], "headers": headers}
        self.client.connect(url, namespaces=["/chat"], wait_timeout=30, **options)

    def request(self, method: str, path: str, body: object = None) -> Any:
        """Send a request and return what the response holds."""
        headers = {"Content-Type": "application/json", **self.headers}
        if hasattr(self, "token"):
            headers["Authorization"] = f"Bearer {self.token}"
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return json.loads(response.read() or "null")

    def call(self, event: str, *arguments: object) -> Any:
        """Send an event and return its ack."""
        return self.client.call(event, arguments, namespace="/chat", timeout=3)

    def hear(self, message: dict[str, Any]) -> None:
        """Keep a message, which is the same every time it comes."""
        assert self.heard.setdefault(message["id"], message["text"]) == message["text"]

    def complete(self) -> int:
        """Return the id up to which nothing is missing."""
        last = 0
        while last + 1 in self.heard:
            last += 1
        return last

    def catch_up(self) -> None:
        """Ask for everything that is missing."""
        try:
            page = self.call("join", "lobby", self.complete())
            while True:
                for message in page["messages"]:
                    self.hear(message)
                if not page["more"]:
                    return
                path = f"/chat/lobby/messages?since={self.complete()}&limit=500"
                page = self.request("GET", path)
        except (SocketIOError, OSError, KeyError):
            # The connection is lost again, and will be back.
            return

    def leaves(self) -> list[dict[str, Any]]:
        """Return who has left, each time that it was told."""
        diffs = [data for event, *data in self.events if event == "presence_diff"]
        return [diff["leaves"] for (diff,) in diffs]

    def talk(self, stop: threading.Event) -> None:
        """Say one thing after the other, each until it is acknowledged."""
        number = 0
        while not stop.is_set():
            number += 1
            self.say(f"{self.name} {number}")

    def say(self, text: str) -> None:
        """Say something until it is acknowledged."""
        message = {"text": text, "client_id": str(uuid4())}
        for _ in range(600):
            try:
                answer = self.call("send", "lobby", message)
            except SocketIOError:
                time.sleep(0.1)
                continue
            if "id" in answer:
                self.acknowledged[answer["id"]] = text
                return
            # The service may be about to know the client again.
            assert answer["error"]["status"] == 503, answer
            time.sleep(0.1)
        raise AssertionError(f"{text!r} is never acknowledged")


def with_headers(headers: dict[str, str]) -> requests.Session:
    """Return a session with headers for each request; a client sends its own only when it opens."""
    session = requests.Session()
    session.headers.update(headers)
    return session


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        port: int = found.getsockname()[1]
        return port


def everybody_is_connected(talkers: list[Talker]) -> None:
    """Wait until nobody is away."""
    eventually(lambda: all(talker.client.connected for talker in talkers))


def everybody_is_heard(talkers: list[Talker]) -> None:
    """Wait until everybody is in the middle of talking, so that a kill hits something."""
    wanted = [(talker, len(talker.acknowledged) + ACKNOWLEDGED_BETWEEN) for talker in talkers]
    eventually(lambda: all(len(talker.acknowledged) >= count for talker, count in wanted))


def assert_nothing_is_lost(service: Path, **settings: str) -> None:
    """Kill a service several times while clients talk, and compare what everybody has."""
    port = free_port()
    command = [str(interpreter(service)), "-m", package_of(service), "run", "--port", str(port)]
    stop = threading.Event()
    talkers: list[Talker] = []
    threads: list[threading.Thread] = []
    for _ in range(KILLS):
        # At its end, the whole session of the process gets SIGKILL.
        with running(command, service, **settings) as server:
            if not talkers:
                talkers = [Talker(server.url, name) for name in ("Ada", "Bob", "Cem", "Dee")]
                threads = [threading.Thread(target=t.talk, args=(stop,)) for t in talkers]
                for thread in threads:
                    thread.start()
            everybody_is_heard(talkers)
    with running(command, service, **settings):
        stop.set()
        for thread in threads:
            thread.join(60)
            assert not thread.is_alive()
        everybody_is_connected(talkers)
        for talker in talkers:
            talker.catch_up()
        stored = everything_stored(talkers[0])
        for talker in talkers:
            talker.client.disconnect()

    for talker in talkers:
        assert_has_everything(stored, talker.acknowledged, talker.heard)


def everything_stored(talker: Talker) -> dict[int, str]:
    """Return what was said in the lobby, by id."""
    messages: list[dict[str, Any]] = []
    more = True
    while more:
        path = f"/chat/lobby/messages?limit=500&since={len(messages)}"
        page = talker.request("GET", path)
        messages += page["messages"]
        more = page["more"]
    stored = {message["id"]: message["text"] for message in messages}
    assert list(stored) == list(range(1, len(messages) + 1))
    assert len(set(stored.values())) == len(stored), "stored twice"
    return stored


def assert_has_everything(
    stored: dict[int, str], acknowledged: dict[int, str], heard: dict[int, str]
) -> None:
    """Assert that somebody's acknowledged messages are stored, and all messages were heard."""
    assert {id: stored.get(id) for id in acknowledged} == acknowledged
    assert dict(sorted(heard.items())) == stored


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_nothing_acknowledged_is_lost_when_the_process_is_killed(bake: Bake, mode: str) -> None:
    assert_nothing_is_lost(bake(starter="chat", async_mode=mode))


@pytest.mark.full
@pytest.mark.parametrize("mode", ["eventlet", "gevent", "threading"])
def test_nothing_acknowledged_is_lost_on_postgresql(bake: Bake, mode: str) -> None:
    service = bake(starter="chat", async_mode=mode)
    with postgresql() as url:
        migrate(service, url)
        assert_nothing_is_lost(service, DATABASE_URL=url)


def migrate(service: Path, url: str) -> None:
    """Bring a database up to date, by the command of a service."""
    subprocess.run(
        [interpreter(service), "-m", package_of(service), "db", "upgrade"],
        cwd=service,
        env=environ(service, DATABASE_URL=url),
        check=True,
        capture_output=True,
    )


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_messages_are_stored_at_the_same_time_on_every_database(bake: Bake, mode: str) -> None:
    with postgresql():
        # It can be started, so no test of the service is skipped for want of it.
        pass
    service = bake(project_slug="chat-service", starter="chat", async_mode=mode)
    (service / "tests" / "test_overlap.py").write_text(OVERLAP)
    done = subprocess.run(
        [interpreter(service), "-m", "pytest", "-q", "--tb=short", "tests/test_overlap.py"],
        cwd=service,
        env=environ(service),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "skipped" not in done.stdout


def test_a_database_that_is_not_up_to_date_is_refused(bake: Bake) -> None:
    service = bake(starter="chat")
    with postgresql() as url:
        refused = subprocess.run(
            [interpreter(service), "-m", package_of(service), "run", "--port", "0"],
            cwd=service,
            env=environ(service, DATABASE_URL=url),
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
    assert refused.returncode == 1
    assert refused.stderr.endswith(
        "Error: The database is not up to date. Run the command: db upgrade\n"
    )


@contextmanager
def redis(port: int | None = None) -> Iterator[str]:
    """Start a broker, yield its URL, and stop it."""
    port = port or free_port()
    options = ("--port", str(port), "--save", "", "--appendonly", "no", "--bind", "127.0.0.1")
    process = subprocess.Popen([program("redis-server"), *options], stdout=subprocess.DEVNULL)
    try:
        eventually(lambda: listens(port))
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def listens(port: int) -> bool:
    """Tell whether somebody listens on a port."""
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@contextmanager
def two_processes(service: Path) -> Iterator[tuple[Server, Server]]:
    """Start a service twice, on one database and joined by a broker."""
    with ExitStack() as stack:
        url = stack.enter_context(redis())
        python = interpreter(service)
        one = stack.enter_context(started(python, service, MESSAGE_QUEUE_URL=url))
        other = stack.enter_context(started(python, service, MESSAGE_QUEUE_URL=url))
        yield one, other


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_a_session_ends_in_every_process(bake: Bake, mode: str) -> None:
    with two_processes(bake(starter="chat", async_mode=mode)) as (one, other):
        ada, bob = Talker(one.url, "Ada"), Talker(other.url, "Bob")
        eventually(lambda: len(bob.call("people", "lobby")) == 2)
        ada.say("hi")
        eventually(lambda: bob.heard)

        ada.url = other.url
        ada.request("DELETE", "/session")

        eventually(lambda: ("disconnect",) in ada.events)
        assert ("session.ended", {"reason": "signed out"}) in ada.events
        eventually(lambda: len(bob.call("people", "lobby")) == 1)
        bob.client.disconnect()


@pytest.mark.full
def test_those_of_a_killed_process_are_gone_after_a_while(bake: Bake) -> None:
    with two_processes(bake(starter="chat")) as (one, other):
        ada, bob = Talker(one.url, "Ada"), Talker(other.url, "Bob")
        eventually(lambda: len(bob.call("people", "lobby")) == 2)

        one.process.kill()
        eventually(lambda: any(ada.id in left for left in bob.leaves()), seconds=60)

        assert [person["name"] for person in bob.call("people", "lobby")] == ["Bob"]
        ada.client.disconnect()
        bob.client.disconnect()
