"""Closing the door of a process: nobody who knocked is left standing in front of it."""

from __future__ import annotations

import errno
import socket
import sys
import time
from typing import Any

import pytest
from contract_service.serving.process.listener import close_unnoticed, listen


class Unfiltered(socket.socket):
    """A socket of a system that has no filters."""

    def setsockopt(self, *_: Any) -> None:
        raise OSError(errno.ENOPROTOOPT, "Protocol not available")


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells who waits")
@pytest.mark.parametrize("kind", [socket.socket, Unfiltered])
def test_who_has_connected_is_still_served(kind: type[socket.socket]) -> None:
    accepted: list[socket.socket] = []
    with listen("127.0.0.1", 0) as inner, kind(fileno=inner.detach()) as listener:
        address = listener.getsockname()
        with socket.create_connection(address) as early:

            def sleep(seconds: float) -> None:
                time.sleep(seconds)
                if not seconds:
                    accepted.append(listener.accept()[0])

            close_unnoticed(listener, sleep, time.monotonic() + 10)
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
            close_unnoticed(listener, time.sleep, time.monotonic() + 0.2)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(address)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the filter")
def test_who_is_about_to_be_connected_is_still_served() -> None:
    answers: list[bytes] = []
    with listen("127.0.0.1", 0) as listener:
        # The system goes on connecting until the client has sent something.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 10)
        with socket.create_connection(listener.getsockname()) as early:

            def sleep(seconds: float) -> None:
                if seconds:
                    early.sendall(b"request")
                    time.sleep(seconds)
                    return
                with listener.accept()[0] as server_side:
                    server_side.settimeout(5)
                    answers.append(server_side.recv(100))

            close_unnoticed(listener, sleep, time.monotonic() + 10)
    assert answers == [b"request"]


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux has the filter")
def test_who_knocks_while_it_closes_is_not_let_in() -> None:
    turned_away = False
    with listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        address = listener.getsockname()

        def sleep(seconds: float) -> None:
            nonlocal turned_away
            if not seconds and not turned_away:
                # No answer at all, so that a proxy tries again, and finds the door closed then.
                with pytest.raises(TimeoutError):
                    socket.create_connection(address, timeout=0.3)
                turned_away = True

        close_unnoticed(listener, sleep, time.monotonic() + 1)
    assert turned_away
