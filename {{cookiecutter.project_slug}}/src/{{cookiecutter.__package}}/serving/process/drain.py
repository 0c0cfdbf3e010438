# Owned by the template: an update may change this file.
"""Ending a process unnoticed: its work is finished first, then its clients go elsewhere."""

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
from .listener import close_unnoticed

logger = logging.getLogger(__name__)

# Time for an answer that is ready to leave the process, and for a request that has come in to be
# read, in seconds.
_FLUSH_SECONDS = 0.1


class Drain:
    """Counts the requests that run, and ends the connections when the process is to stop."""

    def __init__(self, app: Flask, limits: Limits, sleep: Callable[[float], Any]) -> None:
        """Start with nothing to finish.

        :param app: the application, whose readiness ends with the drain's beginning.
        :param limits: knows the connections of the clients.
        :param sleep: waits for some seconds, and lets others run.
        """
        self.draining = False
        """Whether the process is about to stop; it should get no new requests then."""
        self._limits = limits
        self._sleep = sleep
        # A list can be changed by many threads at once, and costs no lock for each request.
        self._requests: list[None] = []
        add_check(app, "process", lambda: "It is about to stop." if self.draining else "")

    def layer(self, serve: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        """Count the requests that run, and refuse connections when the process is to stop.

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
        close_unnoticed(listener, self._sleep, deadline - seconds / 4)
        if not self._let_go(deadline):
            logger.warning("Stopping with %d requests unfinished", len(self._requests))

    def _let_go(self, deadline: float) -> bool:
        """Drop clients until there are none and no request runs; return whether it came to that."""
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
