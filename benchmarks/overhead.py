"""What the view layer costs: a generated service against the same handlers without it.

    uv run python benchmarks/overhead.py [eventlet|gevent|threading ...]

Both serve the same work on the same server, in turns. Counted is the processor time of the server
for a number of acks or responses. The ratio is above 1.0 where the generated service needs less; it
is the median of those of all rounds, as the speed of the machine may change from one to the next.
The client's own speed does not matter. Both run with LOG_LEVEL=WARNING, because the bare server has
no line for each event and request to write.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import uv
import websocket
from cookiecutter.main import cookiecutter  # type: ignore[import-untyped]

ROOT = Path(__file__).resolve().parent.parent
MODES = ("eventlet", "gevent", "threading")
CLIENTS = 10
READING = {"sensor": "kitchen", "celsius": 21.5, "count": 3}

# The work, once as a view and once without one.
VIEW = """
from pydantic import BaseModel

from ..flask_view import FlaskView, on, route


class Reading(BaseModel):
    sensor: str
    celsius: float
    count: int


class BenchView(FlaskView):
    @route("plain", methods=["POST"])
    def post_plain(self):
        return {"ok": True, "text": "x" * 64}

    @route("model", methods=["POST"])
    def post_model(self, reading: Reading) -> Reading:
        return reading

    def socket_plain(self, payload):
        return payload

    def socket_model(self, reading: Reading) -> Reading:
        return reading
"""
SERVER = """
from bench import async_mode  # noqa: I001

import sys

from flask import Flask, request
from flask_socketio import SocketIO

from bench import background
from bench.app import create_app
from bench.listener import listen
from bench.server import serve
from bench.settings import Settings


def bare(settings):
    app = Flask("bare")
    # As any application has one: without it, no request opens a session.
    app.secret_key = "bench"
    socketio = SocketIO(app, async_mode=async_mode.ASYNC_MODE)

    @app.post("/bench/plain")
    def post_plain():
        return {"ok": True, "text": "x" * 64}

    @app.post("/bench/model")
    def post_model():
        return request.get_json()

    @socketio.on("plain", namespace="/bench")
    @socketio.on("model", namespace="/bench")
    def answer(payload):
        return payload

    return app


settings = Settings.load()
create = create_app
if sys.argv[1] == "bare":
    create = bare
    # It belongs to the service.
    background.start = lambda app: None
serve(listen("127.0.0.1", int(sys.argv[2])), create(settings), settings)
"""


def main() -> None:
    """Print a table of ratios for the modes that the arguments name."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("modes", nargs="*", choices=MODES, default=list(MODES))
    parser.add_argument("--rounds", type=int, default=25)
    parser.add_argument("--calls", type=int, default=1000, help="calls in each round")
    options = parser.parse_args()
    print(f"{'mode':<11}{'work':<16}{'bare /s':>10}{'service /s':>12}{'ratio':>8}")
    for mode in options.modes:
        with tempfile.TemporaryDirectory() as folder:
            measure(mode, bake(Path(folder), mode), options.rounds, options.calls)


def bake(folder: Path, mode: str) -> Path:
    """Generate a service of a mode, with the view to measure."""
    answers = {"project_slug": "bench", "async_mode": mode}
    service = Path(
        cookiecutter(str(ROOT), no_input=True, extra_context=answers, output_dir=str(folder))
    )
    (service / "src/bench/views/bench.py").write_text(VIEW, encoding="utf-8")
    (service / "serve.py").write_text(SERVER, encoding="utf-8")
    subprocess.run(
        [uv.find_uv_bin(), "sync", "--quiet", "--no-dev", "--project", service], check=True
    )
    return service


def measure(mode: str, service: Path, rounds: int, calls: int) -> None:
    """Print a line for each kind of work."""
    with running(service, "bare") as bare, running(service, "view") as view:
        works: dict[str, Callable[[int], None]] = {
            "event, plain": lambda port: events(port, "plain", calls),
            "event, model": lambda port: events(port, "model", calls),
            "request, plain": lambda port: requests(port, "plain", calls),
            "request, model": lambda port: requests(port, "model", calls),
        }
        for name, work in works.items():
            rates: dict[str, list[float]] = {"bare": [], "view": []}
            servers = [("bare", bare), ("view", view)]
            for _ in range(rounds):
                for kind, (port, pid) in servers:
                    before = processor_time(pid)
                    work(port)
                    rates[kind].append(calls / (processor_time(pid) - before))
                servers.reverse()
            ratio = statistics.median(
                other / one for one, other in zip(rates["bare"], rates["view"], strict=True)
            )
            one, other = statistics.median(rates["bare"]), statistics.median(rates["view"])
            print(f"{mode:<11}{name:<16}{one:>10.0f}{other:>12.0f}{ratio:>8.2f}", flush=True)


@contextlib.contextmanager
def running(service: Path, kind: str) -> Iterator[tuple[int, int]]:
    """Yield port and process of a server."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    python = service / ".venv" / ("Scripts" if os.name == "nt" else "bin") / "python"
    process = subprocess.Popen(
        [python, "serve.py", kind, str(port)],
        cwd=service,
        env=os.environ | {"LOG_LEVEL": "WARNING"},
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(port)
        yield port, process.pid
    finally:
        process.kill()
        process.wait()


def wait_for(port: int) -> None:
    """Return as soon as a server answers."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            connection = HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("POST", "/bench/plain")
            connection.getresponse().read()
            connection.close()
            return
        time.sleep(0.1)
    sys.exit("The server does not answer")


def processor_time(pid: int) -> float:
    """Return the seconds that a process and its children have computed so far."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if pid in (int(stat.parent.name), int(fields[1])):
                ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def in_parallel(work: Callable[[], None]) -> None:
    """Let all clients do the same work at once."""
    threads = [threading.Thread(target=work) for _ in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def events(port: int, event: str, calls: int) -> None:
    """Send events over websockets, each after the ack of the one before."""
    text = json.dumps([event, READING], separators=(",", ":"))

    def client() -> None:
        url = f"ws://127.0.0.1:{port}/socket.io/?EIO=4&transport=websocket"
        connection = websocket.create_connection(url, timeout=20)
        connection.recv()
        connection.send("40/bench,")
        connection.recv()
        for number in range(calls // CLIENTS):
            connection.send(f"42/bench,{number}{text}")
            answer = connection.recv()
            assert str(answer).startswith(f"43/bench,{number}["), answer
        connection.close()

    in_parallel(client)


def requests(port: int, path: str, calls: int) -> None:
    """Send requests over connections that are kept."""
    body = json.dumps(READING)

    def client() -> None:
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        for _ in range(calls // CLIENTS):
            connection.request("POST", f"/bench/{path}", body, {"Content-Type": "application/json"})
            response = connection.getresponse()
            assert response.status == 200, response.read()
            response.read()
        connection.close()

    in_parallel(client)


if __name__ == "__main__":
    main()
