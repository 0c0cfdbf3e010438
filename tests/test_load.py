# ruff: noqa: D103 - the name of a test says what it asserts
"""Many clients on one process."""

import contextlib
import resource
import socket
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest
from conftest import Bake
from environments import interpreter
from server import Server, started

CLIENTS = 2_000
SPARE_FILES = 500
HANDSHAKE = (
    "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    "Host: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def opened(server: Server) -> socket.socket:
    """Return a websocket that the server has greeted."""
    address = urlsplit(server.url)
    connection = socket.create_connection((str(address.hostname), address.port or 0), 60)
    connection.sendall(HANDSHAKE.format(address.netloc).encode())
    answer = b""
    while b'"sid"' not in answer:
        part = connection.recv(4096)
        assert part, answer
        answer += part
    return connection


@pytest.mark.full
@pytest.mark.parametrize("mode", ["eventlet", "gevent", "threading"])
def test_two_thousand_idle_clients_hold_nobody_up(bake: Bake, mode: str) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < CLIENTS + SPARE_FILES:
        pytest.skip(f"a process may open only {most} files here")
    # The service inherits it.
    resource.setrlimit(resource.RLIMIT_NOFILE, (CLIENTS + SPARE_FILES, most))
    service = bake(async_mode=mode)
    quiet = {"PING_INTERVAL": "600"}
    with (
        contextlib.ExitStack() as stack,
        started(interpreter(service), service, **quiet) as server,
        ThreadPoolExecutor(50) as pool,
    ):
        for connection in pool.map(opened, [server] * CLIENTS):
            stack.enter_context(contextlib.closing(connection))
        for _ in range(20):
            assert server.request("GET", "/echo", seconds=2).status == 200
