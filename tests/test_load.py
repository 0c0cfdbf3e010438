# ruff: noqa: D103 - the name of a test says what it asserts
"""Many clients on one process."""

import contextlib
import resource
from concurrent.futures import ThreadPoolExecutor

import pytest
from conftest import Bake
from environments import interpreter
from server import started, websocket

CLIENTS = 2_000
SPARE_FILES = 500


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
        for connection in pool.map(websocket, [server] * CLIENTS):
            stack.enter_context(contextlib.closing(connection))
        for _ in range(20):
            assert server.request("GET", "/echo", seconds=2).status == 200
