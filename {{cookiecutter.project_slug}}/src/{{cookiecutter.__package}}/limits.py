# Owned by the template: an update may change this file.
"""What one client may take from the others: places, events for each second, and memory."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import click
from flask import Flask
from prometheus_client import Counter
from socketio import Server
from werkzeug.exceptions import ServiceUnavailable

from .flask_view.events import REFUSAL
from .settings import Settings
from .websocket import WebSocket

if sys.platform != "win32":
    import resource

logger = logging.getLogger(__name__)

SPARE_PLACES = 1_000
"""Connections beyond ``MAX_CONNECTIONS`` that the server accepts: short requests need a place too,
and whoever is refused has to hear why."""

_DROPPED = Counter(
    "socketio_clients_dropped_total", "Clients whose connection was cut, by reason.", ("reason",)
)
# Files that a process has open besides its connections.
_OTHER_FILES = 100
_BUDGET = "limits.budget"
# A burst may be this many seconds' worth of events. What comes above the rate waits; a client that
# has waited for so long is told, and after as long again it is dropped.
_BURST_SECONDS = 10
_PATIENCE_SECONDS = 5
# A connection that belongs to no namespace for so long serves nobody. It is what the option
# connectTimeout of Socket.IO's own server is by default.
_JOIN_SECONDS = 45


def is_socketio(environ: dict[str, Any]) -> bool:
    """Tell whether a request belongs to a Socket.IO connection.

    :param environ: its WSGI environment.
    """
    path: str = environ["PATH_INFO"]
    return path.startswith("/socket.io/")


def is_handshake(environ: dict[str, Any]) -> bool:
    """Tell whether a request opens a Socket.IO connection.

    :param environ: its WSGI environment.
    """
    return is_socketio(environ) and "sid=" not in environ["QUERY_STRING"]


def with_open_files(settings: Settings) -> Settings:
    """Allow this process as many open files as it may need; each connection is one.

    :param settings: the settings of the service.
    :return: the same, or with fewer connections where the system allows no more.
    """
    if sys.platform == "win32":
        return settings
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    others = SPARE_PLACES + _OTHER_FILES
    needed = settings.max_connections + others
    if soft == unlimited or soft >= needed:
        return settings
    if hard == unlimited or hard >= needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        return settings
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    possible = max(hard - others, hard // 2)
    click.echo(
        f"MAX_CONNECTIONS={settings.max_connections} needs {needed} open files, and the system "
        f"allows {hard}: the service holds {possible} clients. Raise the limit (ulimit -n).",
        err=True,
    )
    return settings.model_copy(update={"max_connections": possible})


class Limits:
    """Stands between the Engine.IO server, which has the connections, and Socket.IO."""

    def __init__(self, server: Server, settings: Settings) -> None:
        """Take a place in front of a server.

        :param server: the Socket.IO server.
        :param settings: the limits.
        """
        self._server = server
        self._connections: dict[str, Any] = server.eio.sockets
        self._most = settings.max_connections
        self._is_full = False
        self._rate = settings.max_events_per_second
        self._unsent = settings.max_unsent_bytes
        # At the last look: for whom too much was waiting, and since when who is in no namespace.
        self._behind: set[str] = set()
        self._nowhere: dict[str, float] = {}
        self._connect = server.eio.handlers["connect"]
        self._receive = server.eio.handlers["message"]
        server.eio.on("connect", self._on_connect)
        server.eio.on("message", self._on_message)
        # The drivers are the same for all servers of a process.
        server.eio._async = {**server.eio._async, "websocket": WebSocket}

    def init_app(self, app: Flask) -> None:
        """Refuse handshakes where there is no place left even to be told so.

        :param app: the application.
        """
        serve = app.wsgi_app
        most = self._most + SPARE_PLACES // 2

        def wsgi_app(
            environ: dict[str, Any], start_response: Callable[..., Any]
        ) -> Iterable[bytes]:
            if len(self._connections) >= most and is_handshake(environ):
                return ServiceUnavailable(_FULL[1])(environ, start_response)
            return serve(environ, start_response)

        app.wsgi_app = wsgi_app  # type: ignore[method-assign]

    def watch(self) -> None:
        """Look every second, from now on."""
        while True:
            self._server.sleep(1)
            self.look()

    def look(self) -> None:
        """Drop who does not read what is sent, and who joins no namespace."""
        now = time.monotonic()
        manager = self._server.manager
        namespaces = list(manager.get_namespaces())
        joined = {sid for name in namespaces for _, sid in manager.get_participants(name, None)}
        nowhere, behind = {}, set()
        for sid, connection in list(self._connections.items()):
            if sid not in joined:
                nowhere[sid] = self._nowhere.get(sid, now)
                if now - nowhere[sid] > _JOIN_SECONDS:
                    logger.info("Dropped: joined no namespace, sid %s", sid)
                    self._drop(connection, "joined no namespace")
                    continue
            size = _size(connection) if connection.queue.queue else 0
            if size > self._unsent:
                behind.add(sid)
                # Much may have been sent just now, to somebody who is about to read it.
                if sid in self._behind:
                    logger.warning("Dropped: does not read, %d bytes wait, sid %s", size, sid)
                    self._drop(connection, "does not read")
        self._nowhere, self._behind = nowhere, behind

    def _on_connect(self, eio_sid: str, environ: dict[str, Any]) -> Any:
        environ[_BUDGET] = _Budget(self._rate)
        was_full, self._is_full = self._is_full, len(self._connections) > self._most
        if self._is_full:
            environ[REFUSAL] = _FULL
            if not was_full:
                logger.warning("Full: MAX_CONNECTIONS=%d are open; refusing more", self._most)
        return self._connect(eio_sid, environ)

    def _on_message(self, eio_sid: str, data: str | bytes) -> None:
        environ = self._server.environ.get(eio_sid)
        if environ is None:
            return
        budget: _Budget = environ[_BUDGET]
        wait = budget.spend()
        if wait:
            self._slow_down(eio_sid, environ, budget, wait)
        elif not budget.waited and environ.get(REFUSAL) is _TOO_FAST:
            del environ[REFUSAL]
        self._receive(eio_sid, data)

    def _slow_down(
        self, eio_sid: str, environ: dict[str, Any], budget: _Budget, wait: float
    ) -> None:
        """Read no further for a moment, which the client comes to feel; then tell it, then end."""
        if budget.waited > 2 * _PATIENCE_SECONDS:
            logger.warning("Dropped: more than %s events a second, sid %s", self._rate, eio_sid)
            if connection := self._connections.get(eio_sid):
                self._drop(connection, "too many events")
            return
        if budget.waited > _PATIENCE_SECONDS and REFUSAL not in environ:
            environ[REFUSAL] = _TOO_FAST
            logger.warning("Refusing: more than %s events a second, sid %s", self._rate, eio_sid)
        begin = time.monotonic()
        self._server.sleep(wait)
        budget.waited += time.monotonic() - begin

    def _drop(self, connection: Any, reason: str) -> None:
        _DROPPED.labels(reason).inc()
        if connection.upgraded:
            # Who reads from it finds that out, and ends the connection.
            connection.websocket.cut()
        else:
            self._server.start_background_task(connection.close, wait=False, abort=True)


class _Budget:
    """How many events a client may send: a bucket of tokens that fills at a steady rate."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._tokens = rate * _BURST_SECONDS
        self._counted = time.monotonic()
        self.waited = 0.0
        """How many seconds it was made to wait, since it last sent less than it may."""

    def spend(self) -> float:
        """Take a token; return the seconds to wait for it."""
        now = time.monotonic()
        earned = (now - self._counted) * self._rate
        self._counted = now
        self._tokens = min(self._tokens + earned, self._rate * _BURST_SECONDS) - 1
        # A second's worth of quiet, and all is forgiven.
        if self._tokens >= self._rate:
            self.waited = 0.0
        return max(0.0, -self._tokens / self._rate)


def _size(connection: Any) -> int:
    """Return how many bytes wait to be sent to a client."""
    packets = tuple(connection.queue.queue)
    return sum(len(packet.data or "") for packet in packets if packet)


_FULL = (503, "The server is full. Connect again later.")
_TOO_FAST = (429, "Too many events. Send fewer, or the connection ends.")
