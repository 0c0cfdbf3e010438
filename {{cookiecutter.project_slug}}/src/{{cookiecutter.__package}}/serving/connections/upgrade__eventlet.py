# Owned by the template: an update may change this file.
"""Upgrading a connection of the HTTP server to a websocket."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

from eventlet import wsgi


def socket_of(environ: dict[str, Any]) -> socket.socket:
    """Return the socket that a request came on.

    :param environ: the WSGI environment of the request.
    """
    connection: socket.socket = environ["eventlet.input"].get_socket()
    return connection


def finish(environ: dict[str, Any]) -> Iterable[bytes]:
    """End the request without a response; the HTTP server closes the connection.

    :param environ: the WSGI environment of the request.
    """
    wsgi.WSGI_LOCAL.already_handled = True
    return []


def plain_socket(connection: socket.socket) -> socket.socket:
    """Return a socket whose ``send`` never waits by itself.

    :param connection: the socket of a request.
    """
    plain: socket.socket = connection.fd  # type: ignore[attr-defined]
    return plain
