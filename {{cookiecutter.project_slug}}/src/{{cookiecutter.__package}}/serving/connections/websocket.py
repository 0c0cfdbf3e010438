# Owned by the template: an update may change this file.
"""Websockets (RFC 6455), in every mode.

What Engine.IO would use by itself unmasks messages byte by byte in one mode, which holds up every
client, and in the others reads on while a client's events are still waiting, so that a client which
sends too fast fills the memory. Here a frame is read when what came before it has been handled, and
every frame is counted, whatever it holds.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol

from wsproto.connection import Connection, ConnectionType
from wsproto.events import (
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    TextMessage,
)
from wsproto.frame_protocol import CloseReason
from wsproto.utilities import LocalProtocolError, RemoteProtocolError, generate_accept_token

from .upgrade import finish, socket_of

_VERSION = "13"
_KEY = re.compile("[A-Za-z0-9+/]{22}==")
_SWITCHING = (
    b"HTTP/1.1 101 Switching Protocols\r\n"
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n"
)
# A thread that waits for data has taken the memory for it.
_SMALL_READ, _LARGE_READ = 4_096, 65_536
# A read that took longer than this many seconds has blocked, so others have run.
_BLOCKING = 0.001


class Owner(Protocol):
    """The connection that a websocket carries, as far as the websocket asks it."""

    @property
    def max_message_bytes(self) -> int:
        """The size of the largest message."""

    def serve(self, websocket: BaseWebSocket) -> None:
        """Talk to the client, until the websocket ends."""

    def count(self, size: int) -> bool:
        """Count what came in; return whether to read on."""

    def reserve(self, size: int) -> bool:
        """Count bytes of a message that is not complete; return whether to read on."""

    def apply_backpressure(self) -> None:
        """Wait while the client does not read what it has been sent."""

    def has_yielded(self, now: float) -> None:
        """Note that other clients have had their turn."""


class BaseWebSocket:
    """One websocket: how it begins and ends; a subclass reads and writes its frames."""

    socket: socket.socket
    _read_size = _SMALL_READ

    def __init__(self, owner: Owner) -> None:
        """Prepare for a connection.

        :param owner: what talks to the client once the websocket is open, and counts what it sends.
        """
        self._owner = owner
        self._is_over = False

    def run(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve the connection of a request, until it ends."""
        key = environ.get("HTTP_SEC_WEBSOCKET_KEY", "")
        if environ.get("HTTP_SEC_WEBSOCKET_VERSION") != _VERSION or not _KEY.fullmatch(key):
            start_response("400 Bad Request", [("Sec-WebSocket-Version", _VERSION)])
            return []
        self.socket = socket_of(environ)
        # If the client has gone already, the first read notices.
        with suppress(OSError):
            self.socket.sendall(_SWITCHING % generate_accept_token(key.encode()))
        self._owner.serve(self)
        return finish(environ)

    def begin(self, seconds: float) -> None:
        """Prepare to read and to write, after the handshake.

        :param seconds: after this time, a client that is silent counts as gone.
        """
        raise NotImplementedError

    def wait(self) -> str | bytes | None:
        """Return the next message; ``None`` at the end of the connection.

        :raises OSError: the client is silent for too long.
        """
        raise NotImplementedError

    def send(self, message: str | bytes) -> None:
        """Send a message.

        :raises OSError: the connection has ended, or the client does not read.
        """
        raise NotImplementedError

    def close(self) -> None:
        """End the connection."""
        raise NotImplementedError

    def cut(self) -> None:
        """End the connection at once; nothing waits for the client, nor for its messages."""
        self._is_over = True
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def _read(self) -> bytes:
        """Read what is there, or wait for it; nothing is the end of the connection."""
        began = time.perf_counter()
        data = self.socket.recv(self._read_size)
        now = time.perf_counter()
        if now - began > _BLOCKING:
            self._owner.has_yielded(now)
        self._read_size = _LARGE_READ if len(data) == self._read_size else _SMALL_READ
        return data


class WebSocket(BaseWebSocket):
    """One websocket, by a library."""

    def __init__(self, owner: Owner) -> None:
        """Prepare for a connection."""
        super().__init__(owner)
        self._connection = Connection(ConnectionType.SERVER)
        # The owner reads, and another task writes.
        self._lock = threading.Lock()

    def begin(self, seconds: float) -> None:
        """Prepare to read and to write."""
        self.socket.settimeout(seconds)

    def wait(self) -> str | bytes | None:
        """Return the next message; ``None`` at the end of the connection."""
        self._owner.apply_backpressure()
        message = _Message(self._owner)
        try:
            while not self._is_over:
                for event in self._connection.events():
                    if isinstance(event, Message):
                        if not message.add(event):
                            self._end(CloseConnection(CloseReason.MESSAGE_TOO_BIG))
                            return None
                        if event.message_finished:
                            return message.joined()
                    elif isinstance(event, CloseConnection):
                        self._end(event.response())
                        return None
                    elif isinstance(event, Ping | Pong):
                        if not self._owner.count(len(event.payload)):
                            return None
                        if isinstance(event, Ping):
                            self._write(event.response())
                data = self._read()
                if not data:
                    return None
                self._connection.receive_data(data)
        except RemoteProtocolError:
            self._end(CloseConnection(CloseReason.PROTOCOL_ERROR))
        finally:
            message.release()
        return None

    def send(self, message: str | bytes) -> None:
        """Send a message."""
        self._write(TextMessage(message) if isinstance(message, str) else BytesMessage(message))

    def close(self) -> None:
        """End the connection."""
        self._end(CloseConnection(CloseReason.NORMAL_CLOSURE))

    def _end(self, event: CloseConnection) -> None:
        with suppress(OSError):
            self._write(event)
        self.cut()

    def _write(self, event: Event) -> None:
        # The reader may just have received a close frame; nothing may be sent after it.
        with self._lock, suppress(LocalProtocolError):
            self.socket.sendall(self._connection.send(event))


class _Message:
    """A message, while its frames come in."""

    def __init__(self, owner: Owner) -> None:
        self._owner = owner
        self._parts: list[Any] = []
        self._kept = 0
        self._frame = 0

    def add(self, event: Message[Any]) -> bool:
        """Add a frame, or a part of one; return whether there may be more."""
        if event.data or not self._parts:
            self._parts.append(event.data)
        size = len(event.data)
        self._frame += size
        if event.frame_finished:
            if not self._owner.count(self._frame):
                return False
            self._frame = 0
        if event.message_finished and not self._kept:
            return size <= self._owner.max_message_bytes
        self._kept += size
        return self._kept <= self._owner.max_message_bytes and self._owner.reserve(size)

    def joined(self) -> str | bytes:
        """Return the message."""
        if len(self._parts) == 1:
            only: str | bytes = self._parts[0]
            return only
        joined: str | bytes = type(self._parts[0])().join(self._parts)
        return joined

    def release(self) -> None:
        """Release what the message has reserved."""
        if self._kept:
            self._owner.reserve(-self._kept)
