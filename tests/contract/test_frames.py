"""Frames: what comes over a websocket is read as RFC 6455 has it, however it arrives."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
from contract_service.flask_view import FlaskView
from contract_service.serving.connections.frames import WebSocket
from contract_service.serving.quick.batches import Batches
from contract_service.serving.quick.frames import FrameSocket
from contract_service.serving.service import service_of
from contract_service.settings import Settings
from flask import Flask, request

from .conftest import IS_QUICK, narrow, wait_until
from .raw import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    RSV1,
    TEXT,
    Wire,
    close,
    event,
    frame,
)

HANDLED: list[Any] = []
LARGEST = 200_000
SEED = 6455
INVALID = b'42/frame,1["echo","\xff"]'
# A text with characters of one to four bytes, of which any may be cut.
CHARACTERS = "aé€𝄞" * 3


class FrameView(FlaskView):
    def socket_echo(self, value: Any) -> Any:
        HANDLED.append(value)
        return value

    def socket_size(self, value: Any) -> int:
        return len(value)

    def socket_much(self, size: int, times: int) -> None:
        for _ in range(times):
            self.emit("much", "x" * size, to=request.sid)


@pytest.fixture
def views() -> list[type[FlaskView]]:
    HANDLED.clear()
    return [FrameView]


@pytest.fixture
def settings() -> Settings:
    return Settings.load().model_copy(update={"max_message_bytes": LARGEST})


@pytest.fixture
def wire(server: str) -> Iterator[Wire]:
    with Wire(server) as wire:
        yield wire.join("/frame")


def echo(number: int, value: str) -> str:
    return event("/frame", number, "echo", value)


# What is read


def test_a_text_in_fragments_is_one_message(wire: Wire) -> None:
    message = echo(1, CHARACTERS).encode()
    for cuts in ([1], [5, 6, 20], [*range(1, 30)]):
        parts = [message[start:end] for start, end in zip([0, *cuts], [*cuts, None], strict=True)]
        for at, part in enumerate(parts):
            opcode = CONTINUATION if at else TEXT
            wire.send(frame(part, opcode, last=at == len(parts) - 1))
        assert wire.until("43/frame,1")
    assert HANDLED == [CHARACTERS] * 3


def test_a_text_may_be_cut_inside_a_character(wire: Wire) -> None:
    message = '42/frame,1["echo","€"]'.encode()
    cut = message.index("€".encode()) + 1
    wire.send(frame(message[:cut], last=False) + frame(message[cut:], CONTINUATION))
    assert wire.until("43/frame,1")
    assert HANDLED == ["€"]


def test_an_attachment_in_fragments_is_one_message(wire: Wire) -> None:
    wire.text('451-/frame,1["size",{"_placeholder":true,"num":0}]')
    wire.send(frame(b"x" * 1_000, BINARY, last=False))
    wire.send(frame(b"", CONTINUATION, last=False))
    wire.send(frame(b"y" * 70_000, CONTINUATION))
    assert wire.until("43/frame,1") == "43/frame,1[71000]"


def test_a_ping_between_fragments_is_answered_at_once(wire: Wire) -> None:
    message = echo(1, "text").encode()
    for payload in (b"", b"are you there?", b"x" * 125):
        wire.send(frame(message[:9], last=False) + frame(payload, PING))
        assert wire.frame() == (PONG, payload)
        wire.send(frame(b"nobody asked", PONG) + frame(message[9:], CONTINUATION))
        assert wire.packet() == '43/frame,1["text"]'


def test_a_frame_may_come_byte_by_byte(wire: Wire) -> None:
    for byte in frame(echo(1, "slow")) + frame("now", PING):
        wire.send(bytes([byte]))
        time.sleep(0.001)
    assert wire.packet() == '43/frame,1["slow"]'
    assert wire.frame() == (PONG, b"now")


def test_several_frames_may_come_in_one_packet(wire: Wire) -> None:
    frames = [frame(echo(1, "a")), frame("?", PING), frame(echo(2, "b")), frame(echo(3, "c"))]
    wire.send(b"".join(frames))
    answers = [wire.frame() for _ in frames]
    # A pong need not wait for messages (RFC 6455, section 5.5.3).
    answers.remove((PONG, b"?"))
    acks = [b'43/frame,1["a"]', b'43/frame,2["b"]', b'43/frame,3["c"]']
    assert [payload for _, payload in answers] == acks


def test_each_form_of_a_length_is_read_and_written(wire: Wire) -> None:
    before, after = '42/frame,1["echo","', '"]'
    for size in (60, 125, 126, 127, 65_535, 65_536, LARGEST):
        text = "".join(random.Random(size).choices("abc", k=size - len(before + after)))
        wire.send(frame(before + text + after, mask=b"\x01\x82\x03\xfe"))
        assert wire.packet() == f'43/frame,1["{text}"]', size


# What ends the connection


def ended_with(server: str, *sent: bytes) -> int | None:
    """Return the code with which the service closes a connection after what came on it."""
    with Wire(server) as wire:
        wire.join("/frame")
        for part in sent:
            wire.send(part)
        return wire.closed_with()


def test_a_client_closes_with_its_code(server: str) -> None:
    codes = [1000, 1001, 1002, 1003, *range(1007, 1014), 3000, 3999, 4000, 4999]
    reason = "Zoë leaves".encode()
    assert {code: ended_with(server, close(code, reason)) for code in codes} == {
        code: code for code in codes
    }
    assert ended_with(server, close()) in (None, 1000)


def test_no_client_closes_with_a_code_that_is_none(server: str) -> None:
    codes = [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535]
    assert {code: ended_with(server, close(code)) for code in codes} == dict.fromkeys(codes, 1002)
    assert ended_with(server, frame(b"\x03", CLOSE)) == 1002


NO_TEXT = {
    "the reason of a close frame": [close(1000, b"\xff")],
    "a message": [frame(INVALID)],
    "the first of two fragments": [frame(INVALID, last=False), frame("", CONTINUATION)],
    "a character that begins the second of two fragments": [
        frame(INVALID[:21], last=False),
        frame(INVALID[21:], CONTINUATION),
    ],
    "a character that is not complete": [frame("4€".encode()[:-1])],
    "a character that is not complete in fragments": [
        frame("4€".encode()[:-1], last=False),
        frame("", CONTINUATION),
    ],
    "a character in more bytes than it needs": [frame(b"4\xc0\xaf")],
    "half a pair": [frame(b"4\xed\xa0\x80")],
}


def test_a_text_is_utf_8(server: str) -> None:
    assert {name: ended_with(server, *sent) for name, sent in NO_TEXT.items()} == dict.fromkeys(
        NO_TEXT, 1007
    )
    assert HANDLED == []


MALFORMED = {
    **{
        f"reserved bit {bit:x}": frame(echo(1, "x"), reserved=bit)
        for bit in (RSV1, RSV1 >> 1, RSV1 >> 2)
    },
    "a reserved bit of a control frame": frame("", PING, reserved=RSV1),
    "no mask": frame(echo(1, "x"), mask=None),
    "a ping without a mask": frame("", PING, mask=None),
    **{f"opcode {opcode}": frame(b"x", opcode) for opcode in (3, 7, 11, 15)},
    "a continuation of nothing": frame(echo(1, "x"), CONTINUATION),
    "a continuation of what is complete": frame("3") + frame(echo(1, "x"), CONTINUATION),
    "a message within another": frame("4", last=False) + frame(echo(1, "x")),
    "an attachment within a message": frame("4", last=False) + frame(b"x", BINARY),
    "a ping in fragments": frame("", PING, last=False),
    "a close frame in fragments": frame("", CLOSE, last=False),
    "a long ping": frame(b"x" * 126, PING),
    "a long close frame": frame(b"\x03\xe8" + b"x" * 124, CLOSE),
    "a length of two bytes for one": frame(echo(1, "x"), length=2),
    "a length of two bytes for 125": frame(b"4" * 125, length=2),
    "a length of eight bytes for one": frame(echo(1, "x"), length=8),
    "a length of eight bytes for two": frame(b"4" * 65_535, length=8),
}


def test_what_is_no_frame_ends_the_connection(server: str) -> None:
    assert {name: ended_with(server, sent) for name, sent in MALFORMED.items()} == dict.fromkeys(
        MALFORMED, 1002
    )
    assert HANDLED == []


def test_a_frame_that_is_too_large_is_not_waited_for(server: str) -> None:
    sizes = (LARGEST + 1, 2**32, 2**62)
    # The library tells what it has of a frame, and not what is to come.
    some = b"" if IS_QUICK else b"4" * (LARGEST + 1)
    heads = {size: frame(b"", size=size, mask=b"\0\0\0\0") for size in sizes}
    assert {size: ended_with(server, head, some) for size, head in heads.items()} == dict.fromkeys(
        sizes, 1009
    )


def test_a_message_that_is_too_large_in_all_is_not_waited_for(wire: Wire) -> None:
    half = b"4" * (LARGEST // 2)
    wire.send(frame(half, last=False) + frame(half, CONTINUATION, last=False))
    wire.send(frame(b"4", CONTINUATION, last=False))
    assert wire.closed_with() == 1009


def test_a_message_of_the_largest_size_in_fragments_is_not_too_large(wire: Wire) -> None:
    before, after = '42/frame,1["size","', '"]'
    text = "x" * (LARGEST - len(before + after))
    wire.send(frame(before + text, last=False) + frame(after, CONTINUATION))
    assert wire.packet() == f"43/frame,1[{len(text)}]"


@pytest.mark.parametrize(
    "end", [close(1000), frame(b"\xff"), frame("", 3)], ids=["close", "no text", "no frame"]
)
def test_nothing_is_handled_after_the_end(wire: Wire, end: bytes) -> None:
    wire.send(frame(echo(1, "before")) + end + frame(echo(2, "after")) + frame("", PING))
    kinds = [kind for kind, _ in wire.rest()]
    # On the library's path, an ack that waits for its task does not come any more.
    assert kinds == [TEXT, CLOSE] or (not IS_QUICK and kinds == [CLOSE])
    assert HANDLED == ["before"]


def test_nothing_is_handled_after_the_end_though_much_waits_to_be_sent(
    server: str, app: Flask
) -> None:
    with Wire(server, buffer=4_096) as wire:
        wire.join("/frame")
        (connection,) = service_of(app).limits.connections()
        narrow(connection)
        wire.text(event("/frame", 1, "much", 100_000, 20))
        wait_until(lambda: connection.unsent > 1_000_000)
        wire.send(close(1000) + frame(echo(2, "after")))
        frames = wire.rest()
    assert [kind for kind, _ in frames if kind != TEXT] == [CLOSE]
    assert HANDLED == []


# The quick path against the library's


class Cut:
    """A socket from which bytes come in pieces, and which keeps what is sent."""

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces
        self.sent = bytearray()
        # In the asynchronous modes, a socket has another one inside.
        self.fd = self._sock = self

    def recv(self, size: int) -> bytes:
        piece = self.pieces.pop(0) if self.pieces else b""
        if len(piece) > size:
            self.pieces.insert(0, piece[size:])
        return piece[:size]

    def send(self, data: bytes, flags: int = 0) -> int:
        self.sent += data
        return len(data)

    sendall = send

    def settimeout(self, seconds: float | None) -> None:
        pass

    def shutdown(self, how: int) -> None:
        self.pieces.clear()


class Nobody:
    """Whoever has the websockets below, and lets everything through."""

    max_message_bytes = 10_000

    def count(self, size: int) -> bool:
        return True

    def reserve(self, size: int) -> bool:
        return True

    def apply_backpressure(self) -> None:
        pass

    def has_yielded(self, now: float) -> None:
        pass


def read(
    websocket: WebSocket | FrameSocket, pieces: list[bytes]
) -> tuple[list[str | bytes], list[bytes], int | None]:
    """Return what a websocket makes of bytes: the messages, the pongs, the code of the end."""
    cut: Any = Cut(list(pieces))
    websocket.socket = cut
    websocket.begin(1)
    messages = []
    while (message := websocket.wait()) is not None:
        messages.append(message)
    pongs, code, sent = [], None, cut.sent
    while sent:
        opcode, size = sent[0] & 0x0F, sent[1]
        payload = bytes(sent[2 : 2 + size])
        del sent[: 2 + size]
        if opcode == PONG:
            pongs.append(payload)
        else:
            assert opcode == CLOSE
            assert not sent
            code = int.from_bytes(payload[:2], "big") if payload else 1000
    return messages, pongs, code


def stream(chance: random.Random) -> bytes:
    """Return messages of any kind and size, in any fragments, with control frames in between."""
    sent = b""
    for _ in range(chance.randint(1, 6)):
        text = "".join(chance.choices(CHARACTERS, k=chance.choice((0, 1, 10, 200, 1_500))))
        opcode = chance.choice((TEXT, BINARY))
        cuts = sorted(chance.choices(range(len(text.encode()) + 1), k=chance.choice((0, 0, 1, 4))))
        parts = zip((0, *cuts), (*cuts, None), strict=True)
        for at, (start, end) in enumerate(parts):
            while chance.random() < 0.2:
                payload = chance.randbytes(chance.choice((0, 5, 125)))
                sent += frame(payload, chance.choice((PING, PONG)), mask=chance.randbytes(4))
            part = text.encode()[start:end]
            kind, last = CONTINUATION if at else opcode, at == len(cuts)
            sent += frame(part, kind, last=last, mask=chance.randbytes(4))
    if chance.random() < 0.5:
        sent += close(chance.choice((1000, 1001, 3000, 1006, 1004, 999)), b"bye")
    return sent


def mutated(sent: bytes, chance: random.Random) -> bytes:
    """Return bytes of which a few are others, fewer or more."""
    changed = bytearray(sent)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(changed))
        match chance.randrange(4):
            case 0:
                changed[at] ^= 1 << chance.randrange(8)
            case 1:
                changed[at] = chance.randrange(256)
            case 2:
                del changed[at]
            case _:
                changed.insert(at, chance.randrange(256))
    return bytes(changed)


def pieces(sent: bytes, chance: random.Random) -> list[bytes]:
    """Return bytes, cut anywhere."""
    cuts = sorted(chance.choices(range(1, len(sent) + 1), k=chance.choice((0, 1, 5, 50))))
    found = zip((0, *cuts), (*cuts, None), strict=True)
    return [part for start, end in found if (part := sent[start:end])]


def both(sent: bytes, chance: random.Random) -> tuple[Any, Any]:
    """Return what each path makes of bytes."""
    owner: Any = Nobody()
    arriving = pieces(sent, chance)
    quick = read(FrameSocket(owner, lambda task: None, Batches(time.sleep)), arriving)
    return quick, read(WebSocket(owner), pieces(sent, chance))


def test_both_paths_read_the_same_from_any_stream() -> None:
    chance = random.Random(SEED)
    for _ in range(300):
        quick, stock = both(stream(chance), chance)
        assert quick == stock


def test_both_paths_refuse_the_same_of_any_stream() -> None:
    chance = random.Random(SEED)
    for _ in range(600):
        # Whatever length a frame has now, it becomes complete, and then something is wrong.
        sent = mutated(stream(chance), chance) + b"\0" * 2 * Nobody.max_message_bytes
        (messages, pongs, code), stock = both(sent, chance)
        assert messages == stock[0]
        if stock[2] == 1007:
            # The library looks at each fragment of a text, the quick path at all of it in the end.
            assert pongs[: len(stock[1])] == stock[1]
        elif code == 1009 or stock[2] == 1009:
            # The quick path refuses what is too large by its head, the library when it has come.
            assert pongs == stock[1]
        else:
            assert (pongs, code) == stock[1:]


class Slow(Cut):
    """A socket that takes a few bytes at once, and none after its end."""

    is_open = True

    def send(self, data: bytes, flags: int = 0) -> int:
        if not self.is_open:
            raise BrokenPipeError
        return super().send(data[:5], flags)

    def shutdown(self, how: int) -> None:
        super().shutdown(how)
        self.is_open = False


def test_a_websocket_ends_when_the_system_has_no_thread_for_the_rest_of_a_message() -> None:
    def refuse(task: Any) -> None:
        raise RuntimeError("can't start new thread")

    owner: Any = Nobody()
    websocket = FrameSocket(owner, refuse, Batches(time.sleep))
    slow: Any = Slow([frame("hello")])
    websocket.socket = slow
    websocket.begin(1)
    websocket.send("more than five bytes")
    websocket.send("too late")
    assert slow.sent == b"\x81\x14mor"
    assert websocket.wait() is None
