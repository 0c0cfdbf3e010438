"""Socket.IO clients that cost next to nothing: sockets, and frames that are made beforehand.

All answers that a client waits for have the same length, so that they can be counted by dividing.
To be sure that they are right, each piece that is read is compared with the beginning of an answer
at a border between two of them, and one in 64 pieces with the whole.
"""

from __future__ import annotations

import os
import re
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Generator, Iterable

HOST = "127.0.0.1"
NAMESPACE = b"/bench,"
PATIENCE = 30.0
"""How long a server may take to answer, in seconds."""
_PIECE = 1 << 16
# Of Engine.IO, and of websockets (RFC 6455, section 5.5.2) with at most 15 bytes.
_PING = b"\x81\x012"
_CONTROL = re.compile(rb"\x89([\x00-\x0f])", re.DOTALL)
_SAMPLED = 64
_HANDSHAKE = (
    b"GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\n"
    b"Host: bench\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


class WrongAnswerError(Exception):
    """A server has not answered, or something else than it should."""


def head(size: int, masked: int = 0) -> bytes:
    """Return the head of a frame of text (RFC 6455, section 5.2).

    :param size: the bytes of the payload.
    :param masked: 0x80 for a frame of a client.
    """
    if size < 126:
        return struct.pack("!BB", 0x81, masked | size)
    if size < 1 << 16:
        return struct.pack("!BBH", 0x81, masked | 126, size)
    return struct.pack("!BBQ", 0x81, masked | 127, size)


def frame(text: bytes) -> bytes:
    """Return a frame as clients send it: masked."""
    mask = os.urandom(4)
    size = len(text)
    key = int.from_bytes((mask * (size // 4 + 1))[:size], "big")
    return head(size, 0x80) + mask + (int.from_bytes(text, "big") ^ key).to_bytes(size, "big")


class Sending:
    """Requests of the same length, one behind the other in memory, as often as they are wanted."""

    def __init__(self, requests: list[bytes]) -> None:
        """Put them together.

        :param requests: requests, or frames; a client starts again at the end.
        """
        self._size = len(requests[0])
        if any(len(request) != self._size for request in requests):
            raise ValueError("These requests are not of the same length")
        self._known = len(requests)
        self._bytes = memoryview(b"".join(requests * 2))

    def take(self, sent: int, count: int) -> memoryview:
        """Return the next ones, at most as many as there are.

        :param sent: how many were sent before.
        """
        first = sent % self._known
        return self._bytes[first * self._size : (first + count) * self._size]


class Awaited:
    """What is answered: always the same length, and the same text but for numbers."""

    def __init__(self, start: bytes, size: int, pattern: bytes) -> None:
        """Keep how long an answer is, and what it looks like.

        :param start: how each begins.
        :param size: the bytes of one, its head included.
        :param pattern: a regular expression of what follows the start.
        """
        self.start = start
        self.size = size
        self.whole = re.compile(re.escape(start) + pattern, re.DOTALL)

    @classmethod
    def frame(cls, text: bytes, pattern: bytes) -> Awaited:
        """Return what is awaited if it is a frame.

        :param text: one of the texts.
        :param pattern: what all of them look like.
        """
        start = head(len(text))
        return cls(start, len(start) + len(text), pattern)


class Client:
    """One connection."""

    __slots__ = (
        "_kept",
        "_partial",
        "_pieces",
        "awaited",
        "fd",
        "sending",
        "sent",
        "sent_at",
        "sock",
    )

    def __init__(self, sock: socket.socket) -> None:
        """Use a socket on which everything is said that comes before."""
        self.sock = sock
        self.fd = sock.fileno()
        self.sent = 0
        self.sent_at = 0.0
        self.sending = Sending([b"\0"])
        self.awaited = Awaited(b"", 1, b".")
        self._partial = 0
        self._pieces = 0
        self._kept = b""

    def send(self, count: int) -> None:
        """Send the next requests."""
        data = self.sending.take(self.sent, count)
        self.sent += count
        if self.sock.send(data) != len(data):
            raise WrongAnswerError("The server does not read")

    def receive(self) -> int:
        """Read what is there, and return how many answers are complete with it.

        :raises WrongAnswerError: that is not what is awaited.
        """
        data = self.sock.recv(_PIECE)
        if not data:
            raise WrongAnswerError("The server has closed a connection")
        if _PING in data or b"\x89" in data:
            data = self._without_pings(data)
        awaited = self.awaited
        size = awaited.size
        border = -self._partial % size
        self._pieces += 1
        if self._pieces % _SAMPLED == 1 and border + size <= len(data):
            is_right = bool(awaited.whole.fullmatch(data, border, border + size))
        else:
            is_right = data.startswith(awaited.start[: max(0, len(data) - border)], border)
        if not is_right:
            found = data[border : border + min(size, 200)]
            raise WrongAnswerError(f"{found!r} is not {awaited.whole.pattern[:200]!r}")
        count, self._partial = divmod(self._partial + len(data), size)
        return count

    def receive_ids(self) -> list[int]:
        """Read what is there, and return the ids of the acks that are complete with it.

        This takes longer than ``receive``, and notices if acks overtake each other.
        """
        data = self._kept + self._without_pings(self.sock.recv(_PIECE))
        size, start = self.awaited.size, self.awaited.start + b"43" + NAMESPACE
        ids = []
        for border in range(0, len(data) - size + 1, size):
            if not data.startswith(start, border):
                raise WrongAnswerError(f"{data[border : border + 200]!r} is no ack")
            ids.append(int(data[border + len(start) : border + len(start) + 6]))
        self._kept = data[len(ids) * size :]
        return ids

    def _without_pings(self, data: bytes) -> bytes:
        """Answer the pings in what was read, and return the rest."""
        self.sock.send(frame(b"3") * data.count(_PING))
        data = data.replace(_PING, b"")
        while ping := _CONTROL.search(data):
            end = ping.end() + ping[1][0]
            # With a mask of zeros, which is as good as any here.
            pong = bytes([0x8A, 0x80 | ping[1][0]]) + bytes(4) + data[ping.end() : end]
            self.sock.send(pong)
            data = data[: ping.start()] + data[end:]
        return data

    def close(self) -> None:
        """Leave without a word."""
        self.sock.close()


Talk = Generator[None, None, socket.socket]


def connect(port: int) -> socket.socket:
    """Return a connection that does not block, and has room for some large messages."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 21)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.settimeout(PATIENCE)
    sock.connect((HOST, port))
    sock.setblocking(False)
    return sock


def join(sock: socket.socket) -> Talk:
    """Open a websocket and join the namespace; wait for the server at each yield."""
    yield from say(sock, _HANDSHAKE, rb'HTTP/1\.1 101 .*"sid".*\}')
    yield from say(sock, frame(b"40" + NAMESPACE), rb"\x81.40" + NAMESPACE + rb"\{.*\}")
    return sock


def come_and_go(sock: socket.socket) -> Talk:
    """Join, leave the namespace, close the websocket, and wait until the server does it, too."""
    yield from join(sock)
    sock.send(frame(b"41" + NAMESPACE) + b"\x88\x82" + bytes(4) + struct.pack("!H", 1000))
    yield
    sock.close()
    return sock


def say(sock: socket.socket, data: bytes, answer: bytes) -> Generator[None, None, bytes]:
    """Send something, and wait for the whole of the answer.

    :param data: what to send.
    :param answer: a regular expression of it.
    """
    sock.send(data)
    received = b""
    while not re.fullmatch(answer, received, re.DOTALL):
        yield
        piece = sock.recv(_PIECE)
        received += piece
        if not piece or len(received) > 1 << 20:
            raise WrongAnswerError(f"Not {answer!r}: {received[:500]!r}")
    return received


def talk(
    port: int,
    conversation: Callable[[socket.socket], Talk],
    count: int = sys.maxsize,
    is_over: Callable[[int], bool] = lambda _: False,
    at_once: int = 50,
) -> list[socket.socket]:
    """Hold conversations, one after the other and some at a time.

    :param conversation: yields when it waits for the server.
    :param is_over: asked, with how many are through, whether that will do.
    :return: the sockets of those that are through.
    """
    epoll = select.epoll()
    talks: dict[int, Talk] = {}
    through: list[socket.socket] = []
    heard = time.monotonic()
    while len(through) < count and not is_over(len(through)):
        while len(talks) < at_once and len(through) + len(talks) < count:
            sock = connect(port)
            talks[sock.fileno()] = running = conversation(sock)
            next(running)
            epoll.register(sock, select.EPOLLIN)
        for fd, _ in epoll.poll(1):
            heard = time.monotonic()
            try:
                next(talks[fd])
            except StopIteration as end:
                del talks[fd]
                if end.value.fileno() >= 0:
                    epoll.unregister(fd)
                through.append(end.value)
        if time.monotonic() - heard > PATIENCE:
            raise WrongAnswerError(f"Nothing was heard for {PATIENCE:.0f} seconds")
    epoll.close()
    return through


def join_many(port: int, count: int) -> list[Client]:
    """Return clients that have joined the namespace."""
    return [Client(sock) for sock in talk(port, join, count)]


def ask_all(clients: Iterable[Client], data: bytes, answer: bytes) -> list[bytes]:
    """Let one client after the other say something, and return the answers.

    :param answer: a regular expression of the answer.
    """
    answers = []
    for client in clients:
        client.sock.settimeout(PATIENCE)
        asked = say(client.sock, data, answer)
        try:
            while True:
                next(asked)
        except StopIteration as end:
            answers.append(end.value)
        client.sock.setblocking(False)
    return answers
