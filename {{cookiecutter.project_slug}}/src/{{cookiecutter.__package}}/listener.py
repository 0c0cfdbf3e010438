# Owned by the template: an update may change this file.
"""The socket that the service accepts connections on."""

from __future__ import annotations

import socket


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
