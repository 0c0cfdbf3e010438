# Owned by the template: an update may change this file.
"""The quick websocket: frames (RFC 6455, section 5) are read from a buffer, and written at once.

A small frame takes 1.2 microseconds to read and 0.3 to write, where wsproto takes 9.4 and 2.6. That
it is written where it is made saves a queue and a task that waits for it, too.
"""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from ..connections.connection import NativeLock
from ..connections.upgrade import plain_socket
from ..connections.websocket import BaseWebSocket, Owner
from .batches import Batches

_TEXT, _BINARY, _CLOSE, _PING, _PONG = 1, 2, 8, 9, 10
# Bits of the first byte of a frame, and of the second.
_FIN, _RESERVED, _IS_CONTROL, _MASKED = 0x80, 0x70, 0x08, 0x80
_LARGEST_CONTROL = 125
# From this size on, a payload is unmasked in another way, and no frame is held back.
_LARGE = 1_024
# So many frames are held back for a client.
_MOST_HELD = 50

_NORMAL, _PROTOCOL_ERROR, _NO_TEXT, _TOO_BIG = 1000, 1002, 1007, 1009
# The codes with which a client may close (section 7.4, and the registry of IANA).
_CODES_OF_CLIENTS = frozenset((*range(1000, 1004), *range(1007, 1015), *range(3000, 5000)))

# A flag of send(); Windows, which does not know it, gets by without.
_AT_ONCE = getattr(socket, "MSG_DONTWAIT", 0)


class FrameError(Exception):
    """A client has sent what ends the connection."""

    def __init__(self, code: int) -> None:
        """Describe the end.

        :param code: the code to close with (RFC 6455, section 7.4.1).
        """
        super().__init__(code)
        self.code = code


def encode(message: str | bytes) -> bytes:
    """Return the frame that a message is sent in.

    :param message: a text, or bytes.
    """
    if isinstance(message, str):
        return _frame(_TEXT, message.encode())
    return _frame(_BINARY, message)


def _frame(opcode: int, payload: bytes) -> bytes:
    size = len(payload)
    if size < 126:
        return bytes((_FIN | opcode, size)) + payload
    if size < 65_536:
        return struct.pack(">BBH", _FIN | opcode, 126, size) + payload
    return struct.pack(">BBQ", _FIN | opcode, 127, size) + payload


def _unmasked(payload: bytearray, mask: bytearray) -> bytes:
    """Return a payload without its mask (section 5.3), which no loop in Python takes off."""
    size = len(payload)
    if size >= _LARGE:
        # Every fourth byte has the same part of the mask. A megabyte takes 1.5 ms, as one number 5.
        for part in range(4):
            payload[part::4] = payload[part::4].translate(_unmasking(mask[part]))
        return bytes(payload)
    pattern = (mask * (size // 4 + 1))[:size]
    number = int.from_bytes(payload, "little") ^ int.from_bytes(pattern, "little")
    return number.to_bytes(size, "little")


@cache
def _unmasking(part: int) -> bytes:
    """Return what each byte becomes under one byte of a mask."""
    return bytes(byte ^ part for byte in range(256))


class FrameReader:
    """Takes what comes from a client apart into frames."""

    def __init__(self, max_message_bytes: int) -> None:
        """Start with nothing.

        :param max_message_bytes: the size of the largest message.
        """
        self.buffer = bytearray()
        self._max_message_bytes = max_message_bytes

    def next_frame(self) -> tuple[int, bytes] | None:
        """Return the first byte and the payload of the next frame, if all of it is there.

        :raises FrameError: the frame is malformed, or too large.
        """
        buffer = self.buffer
        there = len(buffer)
        if there < 2:
            return None
        first, second = buffer[0], buffer[1]
        if not second & _MASKED or first & _RESERVED:
            raise FrameError(_PROTOCOL_ERROR)
        size, head, least = second & 0x7F, 6, 0
        if first & _IS_CONTROL:
            if size > _LARGEST_CONTROL or not first & _FIN:
                raise FrameError(_PROTOCOL_ERROR)
        elif size == 126:
            if there < 4:
                return None
            size, head, least = int.from_bytes(buffer[2:4], "big"), 8, 126
        elif size == 127:
            if there < 10:
                return None
            size, head, least = int.from_bytes(buffer[2:10], "big"), 14, 65_536
        if size < least:
            # A length has one form, the shortest.
            raise FrameError(_PROTOCOL_ERROR)
        if size > self._max_message_bytes:
            raise FrameError(_TOO_BIG)
        end = head + size
        if there < end:
            return None
        payload = _unmasked(buffer[head:end], buffer[head - 4 : head])
        del buffer[:end]
        return first, payload


class FrameSocket(BaseWebSocket):
    """One websocket, whose messages are written without waiting for a task to do so."""

    # Whether the next event of the client is there already, so that its ack can go along.
    _holds = False

    def __init__(self, owner: Owner, start_task: Callable[..., Any], batches: Batches) -> None:
        """Prepare for a connection.

        :param owner: what talks to the client, and counts what it sends.
        :param start_task: starts a task in the background.
        :param batches: sends what is held back for too long.
        """
        super().__init__(owner)
        self.unsent = 0
        """How many bytes the client has yet to take."""
        self.waits_since = 0.0
        """When the client last took some of them, by ``time.monotonic()``."""
        self._start_task = start_task
        self._batches = batches
        self._held: list[bytes] = []
        self._reader = FrameReader(owner.max_message_bytes)
        # What there is of a message in several frames, and how many bytes are kept in all.
        self._opcode = 0
        self._begun = bytearray()
        self._kept = 0
        self._lock = NativeLock()
        self._plain: Any = None
        self._backlog: list[bytes] = []
        self._flusher: Any = None
        self._is_ending = False

    def begin(self, seconds: float) -> None:
        """Prepare to read and to write."""
        # Whoever is silent, or takes nothing, is found by the pings and the limits.
        self.socket.settimeout(None)
        self._plain = plain_socket(self.socket)

    def wait(self) -> str | bytes | None:
        """Return the next message; ``None`` at the end of the connection."""
        owner, buffer = self._owner, self._reader.buffer
        owner.apply_backpressure()
        try:
            while not (self._is_over or self._is_ending):
                frame = self._reader.next_frame()
                if frame is None:
                    self._holds = False
                    if self._held:
                        self.send_held()
                    data = self._read()
                    buffer += data
                    if not data or (len(buffer) > len(data) and not self._keep(len(buffer))):
                        return None
                    continue
                self._holds = bool(buffer)
                first, payload = frame
                if not owner.count(len(payload)):
                    return None
                if first & _IS_CONTROL:
                    self._control(first & 0x0F, payload)
                elif (message := self._message(first & 0x0F, payload, first & _FIN)) is not None:
                    return message
        except FrameError as error:
            self._end(error.code)
        except UnicodeDecodeError:
            self._end(_NO_TEXT)
        return None

    def _message(self, opcode: int, payload: bytes, is_last: int) -> str | bytes | None:
        """Return the message that a frame completes (section 5.4).

        :raises FrameError: the frame does not follow the ones before it.
        :raises UnicodeDecodeError: the message is no text.
        """
        if opcode > _BINARY or (opcode == 0) != (self._opcode != 0):
            raise FrameError(_PROTOCOL_ERROR)
        if self._opcode or not is_last:
            self._opcode = self._opcode or opcode
            self._begun += payload
            if not self._keep(0):
                raise FrameError(_TOO_BIG)
            if not is_last:
                return None
            payload = bytes(self._begun)
            opcode, self._opcode, self._begun = self._opcode, 0, bytearray()
        if self._kept:
            self._keep(0)
        return payload.decode() if opcode == _TEXT else payload

    def _keep(self, read: int) -> bool:
        """Count the bytes of a message that is not complete; return whether there may be more.

        :param read: how many were read that are no frame yet.
        """
        size = len(self._begun)
        change, self._kept = size + read - self._kept, size + read
        return self._owner.reserve(change) and size <= self._owner.max_message_bytes

    def _control(self, opcode: int, payload: bytes) -> None:
        """Handle a control frame (section 5.5).

        :raises FrameError: there is no such frame, or no such code.
        :raises UnicodeDecodeError: the reason of a close frame is no text.
        """
        if opcode == _PING:
            self.write(_frame(_PONG, payload))
        elif opcode == _CLOSE:
            code = int.from_bytes(payload[:2], "big") if payload else _NORMAL
            if code not in _CODES_OF_CLIENTS:
                raise FrameError(_PROTOCOL_ERROR)
            payload[2:].decode()
            self._end(code)
        elif opcode != _PONG:
            raise FrameError(_PROTOCOL_ERROR)

    def send(self, message: str | bytes) -> None:
        """Send a message."""
        self.write(encode(message))

    def write(self, frame: bytes) -> None:
        """Send a frame at once, or with those for the events that the client has sent with it.

        What the client does not take yet, a task sends.

        :param frame: the frame, as it goes over the network.
        """
        with self._lock:
            if self._plain is None or self._is_ending:
                return
            held = self._held
            if self._flusher is not None:
                self._backlog.append(frame)
                self.unsent += len(frame)
            elif self._holds and len(frame) < _LARGE and len(held) < _MOST_HELD:
                held.append(frame)
                if len(held) == 1:
                    self._batches.add(self)
            elif held:
                held.append(frame)
                self._send_held()
            else:
                self._send(frame)

    def send_held(self) -> None:
        """Send what is held back, and hold no more back for the event that is being handled."""
        with self._lock:
            self._holds = False
            self._send_held()

    def _send_held(self) -> None:
        if self._held:
            frames = b"".join(self._held)
            self._held.clear()
            if self._plain is not None:
                self._send(frames)

    def _send(self, data: bytes) -> None:
        """Send as much as the client takes at once, and have a task send the rest."""
        try:
            sent = self._plain.send(data, _AT_ONCE)
        except BlockingIOError:
            sent = 0
        except OSError:
            # The client has gone; who reads from it finds that out.
            return
        if sent < len(data):
            try:
                # It cannot begin before the lock is free.
                self._flusher = self._start_task(self._flush)
            except RuntimeError:
                # The system has no thread left, and what follows would be out of place.
                self.cut()
                return
            self._backlog.append(data[sent:])
            self.unsent += len(data) - sent
            self.waits_since = time.monotonic()

    def _flush(self) -> None:
        """Send what waits, until nothing is left."""
        try:
            while data := self._next_piece():
                sent = self.socket.send(data)
                with self._lock:
                    self._backlog.insert(0, data[sent:])
                    self.unsent -= sent
                    self.waits_since = time.monotonic()
        except OSError:
            self.cut()
        if self._is_ending:
            self.cut()

    def _next_piece(self) -> bytes:
        """Return what waits; at the end, frames are written at once again."""
        with self._lock:
            data = b"".join(self._backlog)
            self._backlog = []
            if not data:
                self._flusher = None
            return data

    def close(self) -> None:
        """End the connection when the client has taken what was sent."""
        self._end(_NORMAL)

    def _end(self, code: int) -> None:
        self.write(_frame(_CLOSE, code.to_bytes(2, "big")))
        with self._lock:
            self._send_held()
            self._is_ending = True
            waits = self._flusher is not None
        if not waits:
            self.cut()

    def release(self) -> None:
        """Let go of the socket, which the server closes after that."""
        self._end(_NORMAL)
        if flusher := self._flusher:
            flusher.join()
        with self._lock:
            self._plain = None
        self._begun = bytearray()
        self._keep(0)
