# Owned by the template: an update may change this file.
"""Ending a process unnoticed: its work is finished first, then its clients go elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from socket import socket
from typing import Any

from flask import Flask

from .arrivals import Answer
from .extensions import socketio
from .flask_view import Problem
from .limits import Limits, is_handshake, is_socketio
from .listener import close_unnoticed
from .readiness import add_check

logger = logging.getLogger(__name__)

# Time for an answer that is ready to leave the process, and for a request that has come in to be
# read, in seconds.
_MOMENT = 0.1


class Drain:
    """Counts the requests that run, and ends the connections when the process is to stop."""

    def __init__(self) -> None:
        """Start with nothing to finish."""
        self.draining = False
        """Whether the process is about to stop; it should get no new requests then."""
        # A list can be changed by many threads at once, and costs no lock for each request.
        self._requests: list[None] = []

    def init_app(self, app: Flask, limits: Limits) -> None:
        """Stand in front of an application.

        :param app: the application.
        :param limits: knows the connections of its clients.
        """
        self.draining = False
        self._limits = limits
        add_check(app, "process", lambda: "It is about to stop." if self.draining else "")
        serve = app.wsgi_app

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
                return Answer(serve(environ, start_response), self._requests.pop)
            except BaseException:
                self._requests.pop()
                raise

        app.wsgi_app = wsgi_app  # type: ignore[method-assign]

    def finish(self, seconds: float, listener: socket) -> None:
        """Finish what runs and end all connections, in such a way that clients connect elsewhere.

        New handshakes are refused from now on, and ``/health/ready`` says so. A client is dropped
        as soon as none of its events is being handled and its acks have left. Requests are still
        answered until nothing runs, or half of the time is over; then nobody can connect any more,
        which tells a proxy at once to go elsewhere, and what runs is finished.

        :param seconds: after this time, what still runs is left alone.
        :param listener: the socket that the process accepts connections on.
        """
        self.draining = True
        deadline = time.monotonic() + seconds
        clients = len(self._limits.connections())
        logger.info("Stopping: %d clients, %d requests", clients, len(self._requests))
        if not self._let_go(deadline - seconds / 2):
            logger.info("Accepting no more connections")
        close_unnoticed(listener, socketio.sleep, deadline)
        if not self._let_go(deadline):
            logger.warning("Stopping with %d requests unfinished", len(self._requests))

    def _let_go(self, deadline: float) -> bool:
        """Drop clients until there are none and no request runs; return whether it came to that."""
        while True:
            socketio.sleep(_MOMENT)
            for connection in self._limits.connections():
                if connection.is_idle:
                    # Any other way to close tells the client not to come back.
                    connection.drop()
            if not self._limits.connections() and not self._requests:
                socketio.sleep(_MOMENT)
                return not self._requests
            if time.monotonic() > deadline:
                return False


drain = Drain()
