# ruff: noqa: D103 - the name of a test says what it asserts
"""The log of a process that serves: nobody waits for it, and nothing is lost without a word."""

import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from conftest import Bake
from environments import environ, interpreter, run_python
from server import SERVING, Server, eventually, package_of, started

MODES = ("eventlet", "gevent", "threading")
TALKATIVE = '''
"""A view that has much to say."""

import atexit
import logging
import os
import time

from ..flask_view import FlaskView, route

logger = logging.getLogger(__name__)


class TalkView(FlaskView):
    """Answers at /talk."""

    @route("say/<int:first>/<int:lines>/<int:size>")
    def say(self, first: int, lines: int, size: int) -> str:
        """Log lines with a number each, and one at the end of the process."""
        atexit.register(logger.info, "the last word")
        for number in range(first, first + lines):
            logger.info("line %d %s", number, "x" * size)
        return "said"

    @route("crash")
    def crash(self) -> str:
        """Fail."""
        raise ZeroDivisionError

    @route("change")
    def change(self) -> str:
        """Change what was logged."""
        said = ["before"]
        logger.info("It was %s.", said)
        said[0] = "after"
        return "changed"

    @route("copy")
    def copy(self) -> str:
        """Log in a copy of the process, with lines waiting to be written."""
        logger.info("said by the parent")
        if (child := os.fork()) == 0:
            logger.info("said by the child")
            logging.shutdown()
            os._exit(0)
        os.waitpid(child, 0)
        return "copied"

    @route("wait")
    def wait(self) -> str:
        """Take long."""
        time.sleep(8)
        return "done"
'''

UNWRITABLE = """
import logging

from {package}.serving import async_mode
from {package}.app import create_app


class Unwritable:
    def write(self, text):
        raise OSError("nobody reads this")

    def flush(self):
        pass


app = create_app()
(handler,) = logging.getLogger().handlers
handler.setStream(Unwritable())
answer = app.test_client().get("/talk/say/0/0/0")
print(answer.status_code, answer.text)
"""


@pytest.fixture(params=MODES)
def service(request: pytest.FixtureRequest, bake: Bake) -> Path:
    """Return a service with a view that logs."""
    service = bake(async_mode=request.param, starter="minimal")
    (service / "src" / package_of(service) / "views" / "talk.py").write_text(TALKATIVE)
    return service


class Pipe:
    """The end of a pipe at which someone reads the log, or does not."""

    def __init__(self, end: int) -> None:
        self._end = end
        self._parts: list[bytes] = []
        self._reader = threading.Thread(target=self._read)

    def _read(self) -> None:
        while part := os.read(self._end, 65_536):
            self._parts.append(part)
        os.close(self._end)

    @property
    def text(self) -> str:
        """What was read."""
        return b"".join(self._parts).decode(errors="replace")

    def url(self) -> str:
        """Return where the service answers, which is all that is read for now."""
        while not (found := SERVING.search(self.text)):
            self._parts.append(os.read(self._end, 100))
        return found[1]

    def read(self) -> None:
        """Read all that comes, from now on."""
        self._reader.start()

    def read_to_the_end(self) -> str:
        """Wait until nobody writes any more, and return everything."""
        self._reader.join(10)
        assert not self._reader.is_alive()
        return self.text


@contextmanager
def into_a_pipe(service: Path) -> Iterator[tuple[Server, Pipe]]:
    """Start a service whose log goes into a pipe."""
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [interpreter(service), "-m", package_of(service), "run", "--port", "0"],
        cwd=service,
        env=environ(service),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=writing,
        start_new_session=True,
    )
    os.close(writing)
    pipe = Pipe(reading)
    server = Server(process, Path(os.devnull))
    try:
        server.url = pipe.url()
        eventually(lambda: server.get("/health/live"))
        yield server, pipe
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


@contextmanager
def busy(server: Server) -> Iterator[None]:
    """Keep a request running in a service, as long as the service does."""
    slow = threading.Thread(target=lambda: server.get("/talk/wait"))
    slow.start()
    threading.Event().wait(0.5)
    yield
    slow.join()


def numbers(text: str) -> list[int]:
    """Return the numbers of the lines of the view, as they come in a log."""
    return [int(number) for number in re.findall(r" line (\d+) ", text)]


def test_nothing_is_lost_when_the_process_is_told_to_stop(service: Path) -> None:
    with started(interpreter(service), service) as server:
        server.get("/talk/say/0/20000/100")
        server.terminate()
        assert server.process.wait(10) == 0
        assert numbers(server.printed()) == list(range(20_000))
        assert server.printed().count("the last word") == 1
        assert re.search(r"line 19999 x+ request=\w+\n.*TalkView.say: GET /talk", server.printed())


def test_a_traceback_follows_its_line(service: Path) -> None:
    with started(interpreter(service), service) as server:
        server.get("/talk/crash")
        server.terminate()
        server.process.wait(10)
        crash = r" ERROR .*TalkView.crash: GET .* request=\w+\nTraceback .*\n(  .*\n)+ZeroDivision"
        assert re.search(crash, server.printed())


def test_what_changes_later_is_logged_as_it_was(service: Path) -> None:
    with started(interpreter(service), service) as server:
        server.get("/talk/change")
        eventually(lambda: "It was" in server.printed(), 2)
        assert "It was ['before']." in server.printed()


def test_a_copy_of_the_process_logs_nothing_twice(service: Path) -> None:
    with started(interpreter(service), service) as server:
        server.get("/talk/copy")
        eventually(lambda: "GET /talk/copy" in server.printed(), 2)
        for who in ("parent", "child"):
            assert server.printed().count(f"said by the {who}") == 1


def test_a_line_that_cannot_be_written_fails_no_request(service: Path) -> None:
    asked = run_python(service, 20, "-c", UNWRITABLE.format(package=package_of(service)))
    assert asked.stdout == "200 said\n", asked.stderr
    assert "OSError: nobody reads this" in asked.stderr


def test_whoever_does_not_read_the_log_stops_nobody_and_is_told_what_is_lost(
    service: Path,
) -> None:
    with into_a_pipe(service) as (server, pipe):
        for first in range(0, 15_000, 1_000):
            assert server.request("GET", f"/talk/say/{first}/1000/1000", 5).text == "said"
        metrics = server.get("/metrics")
        counted = re.search(r"^log_lines_lost_total (\S+)", metrics, re.MULTILINE)
        assert counted
        assert float(counted[1]) > 1_000

        pipe.read()
        told = r" WARNING .* (\d+) lines of the log were lost"
        (lost,) = map(int, eventually(lambda: re.findall(told, pipe.text), 5))
        server.get("/talk/say/15000/10/10")
        server.terminate()
        assert server.process.wait(10) == 0
        there = numbers(pipe.read_to_the_end())
        kept = there.index(15_000)
        assert there == [*range(kept), *range(15_000, 15_010)]
        assert 0 <= lost - (15_000 - kept) <= 20
        assert re.search(rf"line {kept - 1} .*\n.*{told}", pipe.text)


def test_a_process_ends_although_nobody_reads_its_log(service: Path) -> None:
    with into_a_pipe(service) as (server, _):
        server.get("/talk/say/0/1000/1000")
        server.terminate()
        assert server.process.wait(10) == 0


def test_a_process_that_is_told_twice_loses_nothing(service: Path) -> None:
    with into_a_pipe(service) as (server, pipe), busy(server):
        pipe.read()
        server.terminate()
        eventually(lambda: server.request("GET", "/health/ready").status == 503, 1)
        server.get("/talk/say/0/5000/10")
        server.terminate()
        assert server.process.wait(3) == 1
        assert numbers(pipe.read_to_the_end()) == list(range(5_000))


def test_a_process_that_is_told_twice_ends_although_nobody_reads_its_log(service: Path) -> None:
    with into_a_pipe(service) as (server, _), busy(server):
        server.get("/talk/say/0/1000/1000")
        server.terminate()
        eventually(lambda: server.request("GET", "/health/ready").status == 503, 1)
        server.terminate()
        assert server.process.wait(3) == 1
