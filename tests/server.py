"""A generated service as the process it is in real life: started, talked to, stopped."""

import os
import re
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from environments import environ

STARTS_WITHIN = 60.0
HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    "Host: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
Result = TypeVar("Result")

SERVING = re.compile(r"Serving on (http://\S+)")


def package_of(service: Path) -> str:
    """Return the import name of a service."""
    (module,) = (service / "src").glob("*/__main__.py")
    return module.parent.name


def eventually(question: Callable[[], Result], seconds: float = STARTS_WITHIN) -> Result:
    """Ask until the answer is a true one, and return it."""
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer or time.monotonic() > deadline:
            assert answer, f"{question} has no answer after {seconds} seconds"
            return answer
        time.sleep(0.05)


@dataclass
class Answer:
    """What came back for a request."""

    status: int
    headers: HTTPMessage
    text: str


@dataclass
class Server:
    """A process that serves, and what it has printed."""

    process: "subprocess.Popen[bytes]"
    log: Path
    url: str = ""

    def printed(self) -> str:
        """Return everything that the process has printed."""
        # It writes its log in the background, a moment after what is logged.
        time.sleep(0.3)
        return self.log.read_text(encoding="utf-8", errors="replace")

    def request(self, method: str, path: str, seconds: float = 10.0) -> Answer:
        """Send a request on a connection of its own."""
        address = urlsplit(self.url)
        connection = HTTPConnection(str(address.hostname), address.port, timeout=seconds)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    def get(self, path: str) -> str:
        """Return the text at a path, or nothing while no answer comes."""
        try:
            return self.request("GET", path).text
        except OSError:
            return ""

    def interrupt(self) -> None:
        """Press Ctrl+C: a terminal sends it to every process in front."""
        os.killpg(self.process.pid, signal.SIGINT)

    def terminate(self) -> None:
        """Ask the process to end, as a service manager does."""
        self.process.send_signal(signal.SIGTERM)


@contextmanager
def started(python: Path, service: Path, *options: str, **settings: str) -> Iterator[Server]:
    """Start a service on a free port, wait until it answers, and stop it at the end.

    :param python: the interpreter with what the service needs.
    :param service: the folder of the service.
    :param options: what follows the command `run`.
    :param settings: variables of its environment.
    """
    command = [str(python), "-m", package_of(service), "run", "--port", "0", *options]
    with running(command, service, **settings) as server:
        yield server


@contextmanager
def running(command: list[str], service: Path, **settings: str) -> Iterator[Server]:
    """Run a command that serves, and stop it at the end; see `started`."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=service,
                env=environ(service, **settings),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        server = Server(process, log)
        try:
            server.url = eventually(lambda: _url(server))
            eventually(lambda: server.get("/health/live"))
            yield server
        except BaseException as error:
            error.add_note(f"The service printed:\n{server.printed()}")
            raise
        finally:
            _stop(process)


def websocket(server: Server) -> socket.socket:
    """Return a websocket that the server has greeted, to be closed by the caller."""
    address = urlsplit(server.url)
    connection = socket.create_connection((str(address.hostname), address.port or 0), 60)
    connection.sendall(HANDSHAKE.format(address.netloc).encode())
    answer = b""
    while b'"sid"' not in answer:
        part = connection.recv(4096)
        assert part, answer
        answer += part
    return connection


def _url(server: Server) -> str:
    assert server.process.poll() is None, "the service ended"
    printed = SERVING.search(server.printed())
    return printed[1] if printed else ""


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """End a process and those it started: the session is its own."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(10)
