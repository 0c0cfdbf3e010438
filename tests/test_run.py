# ruff: noqa: D103 - the name of a test says what it asserts
"""Generated services as processes: what serves them, what clients get, how they start and end."""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import socketio  # type: ignore[import-untyped]
from conftest import ROOT, Bake, generate
from environments import UV, interpreter, run_python, uv
from packages import installed
from programs import program
from server import Server, eventually, package_of, running, started, websocket

MODES = ("eventlet", "gevent", "threading")
SERVICES = [{"async_mode": mode} for mode in MODES] + [{"class_views": "flask-classy"}]
TRANSPORTS = (["polling"], ["websocket"], ["polling", "websocket"])
SERVED_BY = {
    "eventlet": "eventlet/wsgi.py",
    "gevent": "gunicorn/workers/ggevent.py",
    "threading": "gunicorn/workers/gthread.py",
}
# A view of the user's own: it looks around in the process that serves it.
PROBE = '''
"""What serves this service."""

import os
import socket
import traceback

from ..flask_view import FlaskView


class ProbeView(FlaskView):
    """Answers at /probe."""

    def stack(self) -> list[str]:
        """GET /probe/stack: the files of the functions that this request went through."""
        return [frame.filename for frame in traceback.extract_stack()]

    def delays(self) -> list[bool]:
        """GET /probe/delays: whether each TCP socket of the process holds small packets back."""
        found = []
        for descriptor in os.listdir("/proc/self/fd"):
            try:
                tcp = socket.socket(fileno=os.dup(int(descriptor)))
            except OSError:
                continue
            with tcp:
                if tcp.family == socket.AF_INET:
                    found.append(not tcp.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        return found

    def fail(self) -> None:
        """GET /probe/fail: fail."""
        raise RuntimeError("a secret of the service")
'''
# A view that lets nobody in, and crashes while it decides.
DOOR = '''
"""A closed door."""

from flask import abort

from ..flask_view import FlaskView


class ClosedView(FlaskView):
    """Refuses in /closed."""

    def socket_connect(self) -> None:
        """Refuse."""
        abort(403, "The door is closed")


class CrashView(FlaskView):
    """Crashes in /crash."""

    def socket_connect(self) -> None:
        """Crash."""
        raise RuntimeError("a secret of the service")
'''
SLOW = """
from time import sleep

from ..flask_view import FlaskView


class SlowView(FlaskView):
    def index(self):
        sleep(2)
        return "done"
"""


@pytest.fixture(scope="module", params=SERVICES, ids=[str(*row.values()) for row in SERVICES])
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a generated service, with a view of the user's own."""
    service = generate(tmp_path_factory.mktemp("service"), ROOT, **request.param)
    probe = service / "src" / package_of(service) / "views" / "probe.py"
    probe.write_text(PROBE)
    probe.with_name("door.py").write_text(DOOR)
    return service


@pytest.fixture(scope="module")
def server(service: Path) -> Iterator[Server]:
    """Return the service as it runs."""
    with started(interpreter(service), service) as server:
        yield server


@pytest.fixture(params=MODES)
def own(request: pytest.FixtureRequest, bake: Bake) -> Path:
    """Return a service that the test may change."""
    return bake(async_mode=request.param)


@contextmanager
def client(server: Server, *transports: str) -> Iterator[socketio.Client]:
    """Connect the Python client to the namespace of the echo view."""
    client = socketio.Client(reconnection=False)
    client.connect(server.url, namespaces=["/echo"], transports=list(transports) or None)
    try:
        yield client
    finally:
        client.disconnect()


def refused(service: Path, *options: str, **settings: str) -> str:
    """Return what a service says that does not start: one sentence, and no traceback."""
    command = ("-m", package_of(service), "run", "--port", "0", *options)
    done = run_python(service, 30, *command, **settings)
    said = done.stdout + done.stderr
    assert done.returncode not in (0, None), said
    assert "Traceback" not in said
    return said


def mode_of(service: Path) -> str:
    """Return the asynchronous mode of a service."""
    text = (service / "src" / package_of(service) / "serving/async_mode.py").read_text()
    return next(mode for mode in MODES if f'ASYNC_MODE: Final = "{mode}"' in text)


def test_a_view_answers_over_http(server: Server) -> None:
    assert json.loads(server.get("/echo")) == {"message": "hello"}
    said = server.request("POST", "/echo/say/hello%20you")
    assert (said.status, json.loads(said.text)) == (200, {"message": "hello you"})
    missing = server.request("GET", "/nowhere")
    assert missing.status == 404
    assert missing.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("transports", TRANSPORTS, ids="-".join)
def test_the_python_client_is_answered(server: Server, transports: list[str]) -> None:
    with client(server, *transports) as one, client(server, *transports) as other:
        heard: list[list[str]] = [[], []]
        for texts, connected in zip(heard, (one, other), strict=True):
            connected.on("said", lambda said, texts=texts: texts.append(said["message"]), "/echo")
        assert eventually(lambda: one.transport() == transports[-1], 10)
        assert one.call("repeat", ("a", 3), namespace="/echo") == "a a a"
        assert one.call("say", "socket", namespace="/echo") == {"message": "socket"}
        assert one.call("nonsense", namespace="/echo")["error"]["status"] == 404
        assert server.request("POST", "/echo/say/http").status == 200
        assert eventually(lambda: heard == [["socket", "http"]] * 2, 10)


@pytest.mark.parametrize("transports", TRANSPORTS, ids="-".join)
def test_the_javascript_client_is_answered(
    server: Server, transports: list[str], javascript: Callable[..., Any]
) -> None:
    answered = javascript(server.url, *transports)
    assert answered["transport"] == transports[-1]
    assert answered["repeat"] == "a a a"
    assert answered["say"] == {"message": "socket"}
    assert answered["http"] == {"message": "http"}
    assert answered["unknown"]["error"]["status"] == 404
    assert answered["heard"] == [["socket", "http"]] * 2


def test_the_javascript_client_is_told_why_it_is_refused(
    server: Server, javascript: Callable[..., Any]
) -> None:
    closed, crash, unknown = javascript(
        server.url, "/closed", "/crash", "/nowhere", script="refused.js"
    )
    assert (closed["message"], closed["data"]["status"]) == ("The door is closed", 403)
    assert (crash["message"], crash["data"]["status"]) == ("internal error", 500)
    assert "secret" not in str(crash)
    assert crash["data"]["id"] in server.printed()
    assert (unknown["message"], unknown["data"]["status"]) == (
        "There is no namespace /nowhere.",
        404,
    )


def test_the_server_is_the_one_for_the_mode(server: Server, service: Path) -> None:
    stack = " ".join(json.loads(server.get("/probe/stack")))
    assert [mode for mode, file in SERVED_BY.items() if file in stack] == [mode_of(service)]
    assert "werkzeug/serving.py" not in stack


def test_no_socket_holds_small_packets_back(server: Server) -> None:
    held_back = json.loads(server.get("/probe/delays"))
    assert held_back == [False] * len(held_back)
    assert len(held_back) >= 2  # the listener, and the connection that asks


def test_a_slow_request_holds_nobody_up(own: Path) -> None:
    view = own / "src" / package_of(own) / "views" / "slow.py"
    view.write_text(SLOW)
    with started(interpreter(own), own) as server:
        answers: list[str] = []
        slow = threading.Thread(target=lambda: answers.append(server.get("/slow")))
        slow.start()
        for _ in range(3):
            assert server.request("GET", "/echo", seconds=1.5).status == 200
        assert not answers
        slow.join()
        assert answers == ["done"]


HANDSHAKE = "/socket.io/?EIO=4&transport=websocket"
UPGRADE = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
KEY = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
RAW = {
    "an upgrade without a key": f"GET {HANDSHAKE} HTTP/1.1\r\nHost: x\r\n{UPGRADE}\r\n",
    "an upgrade with a bad key": (
        f"GET {HANDSHAKE} HTTP/1.1\r\nHost: x\r\n{UPGRADE}Sec-WebSocket-Key: x\r\n\r\n"
    ),
    "an upgrade elsewhere": f"GET /echo HTTP/1.1\r\nHost: x\r\n{UPGRADE}{KEY}\r\n",
    "a broken line": "GET\r\n\r\n",
    "a broken length": "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    "a failing view": "GET /probe/fail HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
}
# An unmasked key of zeros: a text "x", a text "4x", a binary one, and one of a reserved kind.
FRAMES = {
    "text": b"\x81\x81x",
    "event": b"\x81\x824x",
    "binary": b"\x82\x81x",
    "other": b"\x83\x81x",
}


def exchanged(server: Server, *sent: bytes) -> str:
    """Send bytes, each after an answer to the one before, and return all answers."""
    address = urlsplit(server.url)
    received = b""
    with closing(socket.create_connection((address.hostname, address.port), 5)) as connection:
        try:
            for data in sent:
                connection.sendall(data)
                received += connection.recv(65536)
                connection.settimeout(0.5)
            while more := connection.recv(65536):
                received += more
        except (ConnectionError, TimeoutError):
            pass
    return received.decode(errors="replace")


@pytest.mark.parametrize("request_text", RAW.values(), ids=RAW)
def test_no_request_is_answered_with_a_traceback(server: Server, request_text: str) -> None:
    answer = exchanged(server, request_text.encode())
    assert not [word for word in ("Traceback", ".py", "a secret") if word in answer]
    assert server.request("GET", "/health/live").status == 200


@pytest.mark.parametrize("frame", FRAMES.values(), ids=FRAMES)
def test_no_frame_is_answered_with_a_traceback(server: Server, frame: bytes) -> None:
    opening = f"GET {HANDSHAKE} HTTP/1.1\r\nHost: x\r\n{UPGRADE}{KEY}\r\n"
    masked = frame[:2] + bytes(4) + frame[2:]
    answer = exchanged(server, opening.encode(), masked)
    assert answer.startswith("HTTP/1.1 101 ")
    assert "Traceback" not in answer
    assert ".py" not in answer
    assert server.request("GET", "/health/live").status == 200


@pytest.mark.parametrize("mode", MODES)
def test_the_command_of_the_readme_starts_the_service(bake: Bake, mode: str) -> None:
    service = bake(async_mode=mode)
    uv(service, "sync", "--quiet")
    with running([UV, "run", service.name], service, PORT="0") as server:
        assert json.loads(server.get("/echo")) == {"message": "hello"}


@pytest.mark.parametrize("end", ["terminate", "interrupt"])
def test_a_signal_ends_the_service(own: Path, end: str) -> None:
    with started(interpreter(own), own) as server, closing(websocket(server)):
        getattr(server, end)()
        server.process.wait(15)
        with pytest.raises(OSError, match="refused"):
            server.request("GET", "/echo")
        assert "Traceback" not in server.printed()


def test_a_changed_view_is_served_when_debugging(own: Path) -> None:
    view = own / "src" / package_of(own) / "views" / "echo.py"
    written = view.read_text()
    with started(interpreter(own), own, "--debug") as server:
        view.write_text(written.replace('"hello"', '"changed"'))
        eventually(lambda: "changed" in server.get("/echo"))
        view.write_text("a mistake")
        eventually(lambda: "echo.py" in server.printed())
        assert "Traceback" not in server.printed()
        view.write_text(written.replace('"hello"', '"repaired"'))
        eventually(lambda: "repaired" in server.get("/echo"))
        server.interrupt()
        server.process.wait(15)
        eventually(lambda: not server.get("/echo"), 10)


def test_a_port_in_use_is_said_in_one_sentence(own: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = refused(own, "--port", port)
    assert f"127.0.0.1:{port}" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize(
    ("mode", "module"),
    [
        ("eventlet", "eventlet"),
        ("gevent", "gevent"),
        ("gevent", "gunicorn"),
        ("threading", "gunicorn"),
    ],
)
def test_a_missing_library_is_said_in_one_sentence(bake: Bake, mode: str, module: str) -> None:
    service = bake(async_mode=mode)
    # Python imports this module first; what is None there cannot be imported.
    (service / "src" / "sitecustomize.py").write_text(
        f"import sys\nsys.modules[{module!r}] = None\n"
    )
    said = refused(service)
    assert f"{module} is not installed" in said
    assert "uv sync" in said


@pytest.mark.parametrize(
    ("name", "value"), [("PING_INTERVAL", "often"), ("LOG_LEVEL", "LOUD"), ("TRANSPORTS", "pigeon")]
)
def test_a_wrong_setting_is_named_with_its_value(own: Path, name: str, value: str) -> None:
    said = refused(own, **{name: value})
    assert name in said
    assert value in said


@pytest.mark.parametrize("mistake", ["import nowhere_to_be_found", "def f(:", "1 / 0"])
def test_a_view_that_cannot_be_imported_is_named_with_its_file(own: Path, mistake: str) -> None:
    view = own / "src" / package_of(own) / "views" / "broken.py"
    view.write_text(mistake)
    said = refused(own)
    assert "views/broken.py" in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("mode", ["eventlet", "gevent"])
def test_the_server_of_flask_is_refused(bake: Bake, mode: str) -> None:
    service = bake(async_mode=mode)
    package = package_of(service)
    command = ("-m", "flask", "--app", f"{package}.app", "run", "--port", "0")
    done = run_python(service, 30, *command)
    assert done.returncode != 0
    assert f"python -m {package} run" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("class_views", ["flask-classful", "flask-classy"])
def test_routes_and_events_are_listed_with_their_place(bake: Bake, class_views: str) -> None:
    service = bake(class_views=class_views)
    package = package_of(service)
    listed = {}
    for command in ("routes", "events"):
        done = run_python(service, 30, "-m", package, command)
        assert done.returncode == 0, done.stderr
        listed[command] = [line.split() for line in done.stdout.splitlines()]
    file = Path("src", package, "views", "echo.py")
    source = (service / file).read_text().splitlines()
    expected = {
        "routes": [
            (["GET", "/echo", "EchoView.index"], "    def index("),
            (["POST", "/echo/say/<string:message>", "EchoView.say"], '    @route("say'),
        ],
        "events": [
            (["/echo", "repeat", "EchoView.socket_repeat"], "    def socket_repeat("),
            (["/echo", "say", "EchoView.say"], '    @route("say'),
        ],
    }
    for command, rows in expected.items():
        for row, text in rows:
            line = next(n for n, code in enumerate(source, 1) if code.startswith(text))
            assert [*row, f"{file}:{line}"] in listed[command]


@pytest.fixture(scope="session")
def javascript(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """`javascript(url, *transports)`: what the official client of Socket.IO got."""
    node = program("node")
    modules = installed("socket.io-client@4.8.4")

    def javascript(*arguments: str, script: str = "client.js") -> Any:
        done = subprocess.run(
            [node, Path(__file__).with_name(script), *arguments],
            env=os.environ | {"NODE_PATH": str(modules)},
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return javascript
