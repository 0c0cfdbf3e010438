# Owned by the template: an update may change this file.
"""Upgrading a connection of the HTTP server to a websocket."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

from gevent.socket import socket as gevent_socket


class _ReaderSocket(gevent_socket):
    """A socket whose reader waits first, as nothing is there in most cases.

    Otherwise a call of the system would find that out. Clients get 5 % more acks without it.
    """

    __slots__ = ()

    def recv(self, *args: Any) -> bytes:
        """Wait for data, and read what is there."""
        self._wait(self._read_event)  # type: ignore[attr-defined]
        data: bytes = super().recv(*args)
        return data


def socket_of(environ: dict[str, Any]) -> socket.socket:
    """Return the socket that a request came on.

    :param environ: the WSGI environment of the request.
    """
    connection: socket.socket
    if "gunicorn.socket" in environ:
        connection = environ["gunicorn.socket"]
    else:
        # Gevent's own server, in tests and on Windows.
        connection = environ["wsgi.input"].raw._sock
    return connection


def begin(environ: dict[str, Any]) -> socket.socket:
    """Return the socket of a request, which is for a websocket from now on.

    :param environ: the WSGI environment of the request.
    """
    connection: Any = socket_of(environ)
    connection.__class__ = _ReaderSocket
    begun: socket.socket = connection
    return begun


def finish(environ: dict[str, Any]) -> Iterable[bytes]:
    """End the request without a response; the HTTP server closes the connection.

    :param environ: the WSGI environment of the request.
    :raises StopIteration: how gunicorn is told.
    """
    if "gunicorn.socket" in environ:
        raise StopIteration
    return []


def plain_socket(connection: socket.socket) -> socket.socket:
    """Return a socket whose ``send`` never waits by itself.

    :param connection: the socket of a request.
    """
    plain: socket.socket = connection._sock  # type: ignore[attr-defined]
    return plain
