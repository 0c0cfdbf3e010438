# ruff: noqa: D103 - the name of a test says what it asserts
"""No client takes more than its share: of places, of time, of memory."""

import contextlib
import re
import resource
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import socketio  # type: ignore[import-untyped]
from conftest import Bake
from environments import interpreter
from server import Server, eventually, package_of, running, started, websocket

EVERY_MODE = [
    "eventlet",
    *(pytest.param(mode, marks=pytest.mark.full) for mode in ("gevent", "threading")),
]
VIEW = '''
"""A view that answers with much, or blocks."""

import time

from ..flask_view import FlaskView


class LoadView(FlaskView):
    """Answers at /load."""

    def index(self) -> str:
        """GET /load: compute for a while."""
        end = time.perf_counter() + 2
        while time.perf_counter() < end:
            pass
        return "done"

    def socket_much(self, count: int) -> None:
        """Send everyone very much."""
        for _ in range(count):
            self.broadcast("much", "x" * 100_000)

    def socket_number(self, number: int) -> int:
        """Return the number."""
        return number
'''


@pytest.fixture
def make(bake: Bake) -> Callable[[str], Path]:
    """Return a function that makes a service for a mode."""

    def make(mode: str = "eventlet") -> Path:
        service = bake(async_mode=mode, starter="minimal")
        (service / "src" / package_of(service) / "views" / "load.py").write_text(VIEW)
        return service

    return make


@contextlib.contextmanager
def connected(server: Server, **options: Any) -> Any:
    """Connect a client that handles messages in the order they come; shut it down at the end."""
    client = socketio.Client(reconnection=False, **options)
    start = client.eio.start_background_task

    def start_or_handle(target: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
        # The library gives each message a thread of its own, and threads overtake.
        if target is client.eio.handlers["message"]:
            return target(*arguments, **named)
        return start(target, *arguments, **named)

    client.eio.start_background_task = start_or_handle
    try:
        client.connect(server.url, namespaces=["/load"], transports=["websocket"])
        yield client
    finally:
        client.shutdown()


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_a_full_server_says_so_and_still_tells_how_it_is(
    make: Callable[[str], Path], mode: str
) -> None:
    service = make(mode)
    with started(interpreter(service), service, MAX_CONNECTIONS="2") as server:
        refusals: list[Any] = []
        with connected(server), connected(server) as last:
            late = socketio.Client(reconnection=False)
            late.on("connect_error", refusals.append, "/load")
            with pytest.raises(socketio.exceptions.ConnectionError):
                late.connect(server.url, namespaces=["/load"], transports=["websocket"])
            assert refusals[0]["message"] == "The server is full. Connect again later."
            assert refusals[0]["data"]["status"] == 503
            assert server.request("GET", "/health/live").status == 200
            assert last.call("number", 7, namespace="/load") == 7
        # As soon as there is a place again.
        eventually(lambda: can_connect(server))


def can_connect(server: Server) -> bool:
    """Tell whether the server lets one more client in."""
    try:
        with connected(server):
            return True
    except socketio.exceptions.ConnectionError:
        return False


def test_where_no_place_is_left_the_handshake_is_refused(make: Callable[[str], Path]) -> None:
    service = make("eventlet")
    with (
        contextlib.ExitStack() as connections,
        started(interpreter(service), service, MAX_CONNECTIONS="1") as server,
    ):
        for _ in range(501):
            connections.enter_context(contextlib.closing(websocket(server)))
        refused = server.request("GET", "/socket.io/?EIO=4&transport=polling")
        assert (refused.status, "full" in refused.text) == (503, True)
        assert server.request("GET", "/health/live").status == 200


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_who_joins_no_namespace_is_dropped(make: Callable[[str], Path], mode: str) -> None:
    service = make(mode)
    limits = service / "src" / package_of(service) / "serving/connections/limits.py"
    text = limits.read_text()
    assert "_JOIN_SECONDS = 45" in text
    limits.write_text(text.replace("_JOIN_SECONDS = 45", "_JOIN_SECONDS = 1"))
    with (
        started(interpreter(service), service) as server,
        connected(server) as member,
        contextlib.closing(websocket(server)) as nowhere,
    ):
        nowhere.settimeout(10)
        while nowhere.recv(4096):
            pass
        assert "joined no namespace" in server.printed()
        assert member.call("number", 1, namespace="/load") == 1


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_who_sends_too_much_is_slowed_then_told_then_dropped(
    make: Callable[[str], Path], mode: str
) -> None:
    service = make(mode)
    acks: list[tuple[float, Any]] = []
    with (
        started(interpreter(service), service, MAX_EVENTS_PER_SECOND="20") as server,
        connected(server) as flooder,
        connected(server) as other,
    ):
        begin = time.monotonic()
        for number in range(3_000):
            flooder.emit(
                "number",
                number,
                "/load",
                lambda answer: acks.append((time.monotonic() - begin, answer)),
            )
        # The others do not notice.
        assert other.call("number", 1, namespace="/load", timeout=20) == 1
        eventually(lambda: not flooder.connected)
        assert other.call("number", 2, namespace="/load", timeout=20) == 2
        assert server.printed().count("Dropped: more than 20.0 events a second") == 1
    served = [when for when, answer in acks if isinstance(answer, int)]
    told = [when for when, answer in acks if not isinstance(answer, int)]
    assert [answer for _, answer in acks if isinstance(answer, int)] == list(range(len(served)))
    # A burst of ten seconds' worth goes through, and then twenty a second.
    assert 200 < len(served) < 400
    assert told
    assert min(told) > max(served)
    assert all(
        answer["error"]["status"] == 429 for _, answer in acks if not isinstance(answer, int)
    )


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_who_does_not_read_is_dropped_and_the_others_get_everything(
    make: Callable[[str], Path], mode: str
) -> None:
    service = make(mode)
    count = 300
    heard: list[int] = []
    with (
        started(interpreter(service), service, MAX_UNSENT_BYTES="1000000") as server,
        contextlib.closing(websocket(server)) as deaf,
        connected(server) as reader,
    ):
        reader.on("much", lambda text: heard.append(len(text)), "/load")
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.sendall(frame(b"40/load,"))
        # Never too much at once for a reader.
        for _ in range(count // 5):
            reader.call("much", 5, namespace="/load", timeout=30)
        eventually(lambda: "Dropped: does not read" in server.printed())
        eventually(lambda: len(heard) == count)


def frame(text: bytes) -> bytes:
    """Return a message as a websocket's client sends it, masked with zeros."""
    assert len(text) < 126
    return bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_a_websocket_that_is_none_is_refused(make: Callable[[str], Path], mode: str) -> None:
    service = make(mode)
    with started(interpreter(service), service) as server:
        host, port = server.url.removeprefix("http://").split(":")
        for key in ("Sec-WebSocket-Key: too short", "X-Key: none"):
            with socket.create_connection((host, int(port)), 10) as connection:
                connection.sendall(
                    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\n"
                    b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                    + key.encode()
                    + b"\r\n\r\n"
                )
                assert b" 400 " in connection.recv(4096).splitlines()[0]
        assert "Traceback" not in server.printed()


@pytest.mark.parametrize("mode", EVERY_MODE)
def test_a_message_that_is_too_large_ends_its_connection_only(
    make: Callable[[str], Path], mode: str
) -> None:
    service = make(mode)
    with (
        started(interpreter(service), service, MAX_MESSAGE_BYTES="10000") as server,
        connected(server) as client,
        connected(server) as other,
    ):
        client.emit("number", "x" * 20_000, "/load")
        eventually(lambda: not client.connected)
        assert other.call("number", 3, namespace="/load") == 3
        assert "Traceback" not in server.printed()


def test_open_files_are_raised_to_what_the_clients_need(make: Callable[[str], Path]) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 1_400:
        pytest.skip(f"a process may open only {hard} files here")
    service = make("eventlet")
    limits = open_files_of(service, "ulimit -S -n 500; ulimit -H -n 1400", MAX_CONNECTIONS="300")
    assert limits == ("1400", "")


def test_fewer_open_files_than_clients_are_told(make: Callable[[str], Path]) -> None:
    service = make("eventlet")
    limit, told = open_files_of(service, "ulimit -n 1200", MAX_CONNECTIONS="5000")
    assert limit == "1200"
    assert told.startswith("MAX_CONNECTIONS=5000 needs 6100 open files, and the system allows 1200")


def open_files_of(service: Path, before: str, **settings: str) -> tuple[str, str]:
    """Return how many files a service may open, and what it says about them."""
    command = [str(interpreter(service)), "-m", package_of(service), "run", "--port", "0"]
    with running(
        ["bash", "-c", f'{before}; exec "$@"', "bash", *command], service, **settings
    ) as s:
        limits = Path(f"/proc/{s.process.pid}/limits").read_text()
        soft = re.search(r"Max open files\s+(\d+)", limits)
        assert soft
        told = [line for line in s.printed().splitlines() if "open files" in line]
        return soft[1], "".join(told)


@pytest.mark.parametrize("mode", ["eventlet", pytest.param("gevent", marks=pytest.mark.full)])
def test_what_blocks_the_process_is_shown_while_debugging(
    make: Callable[[str], Path], mode: str
) -> None:
    service = make(mode)
    with started(interpreter(service), service, FLASK_DEBUG="1") as server:
        assert server.request("GET", "/load").text == "done"
        eventually(lambda: "Nothing moved for" in server.printed())
        assert re.search(r'views/load\.py", line \d+ in index', server.printed())
