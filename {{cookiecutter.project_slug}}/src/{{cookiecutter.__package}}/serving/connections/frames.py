# Owned by the template: an update may change this file.
"""The frames of a websocket (RFC 6455, section 5), by wsproto: the path of the libraries."""

from __future__ import annotations

import threading
from contextlib import suppress
from typing import Any

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
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

from .websocket import BaseWebSocket, Owner


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
