"""Batches: what a client sends at once is answered at once, and no answer waits for another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView
from contract_service.serving.quick.batches import Batches
from contract_service.serving.quick.frames import FrameSocket
from flask import request

from .conftest import IS_QUICK, wait_until
from .raw import CLOSE, Wire, close, event, frame
from .test_frames import Cut, Nobody

LATER = pytest.mark.skipif(
    not IS_QUICK, reason="another task writes on the path of the libraries, and may come too late"
)
RELEASED: list[bool] = []
WAITING: list[bool] = []


class BatchView(FlaskView):
    def socket_echo(self, value: Any) -> Any:
        return value

    def socket_tell(self, number: int) -> int:
        self.emit("told", number, to=request.sid)
        return number

    def socket_wait(self) -> str:
        WAITING.append(True)
        while not RELEASED:
            socketio.sleep(0.01)
        return "waited"


@pytest.fixture
def views() -> list[type[FlaskView]]:
    RELEASED.clear()
    WAITING.clear()
    return [BatchView]


@pytest.fixture
def wire(server: str) -> Iterator[Wire]:
    with Wire(server) as wire:
        yield wire.join("/batch")


def frames(*messages: str) -> bytes:
    return b"".join(map(frame, messages))


def test_an_ack_waits_for_no_other_event(wire: Wire) -> None:
    wire.send(frames(event("/batch", 1, "echo", "a"), event("/batch", 2, "wait")))
    assert wire.packet() == '43/batch,1["a"]'
    assert not RELEASED
    RELEASED.append(True)
    assert wire.packet() == '43/batch,2["waited"]'


def test_answers_to_events_that_come_together_keep_their_order(wire: Wire) -> None:
    numbers = range(1, 151)
    wire.send(frames(*(event("/batch", number, "tell", number) for number in numbers)))
    for number in numbers:
        assert wire.packet() == f'42/batch,["told",{number}]'
        assert wire.packet() == f"43/batch,{number}[{number}]"


def test_what_others_send_meanwhile_comes_in_between(wire: Wire) -> None:
    wire.send(frames(event("/batch", 1, "echo", "a"), event("/batch", 2, "wait")))
    wait_until(lambda: WAITING)
    socketio.emit("news", 1, namespace="/batch")
    assert wire.packet() == '43/batch,1["a"]'
    assert wire.packet() == '42/batch,["news",1]'
    RELEASED.append(True)
    assert wire.packet() == '43/batch,2["waited"]'


@LATER
def test_who_says_that_it_closes_gets_all_answers_before(wire: Wire) -> None:
    messages = [event("/batch", number, "echo", number) for number in range(1, 11)]
    wire.send(frames(*messages) + close(1000))
    assert [wire.packet() for _ in messages] == [f"43/batch,{n}[{n}]" for n in range(1, 11)]
    assert wire.frame()[0] == CLOSE


@LATER
def test_who_sends_nonsense_after_events_gets_their_answers(wire: Wire) -> None:
    messages = [event("/batch", number, "echo", number) for number in range(1, 11)]
    # A frame without a mask.
    wire.send(frames(*messages) + b"\x81\x01x")
    assert [wire.packet() for _ in messages] == [f"43/batch,{n}[{n}]" for n in range(1, 11)]
    assert wire.frame() == (CLOSE, (1002).to_bytes(2, "big"))


def test_what_comes_while_an_event_is_handled_keeps_no_processor_busy(wire: Wire) -> None:
    wire.text(event("/batch", 1, "wait"))
    wait_until(lambda: WAITING)
    wire.text(event("/batch", 2, "echo", "b"))
    began = time.process_time()
    time.sleep(1)
    assert time.process_time() - began < 0.5
    RELEASED.append(True)
    assert wire.packet() == '43/batch,1["waited"]'
    assert wire.packet() == '43/batch,2["b"]'


# How many calls of the system that takes


class Counted(Cut):
    """A socket that knows how often something is sent."""

    calls = 0

    def send(self, data: bytes, flags: int = 0) -> int:
        self.calls += 1
        return super().send(data, flags)


@pytest.fixture
def counted() -> Counted:
    return Counted([frames(*map(str, range(10)))])


@pytest.fixture
def websocket(counted: Counted) -> FrameSocket:
    return over(counted)


def over(connection: Any) -> FrameSocket:
    """Return a websocket over a socket."""
    owner: Any = Nobody()
    websocket = FrameSocket(owner, lambda task: None, Batches(time.sleep))
    websocket.socket = connection
    websocket.begin(1)
    return websocket


def test_answers_to_events_that_come_together_take_one_call(
    websocket: FrameSocket, counted: Counted
) -> None:
    while (message := websocket.wait()) is not None:
        websocket.send(message)
    assert counted.calls == 1
    assert counted.sent == b"".join(b"\x81\x01%d" % number for number in range(10))


def test_what_is_held_back_is_sent_with_the_pause_and_holds_nothing_back_after_it(
    websocket: FrameSocket, counted: Counted
) -> None:
    for _ in range(2):
        message = websocket.wait()
        assert message
        websocket.send(message)
    assert counted.calls == 0
    websocket.send_held()
    assert counted.calls == 1
    websocket.send("at once")
    assert counted.sent == b"\x81\x010\x81\x011\x81\x07at once"


def test_a_large_answer_is_sent_at_once(websocket: FrameSocket, counted: Counted) -> None:
    assert websocket.wait() == "0"
    websocket.send("small")
    assert counted.calls == 0
    websocket.send("x" * 2_000)
    assert counted.calls == 1
    assert counted.sent.startswith(b"\x81\x05small")


def test_nothing_is_held_back_while_the_rest_of_an_event_is_awaited() -> None:
    counted = Counted([frames("0") + b"\x81"])
    websocket = over(counted)
    assert websocket.wait() == "0"
    # The end of what there is to read.
    assert websocket.wait() is None
    websocket.send("news")
    assert counted.sent == b"\x81\x04news"
