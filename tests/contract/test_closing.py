"""Closing the door of a process: nobody who knocked is left standing in front of it."""

from __future__ import annotations

import socket
import sys
import time

import pytest
from contract_service.serving.process.listener import close_when_idle, listen


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who waits")
def test_who_has_connected_is_still_served() -> None:
    accepted: list[socket.socket] = []
    with listen("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address) as early:

            def sleep(_: float) -> None:
                accepted.append(listener.accept()[0])

            close_when_idle(listener, sleep, time.monotonic() + 10)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(address)
            (server_side,) = accepted
            with server_side:
                early.sendall(b"request")
                server_side.settimeout(5)
                assert server_side.recv(100) == b"request"


def test_a_server_that_accepts_nobody_does_not_keep_the_door_open() -> None:
    with listen("127.0.0.1", 0) as listener:
        address = listener.getsockname()
        with socket.create_connection(address):
            close_when_idle(listener, time.sleep, time.monotonic() + 0.2)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)
