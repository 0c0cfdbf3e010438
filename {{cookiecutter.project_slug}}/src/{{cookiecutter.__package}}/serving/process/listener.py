# Owned by the template: an update may change this file.
"""The socket that the service accepts connections on."""

from __future__ import annotations

import array
import os
import socket
import struct
import sys
import time
from collections.abc import Callable
from contextlib import suppress

# The kernel's struct tcp_info: for a listening socket, this field is the number of connections
# that have not been accepted yet.
_TCP_INFO = struct.Struct("24xI")
# Linux's number of the option that sets a filter, and a filter of TCP segments, by instructions of
# code, two jumps and a value: load the flags, drop what has SYN among them, let the rest through.
_SO_ATTACH_FILTER = 26
_NO_NEW_CONNECTIONS = (
    (0x30, 0, 0, 13),
    (0x45, 0, 1, 0x02),
    (0x06, 0, 0, 0),
    (0x06, 0, 0, 2**32 - 1),
)


class ListenError(Exception):
    """The address cannot be used."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address.

    :param host: a name or an address; an empty one means every address of this machine.
    :param port: the number of the port; 0 lets the system choose one.
    :raises ListenError: the address is taken, or not one of this machine.
    """
    try:
        found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM)
        family, *_, address = found[0]
        listener = socket.create_server(address[:2], family=family, backlog=4096)
    except OSError as error:
        raise ListenError(f"Cannot listen on {host}:{port}: {error.strerror}.") from error
    # Else an emit and the ack behind it wait for each other. Accepted sockets inherit it.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def close_when_idle(
    listener: socket.socket, sleep: Callable[[float], None], deadline: float
) -> None:
    """Close a listener at a moment when no connection is waiting to be accepted.

    Closing it resets the waiting connections, although a request may have been sent already. The
    server is not told: its socket is replaced by one that nobody can connect to.

    :param listener: the socket that the server accepts connections on.
    :param sleep: lets the server accept connections.
    :param deadline: when it is closed in any case, by ``time.monotonic()``.
    """
    # Where that is not allowed, a connection may come between the last look and the end.
    with suppress(OSError):
        _ignore_attempts(listener)
    while _has_pending_connections(listener) and time.monotonic() < deadline:
        sleep(0)
    with socket.socket(listener.family, socket.SOCK_STREAM) as nowhere:
        os.dup2(nowhere.fileno(), listener.fileno())


def _ignore_attempts(listener: socket.socket) -> None:
    """Leave whoever connects without an answer: it tries again, and is refused by then."""
    if sys.platform == "linux":
        code = array.array("B", b"".join(struct.pack("HBBI", *one) for one in _NO_NEW_CONNECTIONS))
        program = struct.pack("HP", len(_NO_NEW_CONNECTIONS), code.buffer_info()[0])
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def _has_pending_connections(listener: socket.socket) -> bool:
    if sys.platform != "linux":
        # Other systems do not provide this number.
        return False
    info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _TCP_INFO.size)
    waiting: int = _TCP_INFO.unpack(info)[0]
    return waiting > 0
