# Owned by the template: an update may change this file.
"""Upgrading a connection of the HTTP server to a websocket."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from typing import Any

from eventlet import getcurrent, wsgi
from eventlet.greenio import GreenSocket
from eventlet.hubs import get_hub


class _ReaderSocket(GreenSocket):  # type: ignore[misc]
    """A socket of which the hub knows that somebody reads from it.

    Any other makes a call of the system to find that nothing is there, one to tell the hub, and one
    to tell it that this is over. Without them, clients with one event in flight get a quarter more.
    """

    _reader: Any = None
    _listener: Any = None

    def recv(self, bufsize: int, flags: int = 0) -> bytes:
        """Read what is there, or wait for it."""
        if self.gettimeout() is not None:
            waited: bytes = super().recv(bufsize, flags)
            return waited
        while True:
            self._wait()
            try:
                data: bytes = self.fd.recv(bufsize, flags)
            except BlockingIOError:
                continue
            return data

    def _wait(self) -> None:
        hub = get_hub()
        self._reader = reader = getcurrent()
        if self._listener is None:
            number = self.fileno()
            self._listener = hub.add(hub.READ, number, self._on_data, reader.throw, None)
        try:
            hub.switch()
        finally:
            self._reader = None

    def _on_data(self, number: int) -> None:
        if self._reader:
            self._reader.switch()
        else:
            # It has come while an event is handled, and the hub would tell of it all the time.
            self.forget_reader()

    def forget_reader(self) -> None:
        """Tell the hub that nobody reads."""
        if self._listener:
            get_hub().remove(self._listener)
            self._listener = None


def socket_of(environ: dict[str, Any]) -> socket.socket:
    """Return the socket that a request came on.

    :param environ: the WSGI environment of the request.
    """
    connection: socket.socket = environ["eventlet.input"].get_socket()
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
    """
    connection: Any = socket_of(environ)
    connection.forget_reader()
    wsgi.WSGI_LOCAL.already_handled = True
    return []


def plain_socket(connection: socket.socket) -> socket.socket:
    """Return a socket whose ``send`` never waits by itself.

    :param connection: the socket of a request.
    """
    plain: socket.socket = connection.fd  # type: ignore[attr-defined]
    return plain
