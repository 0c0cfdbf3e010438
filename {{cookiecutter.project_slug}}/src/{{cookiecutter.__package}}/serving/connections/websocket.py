# Owned by the template: an update may change this file.
"""Websockets (RFC 6455), in every mode.

What Engine.IO would use by itself unmasks messages byte by byte in one mode, which holds up every
client, and in the others reads on while a client's events are still waiting, so that a client which
sends too fast fills the memory. Here a frame is read when what came before it has been handled, and
every frame is counted, whatever it holds.
"""

from __future__ import annotations

import base64
import hashlib
import re
import socket
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Protocol

from .upgrade import begin, finish

_VERSION = "13"
_KEY = re.compile("[A-Za-z0-9+/]{22}==")
# Section 1.3: the answer to a key is a hash of both.
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
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
        self.socket = begin(environ)
        digest = hashlib.sha1(key.encode() + _GUID, usedforsecurity=False).digest()
        # If the client has gone already, the first read notices.
        with suppress(OSError):
            self.socket.sendall(_SWITCHING % base64.b64encode(digest))
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
