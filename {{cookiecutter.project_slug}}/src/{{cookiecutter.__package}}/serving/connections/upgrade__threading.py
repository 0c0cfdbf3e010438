# Owned by the template: an update may change this file.
"""Upgrading a connection of the HTTP server to a websocket."""

from __future__ import annotations

import socket
from typing import Any, NoReturn


def socket_of(environ: dict[str, Any]) -> socket.socket:
    """Return the socket that a request came on.

    :param environ: the WSGI environment of the request.
    """
    connection: socket.socket
    if "gunicorn.socket" in environ:
        connection = environ["gunicorn.socket"]
    else:
        # Werkzeug's server, in tests and on Windows.
        connection = environ["werkzeug.socket"]
    return connection


begin = socket_of
"""Returns the socket of a request, which is for a websocket from now on."""


def finish(environ: dict[str, Any]) -> NoReturn:
    """End the request without a response; the HTTP server closes the connection.

    :param environ: the WSGI environment of the request.
    :raises StopIteration: how gunicorn is told.
    :raises ConnectionError: how Werkzeug is told.
    """
    raise StopIteration if "gunicorn.socket" in environ else ConnectionError


def plain_socket(connection: socket.socket) -> socket.socket:
    """Return a socket whose ``send`` can be told not to wait.

    :param connection: the socket of a request.
    """
    return connection
