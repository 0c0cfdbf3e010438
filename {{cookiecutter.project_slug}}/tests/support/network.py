# Owned by the template: an update may change this file.
"""The library's Socket.IO client, except for what tests stumble over, and with a cable to cut."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import engineio
import socketio
from urllib3 import HTTPConnectionPool
from urllib3.connection import HTTPConnection


class Engine(engineio.Client):  # type: ignore[misc]
    """The library's connection."""

    http: Any
    """The session of ``requests`` that polls, once there is one."""
    _is_cut = False

    def __init__(self, **options: Any) -> None:
        """Start without a connection, with the options of the library."""
        super().__init__(**options)
        self._polling: list[socket.socket] = []

    def start_background_task(self, target: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Handle messages in the order they come; in threads of their own, they overtake."""
        if target is self.handlers.get("message"):
            return target(*args, **kwargs)
        return super().start_background_task(target, *args, **kwargs)

    def disconnect(self, abort: bool = False, reason: str | None = None) -> None:
        """Leave at once, but let the server hear all that was sent before."""
        _wait_while(lambda: self.write_loop_task and self.queue.unfinished_tasks)
        websocket = self.ws
        if websocket:
            websocket.close = self._hang_up
        super().disconnect(abort or self._is_reading(), reason)
        # Once more, for a writer that was still asleep when the library emptied the queue.
        self.queue.put(None)
        if websocket:
            websocket.shutdown()

    def cut(self) -> None:
        """Close the TCP connections, without a word to the server; what is unsent is lost."""
        self._is_cut = True
        websocket = [self.ws.sock] if self.ws else []
        for connection in [*websocket, *self._polling]:
            _end(connection)
        if self.read_loop_task:
            _wait_while(self.read_loop_task.is_alive)

    def _send_request(self, *args: Any, **kwargs: Any) -> Any:
        """Send a request of polling; of one that fails, the library wants the reason."""
        if self._is_cut:
            return "The connection is cut."
        if self.http is None:
            self.http = engineio.client.requests.Session()
            pools = self.http.get_adapter("http://").poolmanager
            pools.pool_classes_by_scheme = {"http": _pool_that_tells(self._opened)}
        return super()._send_request(*args, **kwargs)

    def _opened(self, connection: socket.socket) -> None:
        self._polling.append(connection)
        # A request was about to be sent when the others were ended.
        if self._is_cut:
            _end(connection)

    def _hang_up(self) -> None:
        """End a websocket without the three seconds that its own ``close`` waits for the server."""
        # The server may have been faster.
        with suppress(OSError, AttributeError):
            self.ws.sock.shutdown(socket.SHUT_WR)
        if not self._is_reading():
            _wait_while(self.read_loop_task.is_alive)
        # A server that is still busy with a message has not read the end yet.
        self.ws.abort()

    def _is_reading(self) -> bool:
        """Tell whether this is the thread that reads: a message of the server ends it all."""
        return self.read_loop_task is threading.current_thread()


class Client(socketio.Client):  # type: ignore[misc]
    """The library's client, on the connection above."""

    def _engineio_client_class(self) -> type[Engine]:
        return Engine


def _pool_that_tells(opened: Callable[[socket.socket], None]) -> type[HTTPConnectionPool]:
    """Return a class of connection pools that calls a function with each socket they open."""

    class Connection(HTTPConnection):
        def connect(self) -> None:
            super().connect()
            opened(self.sock)

    class Pool(HTTPConnectionPool):
        ConnectionCls = Connection

    return Pool


def _end(connection: Any) -> None:
    """Let both sides read the end of a connection, if it is still open."""
    # The other side may have been faster.
    with suppress(OSError, AttributeError):
        connection.shutdown(socket.SHUT_RDWR)


def _wait_while(condition: Callable[[], Any], timeout: float = 1) -> None:
    """Wait for another thread; not every library has threads that can be joined with a timeout."""
    end = time.monotonic() + timeout
    while condition() and time.monotonic() < end:
        time.sleep(0.001)
