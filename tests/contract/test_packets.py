"""Packets: what a client sends is checked before anything acts on it, and answered."""

from __future__ import annotations

import json
import logging
import socket
import time
from contextlib import suppress
from threading import Thread
from typing import Any

import pytest
import websocket
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView, on
from contract_service.serving.connections.frames import WebSocket
from contract_service.serving.service import service_of
from flask import request

from .conftest import wait_until
from .raw import Poller

CALLS: list[Any] = []
RESERVED = (
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
)
SECRET = "hunter2"


class GateView(FlaskView):
    def socket_connect(self, auth):
        how = (auth or {}).get("how")
        self.emit("welcome", {"n": 1}, to=request.sid)
        self.emit("welcome", b"bytes", to=request.sid)
        if how == "much":
            for _ in range(20):
                self.emit("welcome", "x" * 100_000, to=request.sid)
        socketio.sleep((auth or {}).get("seconds", 0))
        CALLS.append("connect")
        if how == "refuse":
            raise ConnectionRefusedError("no")

    def socket_disconnect(self):
        CALLS.append("disconnect")

    def socket_echo(self, *arguments):
        return arguments

    @on("*")
    def anything(self, event, *arguments):
        CALLS.append(event)

    def socket_auth(self):
        return self.auth

    def post(self, payload: dict[str, Any]):
        return payload


@pytest.fixture
def views() -> list[type[FlaskView]]:
    CALLS.clear()
    return [GateView]


class Raw:
    """A websocket whose packets are written by hand."""

    def __init__(self, server: str) -> None:
        url = server.replace("http", "ws") + "/socket.io/?EIO=4&transport=websocket"
        self.socket = websocket.create_connection(url, timeout=5)
        self.receive()

    def receive(self) -> Any:
        return self.socket.recv()

    def join(self, auth: Any = None) -> None:
        self.send("40/gate," + (json.dumps(auth) if auth else ""))

    def send(self, *packets: str | bytes) -> None:
        # The service may have ended the connection before the last one; who reads finds that out.
        with suppress(BrokenPipeError, ConnectionResetError):
            for packet in packets:
                is_binary = isinstance(packet, bytes)
                self.socket.send(packet, websocket.ABNF.OPCODE_BINARY if is_binary else 1)

    def until(self, beginning: str) -> str:
        while not str(packet := self.receive()).startswith(beginning):
            assert packet, "the connection ended"
        return packet

    def until_the_end(self) -> None:
        with suppress(websocket.WebSocketConnectionClosedException, ConnectionResetError):
            while self.receive():
                pass


@pytest.fixture
def raw(server: str) -> Any:
    connection = Raw(server)
    connection.join()
    connection.until("40/gate,")
    yield connection
    connection.socket.close()


def problem(ack: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(ack[ack.index("[") :])[0]["error"]
    return found


@pytest.mark.parametrize("namespace", ["/gate,", "/echo,", ""])
@pytest.mark.parametrize("event", [*RESERVED, 1, None, True, {}, ["a"]])
def test_no_client_sends_an_event_by_a_name_that_is_reserved_or_none(
    raw: Raw, namespace: str, event: Any
) -> None:
    CALLS.clear()
    raw.send(f"40{namespace}", f"42{namespace}7" + json.dumps([event, {"a": 1}]))
    assert problem(raw.until(f"43{namespace}7"))["status"] == 400
    raw.send(f"42{namespace}" + json.dumps([event]), '42/gate,8["echo",1]')
    assert raw.until("43/gate,8") == "43/gate,8[1]"
    assert CALLS == []


@pytest.mark.parametrize("event", ["connect", "disconnect", 1])
def test_nor_with_attachments(raw: Raw, event: Any) -> None:
    CALLS.clear()
    named = json.dumps([event, {"_placeholder": True, "num": 0}])
    raw.send(f"451-/gate,7{named}", b"x", '42/gate,8["echo",1]')
    assert problem(raw.until("43/gate,7"))["status"] == 400
    assert raw.until("43/gate,8") == "43/gate,8[1]"
    assert CALLS == []


def test_an_event_of_a_view_may_not_have_such_a_name() -> None:
    with pytest.raises(ValueError, match="keeps for itself"):
        on("newListener")


@pytest.mark.parametrize(
    "packet",
    [
        f'42/gate,7{{"{SECRET}":',
        f'42/gate,7{{"name":"{SECRET}"}}',
        "42/gate,7[]",
        "42/gate,7[{}]",
        "42/gate,7",
        f"42/gate,7 NaN{SECRET}",
        "42/gate,7" + "[" * 1_000 + f'"{SECRET}"' + "]" * 1_000,
        "42/gate,7" + "[" * 200_000,
        "42/gate,7[" + "[" * 101 + "]" * 101 + "]",
        f'45100000-/gate,7["echo","{SECRET}"]',
        "451-/gate,7[1]",
        f'421-/gate,7["echo","{SECRET}"]',
        f'44/gate,7{{"message":"{SECRET}"}}',
        "49/gate,7",
    ],
)
def test_what_is_no_message_is_answered_where_it_has_an_id(
    raw: Raw, caplog: pytest.LogCaptureFixture, packet: str
) -> None:
    raw.send(packet)
    assert problem(raw.until("43/gate,7"))["status"] == 400
    assert_one_line_without_payload(caplog)


@pytest.mark.parametrize(
    "packet",
    ["4", f"4{SECRET}", "42" + "9" * 101 + f'["{SECRET}"]', "4²", "43/gate,[1]", "43/gate,0[1]"],
)
def test_what_has_no_id_is_a_line_and_nothing_else(
    raw: Raw, caplog: pytest.LogCaptureFixture, packet: str
) -> None:
    raw.send(packet, '42/gate,8["echo",1]')
    assert raw.until("43/gate,8") == "43/gate,8[1]"
    assert_one_line_without_payload(caplog)


@pytest.mark.parametrize(
    ("data", "attachments"),
    [
        ({"_placeholder": True, "num": 7}, 1),
        ({"_placeholder": True, "num": -1}, 1),
        ({"_placeholder": True, "num": "0"}, 1),
        ({"_placeholder": True, "num": {}}, 1),
        ({"_placeholder": True}, 1),
        ([{"_placeholder": True, "num": 0}] * 2, 1),
        (SECRET, 1),
        ({"_placeholder": True, "num": 0}, 2),
    ],
)
def test_attachments_have_to_fit(
    raw: Raw, caplog: pytest.LogCaptureFixture, data: Any, attachments: int
) -> None:
    raw.send(f"45{attachments}-/gate,7" + json.dumps(["echo", data]))
    raw.send(*[SECRET.encode()] * attachments)
    assert problem(raw.until("43/gate,7"))["status"] == 400
    assert_one_line_without_payload(caplog)


def test_attachments_arrive_in_their_places(raw: Raw) -> None:
    places = [{"_placeholder": True, "num": 1}, {"deep": {"_placeholder": True, "num": 0}}]
    raw.send("452-/gate,7" + json.dumps(["echo", places]), b"first", b"second")
    ack = raw.until("462-/gate,7")
    assert json.loads(ack[ack.index("[") :])[0][0] == {"_placeholder": True, "num": 0}
    assert [raw.receive(), raw.receive()] == [b"second", b"first"]


def test_a_text_in_place_of_an_attachment_gives_the_event_up(raw: Raw) -> None:
    raw.send('451-/gate,7["echo",{"_placeholder":true,"num":0}]', '42/gate,8["echo",1]')
    assert "missing" in problem(raw.until("43/gate,7"))["detail"]
    assert raw.until("43/gate,8") == "43/gate,8[1]"


def test_attachments_that_are_too_large_together_end_the_connection(raw: Raw) -> None:
    places = [{"_placeholder": True, "num": number} for number in range(3)]
    raw.send("453-/gate,7" + json.dumps(["echo", *places]), b"x" * 600_000, b"x" * 600_000)
    raw.until_the_end()


def test_who_goes_on_sending_what_is_none_is_dropped(
    raw: Raw, caplog: pytest.LogCaptureFixture
) -> None:
    raw.send(*[f"42/gate,{SECRET}"] * 30)
    raw.until_the_end()
    assert SECRET not in caplog.text
    assert sum("Refused" in line.message for line in caplog.records) <= 2


@pytest.mark.parametrize("packet", ["abc", "", "0", "2", "9", "5x"])
def test_what_is_no_packet_of_engine_io_ends_the_connection(
    raw: Raw, app: Any, packet: str
) -> None:
    raw.send(packet)
    raw.until_the_end()
    wait_until(lambda: not service_of(app).limits.connections())
    assert CALLS == ["connect", "disconnect"]


def test_an_event_for_a_namespace_that_was_not_joined_is_refused(raw: Raw) -> None:
    raw.send('42/other,7["echo"]', '42/other,["echo"]', '43/other,7["echo"]')
    assert problem(raw.until("43/other,7"))["status"] == 403


def test_what_is_sent_along_has_a_bound(raw: Raw) -> None:
    raw.send('40/echo,{"token":"' + "x" * 10_000 + '"}')
    refusal = json.loads(raw.until("44/echo,").removeprefix("44/echo,"))
    assert refusal["data"]["status"] == 413


def test_a_name_of_a_namespace_has_a_bound(raw: Raw) -> None:
    raw.send("40/" + "x" * 10_000)
    assert len(raw.until("44/")) < 1_000


def test_what_is_sent_along_is_kept_for_those_who_are_accepted(raw: Raw, app: Any) -> None:
    (connection,) = service_of(app).limits.connections()
    raw.send("41/gate,", '40/gate,{"how":"refuse","token":"x"}')
    raw.until("44/gate,")
    assert connection.auth == {}
    raw.join({"token": "y"})
    raw.until("40/gate,")
    raw.send('42/gate,7["auth"]')
    assert raw.until("43/gate,7") == '43/gate,7[{"token":"y"}]'
    raw.send("41/gate,", "40")
    raw.until("40")
    assert connection.auth == {"/": None} or connection.auth == {}


@pytest.mark.parametrize("seconds", [0, 0.3])
def test_who_is_accepted_hears_that_first(server: str, app: Any, seconds: float) -> None:
    raw = Raw(server)
    raw.join({"seconds": seconds})
    time.sleep(seconds / 2)
    with app.app_context():
        GateView.registered().broadcast("news", "for all")
    heard = [raw.receive() for _ in range(5 if seconds else 4)]
    assert heard[0].startswith('40/gate,{"sid"')
    assert heard[1:4] == [
        '42/gate,["welcome",{"n":1}]',
        '451-/gate,["welcome",{"_placeholder":true,"num":0}]',
        b"bytes",
    ]
    if seconds:
        assert heard[4] == '42/gate,["news","for all"]'
    raw.socket.close()


def test_who_is_refused_hears_nothing_else(server: str, app: Any) -> None:
    raw = Raw(server)
    raw.join({"seconds": 0.3, "how": "refuse"})
    time.sleep(0.15)
    with app.app_context():
        GateView.registered().broadcast("news", "for all")
    assert raw.receive().startswith("44/gate,")
    raw.send("40")
    assert raw.receive().startswith("40")
    raw.socket.close()


def test_a_client_whose_connection_ends_while_it_is_let_in_leaves(server: str, app: Any) -> None:
    raw = Raw(server)
    raw.join({"seconds": 0.3})
    wait_until(lambda: [connection.namespaces for connection in connections(app)] == [[]])
    time.sleep(0.1)
    for connection in connections(app):
        connection.drop()
    raw.until_the_end()
    assert_it_came_and_left(app)


def test_a_client_that_sends_two_requests_at_once_while_it_is_let_in_leaves(
    server: str, app: Any
) -> None:
    with Poller(server) as first, Poller(server, sid=first.sid) as second:
        asking = Thread(target=first.post, args=('40/gate,{"seconds":0.3}',))
        asking.start()
        time.sleep(0.1)
        with pytest.raises(AssertionError, match="400"):
            second.post("3")
        asking.join()
    assert_it_came_and_left(app)


def connections(app: Any) -> list[Any]:
    found: list[Any] = service_of(app).limits.connections()
    return found


def assert_it_came_and_left(app: Any) -> None:
    wait_until(lambda: CALLS == ["connect", "disconnect"])
    wait_until(lambda: "/gate" not in socketio.server.manager.rooms)
    wait_until(lambda: not connections(app))
    assert not socketio.server.manager.pending_connect
    assert not socketio.server.environ
    assert not any(known.connections for known in service_of(app).limits._addresses.values())


def test_what_waits_for_a_client_has_a_bound(server: str, app: Any) -> None:
    service_of(app).limits.max_unsent = 1_000_000
    raw = Raw(server)
    raw.join({"how": "much", "seconds": 0.1})
    raw.until_the_end()


def test_what_comes_too_late_for_a_client_that_closes_is_dropped() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        late = WebSocket(None)
        late.socket = ours
        late._connection.receive_data(b"\x88\x80\0\0\0\0")
        assert list(late._connection.events())
        late.send(SECRET)
        theirs.setblocking(False)
        with pytest.raises(BlockingIOError):
            theirs.recv(1)


def test_a_fraction_of_a_second_is_announced(app: Any) -> None:
    socketio.server.eio.ping_interval, socketio.server.eio.ping_timeout = 0.3, 0.25
    opened = app.test_client().get("/socket.io/?EIO=4&transport=polling").get_data(as_text=True)
    announced = json.loads(opened[1:])
    assert (announced["pingInterval"], announced["pingTimeout"]) == (300, 250)


def test_headers_that_are_kept_have_a_bound(app: Any) -> None:
    headers = {f"X-{number}": "x" * 4_000 for number in range(10)}
    answer = app.test_client().get("/socket.io/?EIO=4&transport=polling", headers=headers)
    assert (answer.status_code, answer.mimetype) == (431, "application/problem+json")


def test_json_that_is_nested_deeply_is_refused_over_http(client: Any) -> None:
    for depth in (150, 5_000):
        body = "[" * depth + "]" * depth
        answer = client.post("/gate", data=f'{{"a":{body}}}', content_type="application/json")
        assert (answer.status_code, answer.mimetype) == (400, "application/problem+json")


@pytest.mark.parametrize("body", [b"\xff", b"4" + b"\x1e4" * 6_000, b"b!", b"abc", b"2probe", b""])
def test_a_request_without_packets_ends_its_session(app: Any, body: bytes) -> None:
    client = app.test_client()
    opened = client.get("/socket.io/?EIO=4&transport=polling").get_data(as_text=True)
    path = f"/socket.io/?EIO=4&transport=polling&sid={json.loads(opened[1:])['sid']}"
    assert client.post(path, data=body).status_code == 400
    assert client.get(path).status_code == 400
    assert not service_of(app).limits.connections()


def assert_one_line_without_payload(caplog: pytest.LogCaptureFixture) -> None:
    lines = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(lines) <= 1
    assert SECRET not in caplog.text
    assert "Traceback" not in caplog.text
