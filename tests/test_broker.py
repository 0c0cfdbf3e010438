# ruff: noqa: D103 - the name of a test says what it asserts
"""Instances that a broker joins, and a broker that hangs, goes away and comes back."""

import contextlib
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import socketio  # type: ignore[import-untyped]
from conftest import Bake
from environments import environ, interpreter
from redis_server import Redis
from server import Server, eventually, package_of, started

VIEW = '''
"""A view that tells everyone."""

from ..flask_view import FlaskView, limit, on


class NewsView(FlaskView):
    """Answers at /news."""

    @on("tell")
    def post(self, text: str) -> str:
        """POST /news?text=, and the event "tell": tell everyone."""
        self.broadcast("told", text)
        return text

    @limit("3/minute", "100/hour")
    def index(self) -> None:
        """GET /news: read, but not all the time."""
'''


@pytest.fixture(
    params=[
        "eventlet",
        *(pytest.param(mode, marks=pytest.mark.full) for mode in ("gevent", "threading")),
    ]
)
def service(request: pytest.FixtureRequest, bake: Bake) -> Path:
    """Return a service with a view that tells everyone."""
    service = bake(async_mode=request.param, starter="minimal")
    (service / "src" / package_of(service) / "views" / "news.py").write_text(VIEW)
    return service


class Listener:
    """A client that keeps what it is told."""

    def __init__(self, server: Server) -> None:
        """Connect."""
        self.heard: list[Any] = []
        self.client = socketio.Client()
        self.client.on("told", self.heard.append, "/news")
        self.client.connect(server.url, namespaces=["/news"], transports=["websocket"])

    def tell(self, text: str) -> float:
        """Let everyone be told, and return how long that took, in seconds."""
        begin = time.monotonic()
        assert self.client.call("tell", text, namespace="/news", timeout=10) == text
        return time.monotonic() - begin


@contextlib.contextmanager
def two(service: Path, broker: Redis) -> Iterator[tuple[Server, Listener, Listener]]:
    """Start two instances with a client each, and yield the first instance, and the clients."""
    settings = {"MESSAGE_QUEUE_URL": broker.url}
    python = interpreter(service)
    with (
        started(python, service, **settings) as one,
        started(python, service, **settings) as other,
    ):
        listeners = [Listener(server) for server in (one, other)]
        try:
            yield one, *listeners  # type: ignore[misc]
        finally:
            for listener in listeners:
                listener.client.shutdown()


def read(server: Server) -> tuple[int, float]:
    """Call the method that has limits, and return the status and how long it took, in seconds."""
    begin = time.monotonic()
    return server.request("GET", "/news").status, time.monotonic() - begin


def readiness(server: Server) -> int:
    """Return what a load balancer is told."""
    return server.request("GET", "/health/ready").status


def test_a_broker_that_hangs_holds_nobody_up_and_is_used_again(
    service: Path, broker: Redis
) -> None:
    with two(service, broker) as (server, here, there):
        assert f"Broker {broker.url}: connected" in server.printed()
        here.tell("before")
        eventually(lambda: here.heard == there.heard == ["before"])

        broker.hang()
        # Whoever comes first waits for the timeout, and nobody after that.
        assert here.tell("waited") < 5
        assert here.tell("did not wait") < 1
        eventually(lambda: here.heard[1:] == ["waited", "did not wait"])
        eventually(lambda: readiness(server) == 503)
        assert broker.url in server.printed()
        assert server.request("GET", "/health/live").status == 200

        broker.go_on()
        eventually(lambda: readiness(server) == 200)
        assert_is_joined(here, there)


def test_processes_share_limits_and_each_counts_alone_while_the_broker_is_away(
    service: Path, broker: Redis
) -> None:
    settings, python = {"MESSAGE_QUEUE_URL": broker.url}, interpreter(service)
    with (
        started(python, service, **settings) as one,
        started(python, service, **settings) as other,
    ):
        assert [read(server)[0] for server in (one, other, one)] == [204] * 3
        refused = other.request("GET", "/news")
        assert refused.status == 429
        assert 50 < int(refused.headers["Retry-After"]) <= 60

        broker.hang()
        # The broker is asked whether it is there all the time, so somebody else may have waited.
        assert read(other)[1] < 5
        eventually(lambda: readiness(other) == 503)
        answers = [read(other) for _ in range(3)]
        assert [status for status, _ in answers] == [204, 204, 429]
        assert max(seconds for _, seconds in answers) < 1

        broker.go_on()
        eventually(lambda: readiness(other) == 200)
        assert read(other)[0] == 429


def test_a_broker_that_was_away_is_used_again(service: Path, broker: Redis) -> None:
    with two(service, broker) as (server, here, there):
        broker.stop()
        eventually(lambda: readiness(server) == 503)
        assert here.tell("alone") < 1
        broker.start()
        eventually(lambda: readiness(server) == 200)
        assert_is_joined(here, there)
        assert "alone" not in there.heard


def assert_is_joined(here: Listener, there: Listener) -> None:
    """Assert that what the client of one instance tells arrives at the other's, in both ways."""
    for teller, hearer in ((here, there), (there, here)):

        def arrives(teller: Listener = teller, hearer: Listener = hearer) -> bool:
            teller.tell("joined again")
            time.sleep(0.2)
            return "joined again" in hearer.heard

        eventually(arrives)
        hearer.heard.clear()


def test_a_service_starts_without_its_broker_and_says_so(service: Path, broker: Redis) -> None:
    broker.stop()
    with started(interpreter(service), service, MESSAGE_QUEUE_URL=broker.url) as server:
        assert f"Broker {broker.url}: does not answer yet" in server.printed()
        assert readiness(server) == 503
        broker.start()
        eventually(lambda: readiness(server) == 200)


@pytest.fixture
def emit(service: Path, broker: Redis) -> Callable[..., "subprocess.CompletedProcess[str]"]:
    """Return a function that calls the command `emit`."""

    def emit(*arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
        settings = {"MESSAGE_QUEUE_URL": broker.url} | settings
        return subprocess.run(
            [interpreter(service), "-m", package_of(service), "emit", *arguments],
            cwd=service,
            env=environ(service, **settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
        )

    return emit


def test_a_command_emits_and_fails_when_nobody_can_hear_it(
    service: Path, broker: Redis, emit: Callable[..., "subprocess.CompletedProcess[str]"]
) -> None:
    with two(service, broker) as (_, here, there):
        sent = emit("/news", "told", '{"n": 1}')
        assert sent.returncode == 0, sent.stderr
        eventually(lambda: here.heard == there.heard == [{"n": 1}])
        sent = emit("/news", "told", '"only you"', "--to", str(here.client.get_sid("/news")))
        assert sent.returncode == 0, sent.stderr
        eventually(lambda: here.heard[1:] == ["only you"])
        assert there.heard == [{"n": 1}]

        for arguments, reason in (
            (("/nowhere", "told"), "/nowhere is none of"),
            (("/news", "told", "no json"), "'no json' is not JSON"),
        ):
            failed = emit(*arguments)
            assert (failed.returncode, reason in failed.stderr) == (2, True), failed.stderr

    assert_fails(emit("/echo", "siad"), "EchoView sends 'siad', but its `sends` declares 'said'")
    assert_fails(emit("/echo", "said", '{"message": 7}'), "message: Input should be a valid string")
    assert_fails(emit("/news", "told"), "No process of the service listens")
    assert_fails(emit("/news", "told", MESSAGE_QUEUE_URL=""), "MESSAGE_QUEUE_URL")
    broker.stop()
    assert_fails(emit("/news", "told"), "does not answer")


def assert_fails(done: "subprocess.CompletedProcess[str]", reason: str) -> None:
    """Assert that a command ended with 1 and a sentence, which names the reason."""
    assert done.returncode == 1
    assert reason in done.stderr
    assert "Traceback" not in done.stderr
