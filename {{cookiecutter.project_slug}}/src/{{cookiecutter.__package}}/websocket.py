# Owned by the template: an update may change this file.
"""Websockets (RFC 6455), for the Engine.IO server.

What it would use by itself unmasks messages byte by byte in one mode, which holds up every client,
and in the others reads on while a client's events are still waiting, so that a client which sends
too fast fills the memory. Here a message is read when the one before it has been handled.
"""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

from wsproto.connection import Connection, ConnectionState, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Event, Ping, TextMessage
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import generate_accept_token

from .takeover import hand_back, take_over

_VERSION = "13"
_KEY = re.compile("[A-Za-z0-9+/]{22}==")
_GREETING = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"
)
_READ_SIZE = 16_384


class WebSocket:
    """One connection, by the interface that the Engine.IO server expects of its drivers."""

    socket: socket.socket
    """The server gives it the time after which a client that is silent counts as gone."""

    def __init__(self, handler: Callable[[WebSocket], Any], server: Any) -> None:
        """Prepare for a connection.

        :param handler: what talks to the client, once the connection is open.
        :param server: the Engine.IO server.
        """
        self._handler = handler
        self._connection = Connection(ConnectionType.SERVER)
        self._is_over = False
        self._server = server
        # The handler reads, and another task writes.
        self._lock = threading.Lock()

    def __call__(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Iterable[bytes]:
        """Serve the connection of a request, until it ends."""
        key = environ.get("HTTP_SEC_WEBSOCKET_KEY", "")
        if environ.get("HTTP_SEC_WEBSOCKET_VERSION") != _VERSION or not _KEY.fullmatch(key):
            start_response("400 Bad Request", [("Sec-WebSocket-Version", _VERSION)])
            return []
        self.socket = take_over(environ)
        # Whoever ends the Engine.IO connection can end this one, too.
        connection: Any = self._handler.__self__  # type: ignore[attr-defined]
        connection.websocket = self
        self.socket.sendall(_GREETING % generate_accept_token(key.encode()))
        self._handler(self)
        # The server would forget it only when this returns, and not when this raises.
        if connection.closed:
            self._server.sockets.pop(connection.sid, None)
        return hand_back(environ)

    def wait(self) -> str | bytes | None:
        """Return the next message; ``None`` at the end of the connection.

        :raises OSError: the client is silent for too long.
        """
        parts: list[Any] = []
        size = 0
        while not self._is_over:
            for event in self._connection.events():
                if isinstance(event, TextMessage | BytesMessage):
                    parts.append(event.data)
                    size += len(event.data)
                    if size > self._server.max_http_buffer_size:
                        self._end(CloseConnection(CloseReason.MESSAGE_TOO_BIG))
                        return None
                    if event.message_finished:
                        whole: str | bytes = type(parts[0])().join(parts)
                        return whole
                elif isinstance(event, Ping):
                    self._write(event.response())
                elif isinstance(event, CloseConnection):
                    self._end(event.response())
                    return None
            data = self.socket.recv(_READ_SIZE)
            if not data:
                return None
            self._connection.receive_data(data)
        return None

    def send(self, message: str | bytes) -> None:
        """Send a message.

        :raises OSError: the connection has ended, or the client does not read.
        """
        self._write(TextMessage(message) if isinstance(message, str) else BytesMessage(message))

    def close(self) -> None:
        """End the connection."""
        self._end(CloseConnection(CloseReason.NORMAL_CLOSURE))

    def cut(self) -> None:
        """End the connection at once; nothing waits for the client, nor for its messages."""
        self._is_over = True
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def _end(self, event: CloseConnection) -> None:
        with suppress(OSError):
            self._write(event)
        self.cut()

    def _write(self, event: Event) -> None:
        with self._lock:
            if self._connection.state in (ConnectionState.OPEN, ConnectionState.REMOTE_CLOSING):
                self.socket.sendall(self._connection.send(event))
