"""Impolite clients, on raw sockets: what a stranger may send, and one polite client beside them.

Everything here is bounded in number and in time, and reaches this machine only. Where a client
comes from is an address of the loopback network, so that one machine can be many.
"""

import base64
import json
import os
import re
import socket
import struct
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPMessage
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

from server import Server

HOME = "127.0.0.1"
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
SECONDS = 20.0
PLACEHOLDER = '{"_placeholder":true,"num":0}'
"""Stands in a message for its first attachment."""
SEPARATOR = "\x1e"
"""Stands between the packets of a body (Engine.IO protocol 4)."""
_SWITCHING = (
    "GET /socket.io/?EIO=4&transport=websocket{} HTTP/1.1\r\nHost: {}\r\n"
    "Connection: Upgrade\r\nUpgrade: websocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)
_ACK = re.compile(r"[36](?:\d+-)?(?P<namespace>/[^,]*,)?(?P<id>\d+)(?P<data>\[.*)", re.DOTALL)


class ConnectionEnded(Exception):  # noqa: N818 - it is what one waits for
    """The server has ended the connection."""


class RefusedError(Exception):
    """The server did not let a client in."""


def opened(server: Server, source: str = HOME, seconds: float = SECONDS) -> socket.socket:
    """Return a TCP connection to a server.

    :param server: the service.
    :param source: the address to come from.
    :param seconds: how long to wait, for this and for whatever comes on it.
    """
    address = urlsplit(server.url)
    place = (str(address.hostname), address.port or 0)
    connection = socket.create_connection(place, seconds, source_address=(source, 0))
    # What is sent in pieces is not held back until they are acknowledged.
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def is_ended(connection: socket.socket, seconds: float = SECONDS) -> bool:
    """Tell whether the server ends a connection within some time, whatever it sends before."""
    deadline = time.monotonic() + seconds
    try:
        while (left := deadline - time.monotonic()) > 0:
            connection.settimeout(left)
            if not connection.recv(65_536):
                return True
    except TimeoutError:
        return False
    except OSError:
        return True
    return False


def frame(
    payload: bytes | str = b"", opcode: int = TEXT, *, last: bool = True, mask: bytes = b"\0\0\0\0"
) -> bytes:
    """Return a frame as a client sends it (RFC 6455, section 5.2).

    :param payload: what it carries.
    :param opcode: its kind.
    :param last: whether the message ends with it.
    :param mask: the four bytes it is masked with; zeros leave it as it is.
    """
    data = payload.encode() if isinstance(payload, str) else payload
    size = len(data)
    if size < 126:
        length = bytes([0x80 | size])
    elif size < 65_536:
        length = bytes([0x80 | 126]) + struct.pack("!H", size)
    else:
        length = bytes([0x80 | 127]) + struct.pack("!Q", size)
    if any(mask):
        data = bytes(byte ^ mask[at % 4] for at, byte in enumerate(data))
    return bytes([0x80 * last | opcode]) + length + mask + data


def event(name: Any, *arguments: Any, namespace: str = "/", number: int | None = None) -> str:
    """Return an event as a packet of Engine.IO, with or without a number for its ack."""
    where = "" if namespace == "/" else f"{namespace},"
    counted = "" if number is None else number
    return f"42{where}{counted}{json.dumps([name, *arguments])}"


_BEGUN = frame("4", TEXT, last=False)
FLOODS: dict[str, tuple[bytes, ...]] = {
    "pings": (b"", frame(b"", PING)),
    "large pings": (b"", frame(b"x" * 125, PING)),
    "pongs": (b"", frame(b"", PONG)),
    "empty fragments": (_BEGUN, frame(b"", CONTINUATION, last=False)),
    "fragments of a byte": (_BEGUN, frame(b"x", CONTINUATION, last=False)),
    "fragments with pings": (_BEGUN, frame(b"", CONTINUATION, last=False), frame(b"", PING)),
    "empty messages": (b"", frame("")),
    "empty binary messages": (b"", frame(b"", BINARY)),
    "empty messages in fragments": (
        b"",
        frame("", TEXT, last=False),
        frame("", CONTINUATION, last=True),
    ),
    **{f"packets {kind}": (b"", frame(kind)) for kind in "1235679"},
    "events": (b"", frame('42/open,["number",1]')),
    "events that nothing answers": (b"", frame('42/open,["nothing"]')),
    "acks": (b"", frame("43/open,1[]")),
    "joins": (b"", frame("40/nowhere,")),
    "joins and leaves": (b"", frame("40/open,"), frame("41/open,")),
}
"""What is sent without an end: first how it begins, then what is repeated."""


def flood(name: str, size: int) -> bytes:
    """Return the beginning of a flood, of a size or a little less."""
    begin, *units = FLOODS[name]
    unit = b"".join(units)
    return begin + unit * (size // len(unit))


NO_PACKETS: dict[str, bytes] = {
    "text": frame("abc"),
    "nothing": frame(""),
    "binary": frame(b"\x00\xff\xfe garbage", BINARY),
    "no text": frame(b"\xff\xfe", TEXT),
    "a reserved bit": b"\xf1" + frame("4")[1:],
    "no mask": b"\x81\x014",
    "a fragment of nothing": frame("4", CONTINUATION),
    "a long ping": frame(b"x" * 126, PING),
    "a reserved kind": frame(b"x", 11),
    "the beginning of a frame": frame("4" * 1000)[:20],
    "noise": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n" * 10,
}
"""What is none of Engine.IO's packets, or no frame, by why."""

MARK = "mark-7c1f"
"""Stands in messages that no line of the log may repeat."""
MALFORMED: dict[str, tuple[tuple[str | bytes, ...], bool]] = {
    "no name": (("421[]", f'42["{MARK}'), True),
    "an object": (("421[{}]",), True),
    "no list": ((f'421{{"{MARK}":1}}',), True),
    "a text": ((f'421"{MARK}"',), True),
    "bad JSON": ((f'421["number","{MARK}"',), True),
    "nothing with an id": (("421",), True),
    "no number": (("421NaN",), True),
    "no number as an argument": ((f'421["{MARK}",NaN',), True),
    "infinity": (("421Infinity",), True),
    "no number after a space": (("421 NaN",), True),
    "nested": ((f"421{'[' * 1_000}{MARK}",), True),
    "a wrong place": ((f'451-1["{MARK}",{{"_placeholder":true,"num":7}}]', b"attached"), True),
    "a place below zero": ((f'451-1["{MARK}",{{"_placeholder":true,"num":-1}}]', b"x"), True),
    "a place that is a text": ((f'451-1["{MARK}",{{"_placeholder":true,"num":"0"}}]', b"x"), True),
    "a place that is a list": ((f'451-1["{MARK}",{{"_placeholder":true,"num":[]}}]', b"x"), True),
    "a place without a number": ((f'451-1["{MARK}",{{"_placeholder":true}}]', b"x"), True),
    "no attachment": (
        (f'451-1["{MARK}",{{"_placeholder":true,"num":0}}]', f'42["x","{MARK}"]'),
        True,
    ),
    "nothing": (("42",), False),
    "a number": (("42NaN",), False),
    "an id of over a hundred digits": ((f'42{"1" * 101}["{MARK}"]',), False),
    "an id and nothing more, without an end": (("42" + "1" * 1_000,), False),
    "an attachment of nothing": ((f"an attachment {MARK}".encode(),), False),
    "no kind": (("4",), False),
    "an unknown kind": ((f'49["{MARK}"]', f"4x{MARK}"), False),
    "what only a server sends": ((f'44{{"message":"{MARK}"}}',), False),
    "an ack of nothing": ((f'4399["{MARK}"]', '43["x"]', "43"), False),
    "an ack that is binary": ((f'461-1["{MARK}",{{"_placeholder":true,"num":0}}]', b"x"), False),
    "a strange query": ((f'42/open?{MARK},9["number",1]',), False),
}
"""Messages of Socket.IO that are none, and whether an ack is waited for, by what is wrong."""

MONSTERS = {
    "nested": f'42/open,["nothing",{"[" * 10_000}{"]" * 10_000}]',
    "nested without an end": f"42/open,[{'[' * 400_000}",
    "nested to connect": f"40/open,{'[' * 10_000}",
    "ack": f'42/open,{"9" * 100_000}["number",1]',
    "kind": f'4{"9" * 100_000}["number",1]',
    "attachments": f'45{"9" * 100_000}-/open,1["number",1]',
    "namespace": f'42/{"o" * 900_000},1["number",1]',
    "number as a name": f"42/open,1[{'9' * 900_000}]",
    "number": f'42/open,1["number",{"9" * 900_000}]',
    "no number": f'42/open,1["number",{"x" * 900_000}]',
    "exponent": f'42/open,1["number",1e{"9" * 900_000}]',
    "name": f'42/open,1["{"n" * 900_000}"]',
}
"""Packets of nearly the largest size, by what is large."""


class WebSocket:
    """A websocket of Engine.IO; nothing is answered or refused by itself."""

    def __init__(self, server: Server, source: str = HOME, *, sid: str = "") -> None:
        """Open it.

        :param server: the service.
        :param source: the address to come from.
        :param sid: a session that began by polling, to go on with.
        :raises RefusedError: the server answers with something else.
        """
        self.socket = opened(server, source)
        query = f"&sid={sid}" if sid else ""
        try:
            self.socket.sendall(_SWITCHING.format(query, urlsplit(server.url).netloc).encode())
            head = b""
            while b"\r\n\r\n" not in head and (part := self.socket.recv(4096)):
                head += part
        except OSError:
            head = b""
        if b" 101 " not in head.partition(b"\r\n")[0]:
            self.socket.close()
            raise RefusedError(head.decode("latin-1"))
        self.received = bytearray(head.partition(b"\r\n\r\n")[2])
        """Everything that came after the greeting."""
        self._at = 0
        self.opening: dict[str, Any] = {} if sid else json.loads(self.packet()[1:])
        self.sid: str = sid or self.opening["sid"]

    def __enter__(self) -> Self:
        """Return the websocket."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the connection, without a word."""
        self.socket.close()

    def send(self, packet: bytes | str) -> None:
        """Send a message: a packet of Engine.IO, or an attachment.

        :raises ConnectionEnded: the server has ended the connection.
        """
        self.send_raw(frame(packet, TEXT if isinstance(packet, str) else BINARY))

    def send_raw(self, data: bytes) -> None:
        """Send bytes as they are.

        :raises ConnectionEnded: the server has ended the connection.
        """
        try:
            self.socket.sendall(data)
        except OSError as error:
            raise ConnectionEnded from error

    def frame(self, seconds: float = SECONDS) -> tuple[int, bytes]:
        """Return the kind of the next frame, and what it carries.

        :raises ConnectionEnded: there is none any more.
        :raises TimeoutError: none comes in time.
        """
        deadline = time.monotonic() + seconds
        first, second = self._take(2, deadline)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", self._take(2, deadline))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._take(8, deadline))
        return first & 0x0F, self._take(size, deadline)

    def packet(self, seconds: float = SECONDS) -> str:
        """Return the next packet of Engine.IO that is text.

        :raises ConnectionEnded: there is none any more.
        :raises TimeoutError: none comes in time.
        """
        deadline = time.monotonic() + seconds
        while True:
            kind, payload = self.frame(deadline - time.monotonic())
            if kind == CLOSE:
                raise ConnectionEnded
            if kind == TEXT:
                return payload.decode()

    def packets(self, seconds: float) -> list[str]:
        """Return the packets that come within some time, or until the connection ends."""
        found = []
        deadline = time.monotonic() + seconds
        with suppress(TimeoutError, ConnectionEnded):
            while (left := deadline - time.monotonic()) > 0:
                found.append(self.packet(left))
        return found

    def is_ended(self, seconds: float = SECONDS) -> bool:
        """Tell whether the server ends the connection within some time."""
        deadline = time.monotonic() + seconds
        try:
            while True:
                self.packet(deadline - time.monotonic())
        except ConnectionEnded:
            return True
        except TimeoutError:
            return False

    def vanish(self) -> None:
        """End the connection by a reset, as a process does that dies."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _take(self, size: int, deadline: float) -> bytes:
        while len(self.received) - self._at < size:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError
            self.socket.settimeout(left)
            try:
                part = self.socket.recv(65_536)
            except TimeoutError:
                raise
            except OSError as error:
                raise ConnectionEnded from error
            finally:
                with suppress(OSError):
                    self.socket.settimeout(SECONDS)
            if not part:
                raise ConnectionEnded
            self.received += part
        self._at += size
        return bytes(self.received[self._at - size : self._at])


class Probe(WebSocket):
    """A polite client: joins a namespace, answers pings, and waits for its acks."""

    def __init__(
        self, server: Server, namespace: str, source: str = HOME, auth: Any = None
    ) -> None:
        """Connect, and join.

        :param server: the service.
        :param namespace: what to join.
        :param source: the address to come from.
        :param auth: what to send along.
        :raises RefusedError: the server does not let it in.
        """
        super().__init__(server, source)
        self.namespace = namespace
        self.heard: list[list[Any]] = []
        """The events that came, each with its name first."""
        self._last = 0
        self._where = "" if namespace == "/" else f"{namespace},"
        try:
            self.send(f"40{self._where}{'' if auth is None else json.dumps(auth)}")
            answer = self._next("0", "4")
        except (ConnectionEnded, TimeoutError) as error:
            self.socket.close()
            raise RefusedError(repr(error)) from error
        if answer[0] == "4":
            self.socket.close()
            raise RefusedError(answer)

    def call(self, name: Any, *arguments: Any, seconds: float = SECONDS) -> Any:
        """Send an event, and return what its ack carries: a list, or the one argument.

        :raises TimeoutError: no ack comes in time.
        :raises ConnectionEnded: the server has ended the connection.
        """
        self._last += 1
        self.send(event(name, *arguments, namespace=self.namespace, number=self._last))
        return self.ack(self._last, seconds)

    def timed(self, name: str, *arguments: Any, seconds: float = SECONDS) -> float:
        """Send an event, and return how long its ack took."""
        began = time.monotonic()
        answer = self.call(name, *arguments, seconds=seconds)
        assert not (isinstance(answer, dict) and "error" in answer), answer
        return time.monotonic() - began

    def ack(self, number: int, seconds: float = SECONDS) -> Any:
        """Return what the ack of a number carries: a list, or the one argument."""
        deadline = time.monotonic() + seconds
        while True:
            found = _ACK.fullmatch(self._next("3", "6", seconds=deadline - time.monotonic()))
            if found and int(found["id"]) == number:
                data = json.loads(found["data"])
                return data[0] if len(data) == 1 else data

    def listen(self, seconds: float) -> list[list[Any]]:
        """Return the events that have come, after waiting for more for some time."""
        with suppress(TimeoutError, ConnectionEnded):
            self._next(seconds=seconds)
        return self.heard

    def _next(self, *kinds: str, seconds: float = SECONDS) -> str:
        """Return the next message of some kinds, without the digit of Engine.IO."""
        deadline = time.monotonic() + seconds
        while True:
            packet = self.packet(deadline - time.monotonic())
            if packet == "2":
                self.send("3")
            elif packet[:2] == "42":
                self.heard.append(json.loads(packet[packet.index("[") :]))
            elif packet[:1] == "4" and packet[1:2] in kinds:
                return packet[1:]


@dataclass
class Reply:
    """What came back for a request, and how long it took."""

    status: int
    headers: HTTPMessage
    text: str
    seconds: float


def request(
    server: Server,
    method: str,
    path: str,
    source: str = HOME,
    *,
    body: str | bytes | None = None,
    headers: dict[str, str] | None = None,
    seconds: float = SECONDS,
) -> Reply:
    """Send a request from an address, on a connection of its own.

    :raises OSError: no answer comes, or none in time.
    """
    address = urlsplit(server.url)
    connection = HTTPConnection(
        str(address.hostname), address.port, timeout=seconds, source_address=(source, 0)
    )
    began = time.monotonic()
    try:
        connection.request(
            method, path, body, {"Connection": "close", **({} if headers is None else headers)}
        )
        answer = connection.getresponse()
        text = answer.read().decode()
        return Reply(answer.status, answer.headers, text, time.monotonic() - began)
    except HTTPException as error:
        raise ConnectionError(repr(error)) from error
    finally:
        connection.close()


def alive(server: Server, source: str = HOME, seconds: float = SECONDS) -> float:
    """Return how long ``/health/live`` takes."""
    answer = request(server, "GET", "/health/live", source, seconds=seconds)
    assert answer.status == 200, answer
    return answer.seconds


class Polling:
    """A session of Engine.IO by requests; it holds no socket between them."""

    def __init__(self, server: Server, source: str = HOME) -> None:
        """Begin a session.

        :raises RefusedError: the server does not let it in.
        """
        self._server = server
        self._source = source
        answer = request(server, "GET", self._path(), source)
        if answer.status != 200:
            raise RefusedError(f"{answer.status} {answer.text}")
        self.sid: str = json.loads(answer.text[1:])["sid"]

    def post(self, *packets: str, length: int | None = None) -> Reply:
        """Send packets, or a body that says to be longer than it is."""
        body = SEPARATOR.join(packets).encode()
        headers = {"Content-Type": "text/plain;charset=UTF-8"}
        if length is not None:
            headers["Content-Length"] = str(length)
        path = self._path(self.sid)
        return request(self._server, "POST", path, self._source, body=body, headers=headers)

    def get(self, seconds: float = SECONDS) -> list[str]:
        """Wait for packets."""
        path = self._path(self.sid)
        answer = request(self._server, "GET", path, self._source, seconds=seconds)
        return answer.text.split(SEPARATOR) if answer.status == 200 else []

    def _path(self, sid: str = "") -> str:
        return "/socket.io/?EIO=4&transport=polling" + (f"&sid={sid}" if sid else "")


HALF_SENT = {
    "silence": b"",
    "half a line": b"GET /health/li",
    "half a head": b"GET /health/live HTTP/1.1\r\nHost: x\r\nX-More: ",
    "half a body": (
        b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b'Content-Length: 1000\r\n\r\n{"name": "'
    ),
    "half of a chunk": (
        b"POST /session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Transfer-Encoding: chunked\r\n\r\nff\r\n{"
    ),
    "half a packet": (
        b"POST /socket.io/?EIO=4&transport=polling&sid=none HTTP/1.1\r\nHost: x\r\n"
        b"Content-Length: 1000\r\n\r\n4"
    ),
}
"""The beginnings of requests, by what is missing."""


@contextmanager
def held(
    server: Server, beginnings: Iterable[bytes], source: str = HOME
) -> Iterator[list[socket.socket]]:
    """Hold connections open on which no request is ever complete; close them at the end.

    One that the server does not take is left out.
    """
    connections: list[socket.socket] = []
    try:
        for beginning in beginnings:
            with suppress(OSError):
                connection = opened(server, source, 5)
                connections.append(connection)
                connection.sendall(beginning)
        yield connections
    finally:
        for connection in connections:
            connection.close()


def drip(connections: Iterable[socket.socket], byte: bytes = b"x") -> int:
    """Send one byte on each connection, and return how many are still open."""
    still = 0
    for connection in connections:
        with suppress(OSError):
            connection.send(byte, socket.MSG_DONTWAIT)
            still += 1
    return still


def noise(size: int) -> bytes:
    """Return bytes that mean nothing."""
    return base64.b64encode(os.urandom(size))[:size]


def processes(server: Server) -> list[Path]:
    """Return where the system describes the processes of a service: they are one session."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError, ValueError, IndexError):
            text = (place / "stat").read_text(encoding="utf-8", errors="replace")
            if int(text.rpartition(")")[2].split()[3]) == server.process.pid:
                found.append(place)
    return found


def memory(server: Server) -> float:
    """Return the megabytes that a service has in memory."""
    return sum(_status(place, "VmRSS") for place in processes(server)) / 1024


def threads(server: Server) -> int:
    """Return how many threads a service has."""
    return sum(_status(place, "Threads") for place in processes(server))


def open_files(server: Server) -> int:
    """Return how many files and connections a service has open."""
    return sum(len(list((place / "fd").iterdir())) for place in processes(server))


def _status(place: Path, name: str) -> int:
    text = (place / "status").read_text(encoding="utf-8")
    found = re.search(rf"^{name}:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0


def connections(server: Server, source: str = HOME) -> int:
    """Return how many Socket.IO connections a service counts."""
    text = request(server, "GET", "/metrics", source).text
    found = re.search(r"^socketio_connections (\S+)", text, re.MULTILINE)
    assert found, text
    return int(float(found[1]))
