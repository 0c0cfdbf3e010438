# Owned by the template: an update may change this file.
"""Stopping a process: it finishes its work, and its clients reconnect to another one."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from socket import socket
from typing import Any

from flask import Flask

from ...flask_view import Problem
from ..connections.limits import Limits
from ..readiness import add_check
from ..requests.kinds import is_handshake, is_socketio
from ..requests.pending import ClosingResponse
from .listener import close_when_idle

logger = logging.getLogger(__name__)

# Seconds for responses to leave the process, and for requests that have arrived to be read.
_FLUSH_SECONDS = 0.1


class Drain:
    """Counts the running requests, and ends the connections before the process stops."""

    def __init__(self, app: Flask, limits: Limits, sleep: Callable[[float], Any]) -> None:
        """Create the drain.

        :param app: the application; it is no longer ready once the drain begins.
        :param limits: has the connections of the clients.
        :param sleep: sleeps cooperatively, for some seconds.
        """
        self.draining = False
        """Whether the process is about to stop, and should get no new requests."""
        self._limits = limits
        self._sleep = sleep
        # A list can be changed by many threads at once, and costs no lock for each request.
        self._requests: list[None] = []
        add_check(app, "process", lambda: "It is about to stop." if self.draining else "")

    def layer(self, serve: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        """Count the running requests, and refuse new connections while the process is draining.

        :param serve: the WSGI application that answers the requests.
        """

        def wsgi_app(
            environ: dict[str, Any], start_response: Callable[..., Any]
        ) -> Iterable[bytes]:
            if is_socketio(environ):
                if self.draining and is_handshake(environ):
                    refuse = Problem(503, "This process is about to stop. Connect again.")
                    return refuse(environ, start_response)
                return serve(environ, start_response)
            self._requests.append(None)
            try:
                return ClosingResponse(serve(environ, start_response), self._requests.pop)
            except BaseException:
                self._requests.pop()
                raise

        return wsgi_app

    def finish(self, seconds: float, listener: socket) -> None:
        """Finish the running work, and end all connections so that the clients reconnect elsewhere.

        From now on, handshakes are refused, and ``/health/ready`` answers 503. A client is dropped
        when none of its events is running and its acks have been sent. Requests are answered until
        none is left, or half of the time is over. Then the listener closes, so that a proxy turns
        to another process at once, and the remaining requests are finished.

        :param seconds: how long this may take; whatever still runs then is abandoned.
        :param listener: the socket that the process accepts connections on.
        """
        self.draining = True
        deadline = time.monotonic() + seconds
        clients = len(self._limits.connections())
        logger.info("Stopping: %d clients, %d requests", clients, len(self._requests))
        if not self._drop_clients(deadline - seconds / 2):
            logger.info("Accepting no more connections")
        close_when_idle(listener, self._sleep, deadline - seconds / 4)
        if not self._drop_clients(deadline):
            logger.warning("Stopping with %d requests unfinished", len(self._requests))

    def _drop_clients(self, deadline: float) -> bool:
        """Drop clients until none is left and no request runs; return false at the deadline."""
        while True:
            self._sleep(_FLUSH_SECONDS)
            for connection in self._limits.connections():
                if connection.is_idle:
                    # Any other way to close tells the client not to come back.
                    connection.drop()
            if not self._limits.connections() and not self._requests:
                self._sleep(_FLUSH_SECONDS)
                return not self._requests
            if time.monotonic() > deadline:
                return False
