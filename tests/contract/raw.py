"""Clients whose bytes are written by hand: websockets by frames, and polling by requests."""

from __future__ import annotations

import json
import socket
from http.client import HTTPConnection
from typing import Any, Self
from urllib.parse import urlsplit

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
FIN, RSV1, MASKED = 0x80, 0x40, 0x80
SECONDS = 20.0
"""How long to wait for what has to come."""
SEPARATOR = "\x1e"
"""Stands between the packets of a body (Engine.IO protocol 4)."""
_SWITCHING = (
    "GET /socket.io/?EIO=4&transport=websocket{} HTTP/1.1\r\nHost: {}\r\n{}"
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def frame(
    payload: str | bytes = b"",
    opcode: int = TEXT,
    *,
    last: bool = True,
    reserved: int = 0,
    size: int | None = None,
    length: int | None = None,
    mask: bytes | None = b"\x0f\xa0\x33\xcc",
) -> bytes:
    """Return a frame as a client sends it (RFC 6455, section 5.2), or one that it may not send.

    :param payload: what it carries.
    :param opcode: its kind.
    :param last: whether the message ends with it.
    :param reserved: bits to set beside these.
    :param size: how long it says that it is.
    :param length: in how many bytes it says so: 0 (within the second byte), 2 or 8.
    :param mask: what it is masked with; ``None``: it is not masked at all.
    """
    data = payload.encode() if isinstance(payload, str) else payload
    size = len(data) if size is None else size
    if length is None:
        length = 0 if size < 126 else 2 if size < 65_536 else 8
    masked = 0 if mask is None else MASKED
    head = bytes([FIN * last | reserved | opcode])
    if length == 0:
        head += bytes([masked | size])
    else:
        head += bytes([masked | (126 if length == 2 else 127)]) + size.to_bytes(length, "big")
    if mask is None:
        return head + data
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    """Return a close frame."""
    return frame(b"" if code is None else code.to_bytes(2, "big") + reason, CLOSE)


def event(namespace: str, number: int | str, name: str, *arguments: Any) -> str:
    """Return an event as a packet of Engine.IO; the number is that of its ack."""
    return f"42{namespace},{number}{json.dumps([name, *arguments])}"


class Wire:
    """A websocket of Engine.IO; nothing is answered, or even read, by itself."""

    def __init__(
        self, server: str, *, sid: str = "", headers: str = "", buffer: int | None = None
    ) -> None:
        """Open it.

        :param server: the URL of the service.
        :param sid: a session that began by polling, to go on with.
        :param headers: further headers, each ended by a line break.
        :param buffer: how much the system receives while nobody reads, about.
        """
        address = urlsplit(server)
        self.socket = socket.socket()
        if buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
        self.socket.settimeout(SECONDS)
        self.socket.connect((address.hostname, address.port))
        # What is sent in pieces is not held back until they are acknowledged.
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        query = f"&sid={sid}" if sid else ""
        self.send(_SWITCHING.format(query, address.netloc, headers).encode())
        self._received = bytearray()
        while b"\r\n\r\n" not in self._received:
            self._receive()
        head, _, rest = bytes(self._received).partition(b"\r\n\r\n")
        assert b" 101 " in head.partition(b"\r\n")[0], head
        self._received = bytearray(rest)
        if not sid:
            self.opening = json.loads(self.packet()[1:])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def join(self, namespace: str, auth: Any = None) -> Self:
        """Join a namespace, and wait until that is done."""
        self.text(f"40{namespace}," + ("" if auth is None else json.dumps(auth)))
        self.until(f"40{namespace},")
        return self

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.socket.sendall(data)

    def text(self, *packets: str) -> None:
        """Send packets of Engine.IO, each in a frame of its own, all at a time."""
        self.send(b"".join(map(frame, packets)))

    def frame(self) -> tuple[int, bytes]:
        """Return the kind of the next frame, and what it carries.

        :raises EOFError: the connection has ended.
        """
        first, second = self._take(2)
        size = second & 0x7F
        if size >= 126:
            size = int.from_bytes(self._take(2 if size == 126 else 8), "big")
        return first & 0x0F, self._take(size)

    def packet(self) -> str:
        """Return the next frame, which is text."""
        kind, payload = self.frame()
        assert kind == TEXT, (kind, payload[:200])
        return payload.decode()

    def until(self, beginning: str) -> str:
        """Return the next packet that begins so, and forget those before it."""
        while True:
            kind, payload = self.frame()
            assert kind != CLOSE, payload
            if kind == TEXT and (packet := payload.decode()).startswith(beginning):
                return packet

    def rest(self) -> list[tuple[int, bytes]]:
        """Return all frames that still come, after the end of the connection."""
        frames = []
        try:
            while True:
                frames.append(self.frame())
        except (EOFError, ConnectionError):
            return frames

    def closed_with(self) -> int | None:
        """Wait for the end; return the code of the close frame before it, or ``None``."""
        for kind, payload in reversed(self.rest()):
            if kind == CLOSE:
                return int.from_bytes(payload[:2], "big") if payload else None
        raise AssertionError("no close frame came")

    def _take(self, size: int) -> bytes:
        while len(self._received) < size:
            self._receive()
        taken = bytes(self._received[:size])
        del self._received[:size]
        return taken

    def _receive(self) -> None:
        part = self.socket.recv(65_536)
        if not part:
            raise EOFError
        self._received += part


class Poller:
    """A session of Engine.IO by requests, on one connection."""

    def __init__(self, server: str, *, sid: str = "") -> None:
        """Begin a session.

        :param server: the URL of the service.
        :param sid: a session that has begun already, to go on with.
        """
        address = urlsplit(server)
        self._connection = HTTPConnection(str(address.hostname), address.port, timeout=SECONDS)
        self.sid = sid
        if not sid:
            self.opening = json.loads(self.get()[0][1:])
            self.sid = self.opening["sid"]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def get(self) -> list[str]:
        """Wait for packets."""
        return self._request("GET").split(SEPARATOR)

    def post(self, *packets: str) -> None:
        """Send packets."""
        self._request("POST", SEPARATOR.join(packets))

    def join(self, namespace: str) -> Self:
        """Join a namespace, and wait until that is done."""
        self.post(f"40{namespace},")
        while not any(packet.startswith(f"40{namespace},") for packet in self.get()):
            pass
        return self

    def _request(self, method: str, body: str | None = None) -> str:
        path = "/socket.io/?EIO=4&transport=polling" + (f"&sid={self.sid}" if self.sid else "")
        self._connection.request(method, path, body)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        assert answer.status == 200, (answer.status, text)
        return text
