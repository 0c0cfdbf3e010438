"""How long an answer takes on a connection that stays open, for the record.

`uv run python benchmarks/latency.py` prints two medians for each async mode: of a request on a
kept-alive HTTP connection, and of an event that is answered by a broadcast and its ack. Small
packets that are held back show up as 40 ms; timings are no test, because machines differ.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import socketio  # type: ignore[import-untyped]

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from conftest import ROOT, generate
from environments import interpreter
from server import started

MODES = ("eventlet", "gevent", "threading")
ROUNDS = 300


def median(action: Callable[[], object]) -> float:
    """Return the median of many rounds, in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        action()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times)


def medians(mode: str, folder: Path) -> tuple[float, float]:
    """Return the medians of a service: of a request, and of an event with a broadcast."""
    service = generate(folder, ROOT, async_mode=mode)
    with started(interpreter(service), service) as server:
        address = urlsplit(server.url)
        connection = HTTPConnection(str(address.hostname), address.port)

        def ask() -> None:
            connection.request("GET", "/echo")
            connection.getresponse().read()

        http = median(ask)
        connection.close()

        client = socketio.Client(reconnection=False)
        client.connect(server.url, namespaces=["/echo"], transports=["websocket"])
        client.on("said", lambda said: None, "/echo")
        event = median(lambda: client.call("say", "x", namespace="/echo"))
        client.disconnect()
    return http, event


def main() -> None:
    """Print the medians of every mode."""
    print(f"{'mode':<10} {'HTTP':>9} {'event':>9}")
    with tempfile.TemporaryDirectory() as folder:
        for mode in MODES:
            http, event = medians(mode, Path(folder))
            print(f"{mode:<10} {http:>6.2f} ms {event:>6.2f} ms")


if __name__ == "__main__":
    main()
