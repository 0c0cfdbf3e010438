# Owned by the template: an update may change this file.
"""Connections that have not sent a whole request: how many an address may have, and for how long.

An HTTP server waits for the rest of a request for as long as the client likes, and each such
connection takes a place that another client could have. Here, the head of a request has to arrive
in time, and so has its body; a connection may be idle for as long between two requests.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from functools import partial
from typing import Any

from flask import Flask

from ..connections.budget import client_network, has_limits
from ..connections.upgrade import socket_of
from ..settings import ServingSettings

logger = logging.getLogger(__name__)

_SECONDS = 20
# A client of Socket.IO that polls has two at a time.
_PER_CLIENT = 2


class PendingRequests:
    """Limits the connections of an HTTP server that have not sent a whole request."""

    def __init__(self, app: Flask, settings: ServingSettings) -> None:
        """Wrap an application.

        :param app: the application.
        :param settings: its settings.
        """
        self._app = app
        self._settings = settings
        self._most = _PER_CLIENT * settings.max_connections_per_address
        # A proxy brings everybody, and bounds them itself.
        self._is_behind_proxy = bool(settings.trusted_proxies)
        self._open: dict[str, dict[int, socket.socket]] = {}
        # Since when a connection has been waited for.
        self._awaited: dict[int, tuple[socket.socket, float]] = {}

    def admit(self, connection: socket.socket, address: str) -> bool:
        """Register a new connection; return whether the server should serve it.

        :param connection: its socket, the same as requests on it will have.
        :param address: the address of the client.
        """
        if id(connection) in self._awaited:
            return True
        name = client_network(address)
        if not self._is_behind_proxy and has_limits(name, self._settings):
            known = self._open.setdefault(name, {})
            if len(known) >= self._most:
                _forget_closed(known)
                if len(known) >= self._most:
                    return False
            known[id(connection)] = connection
        self._await(connection)
        return True

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Answer a request, as the application does."""
        connection = socket_of(environ)
        self._awaited.pop(id(connection), None)
        if environ.get("CONTENT_LENGTH") not in (None, "", "0") or _is_chunked(environ):
            environ["wsgi.input"] = _Body(environ["wsgi.input"], self, connection)
        answer = self._app.wsgi_app(environ, start_response)
        return ClosingResponse(answer, partial(self._await, connection))

    def sweep_forever(self, sleep: Callable[[float], Any]) -> None:
        """Sweep every second, from now on.

        :param sleep: waits for some seconds, and lets others run.
        """
        while True:
            sleep(1)
            self.sweep()

    def sweep(self) -> None:
        """Cut the connections that take too long, and forget those that are closed."""
        latest = time.monotonic() - _SECONDS
        for key, (connection, since) in list(self._awaited.items()):
            if connection.fileno() == -1:
                self._awaited.pop(key, None)
            elif since < latest:
                self._awaited.pop(key, None)
                # Whoever reads from it finds that out, and closes it.
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
        for name, known in list(self._open.items()):
            _forget_closed(known)
            if not known:
                self._open.pop(name, None)

    def body_awaited(self, connection: socket.socket, since: float) -> None:
        """Note that a request body is being read.

        :param connection: the connection that it comes on.
        :param since: when that began.
        """
        self._awaited[id(connection)] = (connection, since)

    def body_read(self, connection: socket.socket) -> None:
        """Note that a request body, or a part of it, has arrived."""
        self._awaited.pop(id(connection), None)

    def _await(self, connection: socket.socket) -> None:
        self._awaited[id(connection)] = (connection, time.monotonic())


class ClosingResponse:
    """A response with a callback at its end; Werkzeug's ``ClosingIterator`` is slower."""

    def __init__(self, parts: Iterable[bytes], then: Callable[[], Any]) -> None:
        """Wrap the response of an application.

        :param parts: the answer.
        :param then: is called when all of it is sent, or nobody wants it any more.
        """
        self._parts = parts
        self._then = then

    def __iter__(self) -> Iterator[bytes]:
        """Yield the parts of the answer."""
        return iter(self._parts)

    def close(self) -> None:
        """Close the response and call the callback."""
        try:
            if close := getattr(self._parts, "close", None):
                close()
        finally:
            self._then()


class _Body:
    """A request's body, which has to arrive in time."""

    def __init__(self, body: Any, pending: PendingRequests, connection: socket.socket) -> None:
        self._body = body
        self._pending = pending
        self._connection = connection
        self._since = 0.0

    def read(self, *size: int) -> bytes:
        """Return some bytes, or all."""
        data: bytes = self._timed(self._body.read, *size)
        return data

    def readline(self, *size: int) -> bytes:
        """Return a line."""
        line: bytes = self._timed(self._body.readline, *size)
        return line

    def readlines(self, *hint: int) -> list[bytes]:
        """Return the lines."""
        lines: list[bytes] = self._timed(self._body.readlines, *hint)
        return lines

    def __iter__(self) -> Iterator[bytes]:
        """Yield the lines."""
        return iter(self.readline, b"")

    def _timed(self, read: Callable[..., Any], *size: int) -> Any:
        self._since = self._since or time.monotonic()
        self._pending.body_awaited(self._connection, self._since)
        try:
            return read(*size)
        finally:
            self._pending.body_read(self._connection)


def _is_chunked(environ: dict[str, Any]) -> bool:
    return "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower()


def _forget_closed(connections: dict[int, socket.socket]) -> None:
    for key, connection in list(connections.items()):
        if connection.fileno() == -1:
            connections.pop(key, None)
