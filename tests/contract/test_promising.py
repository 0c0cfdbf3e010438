"""Promising: what a view sends by itself is what its ``sends`` says, or it is an error."""

from __future__ import annotations

import datetime
import logging
from dataclasses import dataclass
from typing import Annotated, Any

import pytest
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView, PromiseError, RegistrationError, on, route
from contract_service.settings import Settings
from flask import Flask, request
from pydantic import BaseModel, Field, field_serializer

from .conftest import wait_until


@dataclass
class Move:
    player: int
    at: datetime.datetime


class Score(BaseModel):
    points: int = Field(alias="scorePoints")
    at: datetime.datetime

    @field_serializer("at")
    def in_seconds(self, at: datetime.datetime) -> float:
        return at.timestamp()


AT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
SCORE = Score(scorePoints=3, at=AT)
PAYLOADS = {
    "move": Move(1, AT),
    "text": "hi",
    "pair": (1, "a"),
    "empty": None,
    "many": [Move(1, AT), {"player": 2, "at": "2026-01-01T00:00:00Z"}],
    "score": SCORE,
    "counts": {"a": 1},
}
WRONG = {
    "move": {"player": "1", "at": AT},
    "text": 7,
    "pair": (1,),
    "empty": "something",
    "many": Move(1, AT),
    "score": {"scorePoints": 3},
    "counts": {"a": "1"},
}


class GameView(FlaskView):
    sends = {  # noqa: RUF012
        "move": Move,
        "text": Annotated[str, Field(max_length=5)],
        "pair": tuple[int, str],
        "empty": None,
        "many": list[Move],
        "score": Score,
        "counts": dict[str, int],
    }

    @route("send/<event>", methods=["POST"])
    @on("send")
    def send(self, event: str, wrong: bool = False) -> None:
        data: Any = (WRONG if wrong else PAYLOADS).get(event)
        self.broadcast(event, data)

    def socket_tell(self, event: str) -> None:
        self.emit(event, PAYLOADS[event], to=request.sid)

    def socket_later(self) -> None:
        self.spawn(self.broadcast, "nothing")


class FreeView(FlaskView):
    def socket_send(self, event: str) -> None:
        self.broadcast(event, {"any": "thing"})


@pytest.fixture
def views() -> list[type[FlaskView]]:
    return [GameView, FreeView]


@pytest.mark.parametrize("event", PAYLOADS)
def test_what_is_declared_is_sent(connect, event):
    player = connect("/game")

    assert player.call("tell", event) is None

    player.expect(event)


@pytest.mark.parametrize("event", WRONG)
def test_what_is_of_another_type_is_an_error(app: Flask, connect, event):
    player = connect("/game")

    answer = player.call("send", event, True)

    assert answer["error"]["status"] == 500
    player.refute(event)


def test_the_error_names_the_view_the_event_and_what_is_wrong(app: Flask):
    with app.app_context(), pytest.raises(PromiseError) as broken:
        GameView.registered().broadcast("move", {"player": "1", "at": AT})

    said = str(broken.value)
    assert "GameView" in said
    assert "'move'" in said
    assert "player: Input should be a valid integer" in said


def test_what_is_not_declared_is_an_error_that_names_what_is(app: Flask):
    with app.app_context(), pytest.raises(PromiseError, match=r"GameView sends 'mvoe'.*'move', "):
        GameView.registered().emit("mvoe", PAYLOADS["move"], to="somewhere")


def test_a_request_that_breaks_a_promise_fails(client):
    assert client.post("/game/send/text?wrong=1").status_code == 500
    assert client.post("/game/send/text").status_code == 204


def test_a_task_that_breaks_a_promise_is_logged(connect, caplog):
    connect("/game").call("later")

    wait_until(lambda: "GameView sends 'nothing'" in caplog.text)


def test_a_view_that_declares_nothing_may_send_anything(connect):
    free = connect("/free")

    free.call("send", "whatever")

    assert free.expect("whatever") == {"any": "thing"}


def test_a_model_goes_out_by_its_aliases_and_its_own_serializers(connect):
    player = connect("/game")
    player.call("tell", "score")

    assert player.expect("score") == {"scorePoints": 3, "at": AT.timestamp()}


class TestInProduction:
    @pytest.fixture
    def settings(self, monkeypatch) -> Settings:
        monkeypatch.setenv("ENVIRONMENT", "production")
        monkeypatch.setenv("SECRET_KEY", "s" * 32)
        return Settings.load()

    @pytest.mark.parametrize(("event", "wrong"), [("text", True), ("mvoe", False)])
    def test_a_broken_promise_is_logged_and_sent(self, connect, caplog, event, wrong):
        player = connect("/game")

        with pytest.raises(AssertionError, match=f"{event!r} came in /game"):
            player.call("send", event, wrong)

        player.expect(event)
        errors = [line for line in caplog.records if line.levelno == logging.ERROR]
        assert f"GameView sends {event!r}" in errors[0].getMessage()


@pytest.mark.parametrize(
    ("sends", "said"),
    [
        ({"connect": str}, "keeps for itself"),
        ({"move": "Move"}, "is no type of a payload"),
        (lambda self: None, "has to map events to types"),
    ],
)
def test_what_nobody_could_send_is_refused_at_registration(app: Flask, sends, said):
    class OddView(FlaskView):
        pass

    OddView.sends = sends
    before = len(list(app.url_map.iter_rules()))

    with pytest.raises(RegistrationError, match=said):
        OddView.register(app, socket=socketio)

    assert len(list(app.url_map.iter_rules())) == before
