"""What many clients cost that are connected and say nothing.

    uv run python benchmarks/held_load.py [eventlet|gevent|threading ...] [--clients 10000]

One process of a generated service holds them. Printed are the connections per second, the memory
of the process for each client, how long a broadcast takes until it has reached all of them, and how
long a request takes meanwhile. Client and server share the machine, so two cores are the least.
"""

from __future__ import annotations

import argparse
import asyncio
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

sys.path.append(str(Path(__file__).resolve().parent.parent / "tests"))

from conftest import ROOT, generate
from environments import interpreter
from server import HANDSHAKE, Server, package_of, started

AT_ONCE = 100
REQUESTS = 50
_PING = b"\x81\x012"
VIEW = '''
"""A view that tells everyone."""

from ..flask_view import FlaskView


class LoadView(FlaskView):
    """Answers at /load."""

    def post(self) -> None:
        """POST /load: tell everyone."""
        self.broadcast("told", "x" * 64)

    def socket_ready(self) -> None:
        """Let the namespace be there."""
'''


class Client(asyncio.Protocol):
    """A websocket that answers pings and counts what it is told."""

    def __init__(self, host: str) -> None:
        """Begin without anything."""
        self._host = host
        self._received = b""
        self.joined: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.told: asyncio.Future[float] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for a websocket."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.write(HANDSHAKE.format(self._host).encode())

    def data_received(self, data: bytes) -> None:
        """Answer what the server says: it is little, and each thing is said once."""
        self._received += data
        if b"pingInterval" in self._received:
            if not self._received.endswith(b"}"):
                return
            self._send(b"40/load,")
        elif b"40/load,{" in self._received:
            self.joined.set_result(None)
        elif b'"told"' in self._received:
            self.told.set_result(time.perf_counter())
        elif _PING in self._received:
            self._send(b"3")
        self._received = b""

    def connection_lost(self, _: Exception | None) -> None:
        """Let nobody wait any more."""
        self.joined.cancel()
        self.told.cancel()

    def close(self) -> None:
        """Leave."""
        self._transport.abort()

    def _send(self, text: bytes) -> None:
        self._transport.write(bytes([0x81, 0x80 | len(text)]) + b"\0\0\0\0" + text)


def main() -> None:
    """Print a line for every mode."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("modes", nargs="*", default=["eventlet", "gevent"])
    parser.add_argument("--clients", type=int, default=10_000)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < options.clients + 2_000:
        sys.exit(f"A process may open only {hard} files here: ulimit -n {options.clients + 2_000}")
    resource.setrlimit(resource.RLIMIT_NOFILE, (options.clients + 2_000, hard))
    print("mode        clients  connects/s  KiB/client  broadcast  request, median and worst")
    for mode in options.modes:
        with tempfile.TemporaryDirectory() as folder:
            service = generate(Path(folder), ROOT, async_mode=mode, starter="minimal")
            views = service / "src" / package_of(service) / "views"
            (views / "load.py").write_text(VIEW, encoding="utf-8")
            settings = {"MAX_CONNECTIONS": str(options.clients), "LOG_LEVEL": "WARNING"}
            with started(interpreter(service), service, **settings) as server:
                print(f"{mode:<12}", end="", flush=True)
                print(asyncio.run(measure(server, options.clients)), flush=True)


async def measure(server: Server, count: int) -> str:
    """Connect the clients, and return what they cost."""
    server.get("/health/live")
    before = memory(server.process.pid)
    clients: list[Client] = []
    begin = time.perf_counter()
    while len(clients) < count:
        some = [connect(server.url) for _ in range(min(AT_ONCE, count - len(clients)))]
        clients += await asyncio.gather(*some)
    rate = count / (time.perf_counter() - begin)
    each = (memory(server.process.pid) - before) / count

    begin = time.perf_counter()
    await asyncio.to_thread(server.request, "POST", "/load", 60)
    reached = max(await asyncio.gather(*(client.told for client in clients))) - begin

    times = []
    for _ in range(REQUESTS):
        begin = time.perf_counter()
        await asyncio.to_thread(server.request, "GET", "/health/live")
        times.append((time.perf_counter() - begin) * 1000)
    for client in clients:
        client.close()
    quick = f"{statistics.median(times):.1f} and {max(times):.1f} ms"
    return f"{count:>7}{rate:>12.0f}{each:>12.1f}{reached:>9.2f} s  {quick}"


async def connect(url: str) -> Client:
    """Return a client that has joined."""
    address = urlsplit(url)
    loop = asyncio.get_running_loop()
    _, client = await loop.create_connection(
        lambda: Client(address.netloc), str(address.hostname), int(address.port or 80)
    )
    await asyncio.wait_for(client.joined, 60)
    return client


def memory(pid: int) -> float:
    """Return what a process and its children hold in memory, in KiB."""
    kib = 0.0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = status.read_text().splitlines()
        except OSError:
            continue
        fields = dict(line.split(":", 1) for line in lines if ":" in line)
        if pid in (int(fields["Pid"]), int(fields["PPid"])) and "VmRSS" in fields:
            kib += float(fields["VmRSS"].split()[0])
    return kib


if __name__ == "__main__":
    main()
