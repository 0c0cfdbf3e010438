"""The helpers of a service's tests: they see what is there, and fail for what is not."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass
from uuid import UUID

import pytest
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView, Problem, on, route
from contract_service.settings import Settings
from flask import request
from pydantic import BaseModel, field_serializer

from .conftest import sid_of, wait_until

NAME = 'a b/ü?%&"'
ONE = UUID(int=1)


@dataclass
class Heard:
    text: str
    author: dict[str, str]


class Price(BaseModel):
    """Writes itself in a way that it would not read."""

    cents: int

    @field_serializer("cents")
    def _in_words(self, cents: int) -> str:
        return f"{cents} cents"


class Note(BaseModel):
    text: str
    number: int = 0


class WallView(FlaskView):
    sends = {"heard": Heard, "moved": tuple[int, int], "quiet": None, "sold": Price}  # noqa: RUF012

    def __init__(self) -> None:
        self.calls = 0
        self.left: list[str] = []

    @route("<path:name>/notes", methods=["POST"])
    @on("note")
    def note(
        self,
        name: str,
        note: Note | None = None,
        tags: list[str] = (),
        exact: bool = False,
        since: int | None = None,
    ) -> list[object]:
        return [name, note, tags, exact, since]

    @on("nothing")
    def delete(self) -> None:
        pass

    @route("empty")
    @on("empty")
    def empty(self) -> str:
        return ""

    @route("raw")
    @on("raw")
    def raw(self) -> dict[str, bytes]:
        return {"raw": b"\xff"}

    @route("fail/<kind>")
    @on("fail")
    def fail(self, kind: str) -> None:
        if kind == "taken":
            raise Problem(409, "The name is taken", name=kind)
        raise RuntimeError(kind)

    @route("count")
    @on("count")
    def count(self) -> int:
        self.calls += 1
        return self.calls

    @route("shy")
    @on("shy")
    def shy(self) -> str:
        if hasattr(request, "sid"):
            return "hello"
        raise Problem(403, "Not by a request")

    @route("who")
    @on("who")
    def who(self) -> str | None:
        token = (self.auth or {}).get("token") if hasattr(request, "sid") else None
        return f"Bearer {token}" if token else request.headers.get("Authorization")

    def socket_wave(self) -> None:
        self.calls += 1

    @route("say/<text>", methods=["POST"])
    @on("say")
    def say(self, text: str) -> None:
        self.broadcast("heard", Heard(text, {"name": "Ada", "id": str(ONE)}))

    @route("later", methods=["POST"])
    def later(self) -> None:
        self.spawn(lambda: (time.sleep(0.1), self.broadcast("quiet")))

    @route("move", methods=["POST"])
    def move(self) -> None:
        self.emit("moved", (1, 2), to=["red", "blue"], skip="me")

    @route("sell", methods=["POST"])
    def sell(self) -> None:
        self.broadcast("sold", Price(cents=5))

    def socket_connect(self, auth: dict[str, str] | None) -> None:
        if auth and "refuse" in auth:
            raise {"loudly": Problem(403, "Not today"), "quietly": ConnectionRefusedError("No")}[
                auth["refuse"]
            ]

    def socket_disconnect(self, reason: str) -> None:
        self.left.append(reason)


class ShoutView(FlaskView):
    """Says nothing about what it sends, in a namespace with a view that does."""

    namespace = "/shared"
    socket_shout = WallView.socket_wave


class WhisperView(FlaskView):
    namespace = "/shared"
    sends = {"whispered": str}  # noqa: RUF012

    def socket_whisper(self) -> None:
        self.broadcast("whispered", "psst")


class OtherView(WhisperView):
    """Promises something else in the namespace of the wall."""

    namespace = "/wall"
    sends = {"painted": str}  # noqa: RUF012


@pytest.fixture
def views() -> list[type[FlaskView]]:
    return [WallView, ShoutView, WhisperView, OtherView]


@pytest.fixture
def wall(app) -> WallView:
    with app.app_context():
        return WallView.registered()


@pytest.mark.parametrize(
    ("arguments", "answer"),
    [
        ((NAME,), [NAME, None, [], False, None]),
        ((NAME, {"text": "x"}), [NAME, {"text": "x", "number": 0}, [], False, None]),
        (("a", None, ["b c", "&d"], True, 7), ["a", None, ["b c", "&d"], True, 7]),
        (("a", None, [], False, None), ["a", None, [], False, None]),
    ],
)
def test_a_method_answers_an_event_and_its_request_alike(connect, arguments, answer) -> None:
    assert connect("/wall").answer("note", *arguments) == answer


@pytest.mark.parametrize(("event", "answer"), [("nothing", None), ("empty", "")])
def test_no_body_is_an_empty_ack(connect, event: str, answer: str | None) -> None:
    assert connect("/wall").answer(event) == answer


def test_bytes_are_a_text_in_a_response(connect) -> None:
    assert connect("/wall").answer("raw") == {"raw": b"\xff"}


def test_problems_agree_but_for_the_id_of_a_crash(connect) -> None:
    client = connect("/wall")
    assert client.answer("fail", "taken")["error"]["name"] == "taken"
    assert client.answer("fail", "badly")["error"]["id"]
    assert client.answer("note", "a", {"text": 7})["error"]["errors"][0]["path"] == ["note", "text"]


@pytest.mark.parametrize(
    ("event", "shown"),
    [("count", r"ack: 1\n  200: 2"), ("shy", r"ack: 'hello'\n  403: {")],
)
def test_answers_that_differ_fail(connect, event: str, shown: str) -> None:
    with pytest.raises(AssertionError, match=f"'{event}' and GET /wall/{event} .*\n.*{shown}"):
        connect("/wall").answer(event)


def test_a_problem_with_another_status_than_its_response_fails(app, connect) -> None:
    app.after_request(lambda response: setattr(response, "status_code", 418) or response)
    with pytest.raises(AssertionError, match=r"ack: .*409.*\n  418: .*409"):
        connect("/wall").answer("fail", "taken")


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (["wave"], "'wave' of /wall has no route: socket_wave answers no request"),
        (["dance"], "No view answers 'dance' in /wall"),
        (["count", 1], "'count' of /wall has more arguments"),
        (["note"], "cannot be said by a request: POST /wall/{name}/notes"),
        (["note", ""], "cannot be said by a request: POST /wall/{name}/notes"),
    ],
)
def test_what_no_request_can_say_is_not_even_sent(connect, wall, call: list, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        connect("/wall").answer(*call)
    assert wall.calls == 0


@pytest.mark.parametrize(
    "known",
    [
        {"auth": {"token": "x"}},
        {"headers": {"Authorization": "Bearer x"}},
        {"headers": {"Authorization": "Bearer x"}, "transports": ["polling"]},
    ],
)
def test_who_a_client_is_serves_its_requests_too(connect, known: dict) -> None:
    client = connect("/wall", **known)
    assert client.answer("who") == "Bearer x"
    client.reconnect()
    assert client.answer("who") == "Bearer x"


def test_headers_come_before_the_token(connect) -> None:
    client = connect("/wall", auth={"token": "x"}, headers={"Authorization": "Bearer y"})
    with pytest.raises(AssertionError, match="ack: 'Bearer x'\n  200: 'Bearer y'"):
        client.answer("who")


def test_an_event_is_expected_by_what_it_carries(connect) -> None:
    client = connect("/wall")
    for text in ("one", "two", "two"):
        client.call("say", text)
    ada = {"name": "Ada", "id": ONE}
    assert client.expect("heard", text="two", author=ada)["text"] == "two"
    assert [client.expect("heard")["text"] for _ in range(2)] == ["one", "two"]


@pytest.mark.parametrize("members", [{"text": "two"}, {"author": {"name": "Ada"}}, {"name": None}])
def test_an_event_that_carries_something_else_is_not_expected(connect, members: dict) -> None:
    client = connect("/wall")
    client.call("say", "one")
    (name,) = members
    with pytest.raises(AssertionError, match=f"No 'heard' with {name}=.*\n  'heard': .*one"):
        client.expect("heard", timeout=0.1, **members)
    client.refute("heard", within=0.1, **members)
    assert client.expect("heard")


def test_an_event_is_refuted_by_what_it_carries(connect) -> None:
    client = connect("/wall")
    client.call("say", "one")
    client.call("say", "two")
    with pytest.raises(AssertionError, match=r"'heard' came, with .*two.*\n  'heard': .*one"):
        client.refute("heard", text="two")


def test_what_a_view_sends_is_seen_without_a_client(client, sent) -> None:
    client.post("/wall/say/hi")
    author = {"name": "Ada", "id": str(ONE)}
    assert sent == [("/wall", "heard", {"text": "hi", "author": author}, None, None)]
    assert sent.one("heard", text="hi", author={"name": "Ada", "id": ONE}) is sent[0]


def test_it_is_seen_to_whom_something_is_sent(client, sent) -> None:
    client.post("/wall/move")
    record = sent.one("moved")
    assert (record.data, record.to, record.skip) == ((1, 2), ["red", "blue"], "me")


def test_what_is_sent_in_the_background_or_by_the_library_is_seen(client, sent) -> None:
    client.post("/wall/later")
    assert sent.one("quiet").data is None
    socketio.emit("moved", [ONE], namespace="/wall", to="red")
    assert sent.one("moved")[2:4] == ([str(ONE)], "red")


def test_what_is_recorded_is_sent_all_the_same(connect, sent) -> None:
    client = connect("/wall")
    client.call("say", "hi")
    assert client.expect("heard") == sent.one("heard", text="hi").data


def test_what_is_not_sent_once_is_not_one(client, sent) -> None:
    with pytest.raises(AssertionError, match=r"'heard' was sent not within 0.1 s.*sent: nothing"):
        sent.one("heard", timeout=0.1)
    client.post("/wall/say/one")
    client.post("/wall/say/two")
    with pytest.raises(AssertionError, match=r"text='three' was sent not(.|\n)*one(.|\n)*two"):
        sent.one("heard", timeout=0.1, text="three")
    with pytest.raises(AssertionError, match="'heard' was sent 2 times"):
        sent.one("heard")


def test_a_refused_client_gets_a_problem(refused) -> None:
    assert refused("/wall", auth={"refuse": "loudly"})["detail"] == "Not today"
    assert refused("/nowhere", transports=["polling"])["status"] == 404


def test_a_client_that_is_let_in_or_gets_no_problem_is_not_refused(refused, wall) -> None:
    with pytest.raises(AssertionError, match="/wall let a client in"):
        refused("/wall")
    wait_until(lambda: wall.left)
    with pytest.raises(AssertionError, match=r"/wall refused without a problem: .*No"):
        refused("/wall", auth={"refuse": "quietly"})


class TestCut:
    @pytest.fixture
    def settings(self) -> Settings:
        # The server finds out by itself that nobody polls any more.
        return Settings.load().model_copy(update={"ping_interval": 0.3, "ping_timeout": 0.3})

    @pytest.mark.parametrize("transports", [["websocket"], ["polling"], ["polling", "websocket"]])
    def test_a_client_says_no_goodbye_and_comes_back(self, connect, wall, transports) -> None:
        client = connect("/wall", auth={"token": "x"}, transports=transports)
        client.call("say", "hi")
        before = sid_of(client)

        client.cut()
        wait_until(lambda: wall.left)
        client.reconnect()

        assert wall.left[0] not in ("client disconnect", "server disconnect")
        assert sid_of(client) != before
        assert client.call("who") == "Bearer x"
        client.call("say", "again")
        assert [client.expect("heard")["text"] for _ in range(2)] == ["hi", "again"]
        client.refute("disconnect")


@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_client_is_cut_in_the_middle_of_its_waiting(connect, transport: str) -> None:
    client = connect("/wall", transports=[transport])
    client.cut()
    assert not client._client.connected


def test_a_client_that_reconnects_leaves_first(connect, wall) -> None:
    client = connect("/wall")
    client.reconnect()
    wait_until(lambda: wall.left)
    assert wall.left == ["client disconnect"]
    assert client.call("wave") is None


WRONG = [
    ("cried", "wolf", "'cried' came in /wall, .*'wolf'\n  WallView: its `sends` declares 'heard'"),
    ("heard", {"text": "hi"}, "{'text': 'hi'}\n  WallView: not as .* 0.author: Field required"),
    ("moved", (1, "2"), r"\(1, '2'\)\n  WallView: not as .* 1: Input should be a valid integer"),
    ("quiet", 1, "WallView: not as .*\n  OtherView: its `sends` declares 'painted'"),
    ("sold", {"cents": "5 dollars"}, "WallView: not as"),
]


@pytest.mark.parametrize(("event", "payload", "why"), WRONG)
def test_what_arrives_against_the_promises_fails(connect, event, payload, why) -> None:
    client = connect("/wall")
    socketio.emit(event, payload, namespace="/wall")
    with pytest.raises(AssertionError, match=why):
        client.expect(event)


@pytest.mark.parametrize("way", ["refute", "call"])
def test_what_arrives_against_the_promises_fails_once(connect, way: str) -> None:
    client = connect("/wall")
    socketio.emit("cried", "wolf", namespace="/wall")
    wait_until(lambda: client._arrived)
    with pytest.raises(AssertionError, match="'cried' came in /wall"):
        getattr(client, way)("wave")
    assert client.expect("cried") == "wolf"


def test_what_arrives_against_the_promises_ends_the_wait_for_something_else(connect) -> None:
    client = connect("/wall")
    socketio.start_background_task(lambda: (time.sleep(0.1), socketio.emit("x", namespace="/wall")))
    started = time.monotonic()
    with pytest.raises(AssertionError, match="'x' came in /wall"):
        client.expect("heard", timeout=5)
    assert time.monotonic() - started < 4


def test_what_arrives_as_it_is_promised_passes(client, connect) -> None:
    one = connect("/wall")
    socketio.emit("moved", (1, 2), namespace="/wall")
    socketio.emit("quiet", namespace="/wall")
    socketio.emit("painted", "red", namespace="/wall")
    client.post("/wall/sell")
    assert [one.expect(event) for event in ("moved", "quiet", "painted")] == [(1, 2), None, "red"]
    assert one.expect("sold") == {"cents": "5 cents"}


def test_where_a_view_promises_nothing_anything_may_arrive(connect) -> None:
    client = connect("/shared")
    socketio.emit("cried", "wolf", namespace="/shared")
    assert client.expect("cried") == "wolf"


def test_what_arrives_against_the_promises_fails_at_the_end_at_the_latest() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "tests/contract/at_the_end.py"],
        env=os.environ,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert "1 passed, 1 error" in done.stdout, done.stdout + done.stderr
    assert "'cried' came in /echo" in done.stdout
