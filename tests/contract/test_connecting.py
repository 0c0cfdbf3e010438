"""Connecting: a client is accepted or refused, once, and always told."""

from __future__ import annotations

from typing import Any

import pytest
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView
from flask import abort
from flask_socketio import ConnectionRefusedError
from pydantic import BaseModel

from .conftest import wait_until

CALLS: list[Any] = []


class Login(BaseModel):
    token: str


class DoorView(FlaskView):
    def socket_connect(self, auth):
        CALLS.append(auth)
        match (auth or {}).get("how"):
            case "reason":
                raise ConnectionRefusedError("the door is closed")
            case "abort":
                abort(401, "Sign in first")
            case "false":
                return False
            case "type-error":
                return len(5)
            case "crash":
                return auth["token"]
        return None

    def socket_disconnect(self, reason):
        CALLS.append(reason)
        raise TypeError("in disconnect")

    def socket_ping(self):
        return "pong"


class TypedView(FlaskView):
    def socket_connect(self, auth: Login):
        CALLS.append(auth)


class SilentView(FlaskView):
    def socket_connect(self):
        CALLS.append("connected")

    def socket_disconnect(self):
        CALLS.append("disconnected")


@pytest.fixture
def views() -> list[type[FlaskView]]:
    CALLS.clear()
    return [DoorView, TypedView, SilentView]


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ("reason", "the door is closed"),
        ("abort", "Sign in first"),
        ("false", "refused"),
        ("type-error", "internal error"),
        ("crash", "internal error"),
    ],
)
def test_a_refused_client_is_told_why_once_and_leaves_nothing_behind(connect, how, reason) -> None:
    with pytest.raises(Exception, match=reason):
        connect("/door", auth={"how": how})
    assert len(CALLS) == 1
    assert not socketio.server.manager.rooms.get("/door")


def test_a_crash_without_auth_runs_once_too(connect) -> None:
    connect("/door")
    assert CALLS == [None]


def test_disconnect_runs_once_even_when_it_raises(connect) -> None:
    connect("/door").disconnect()
    wait_until(lambda: len(CALLS) > 1)
    assert CALLS == [None, "client disconnect"]


def test_auth_is_validated_like_any_argument(connect) -> None:
    with pytest.raises(Exception, match=r"auth\.token: Field required"):
        connect("/typed", auth={"tok": 1})
    connect("/typed", auth={"token": "x"})
    assert [Login(token="x")] == CALLS


def test_handlers_without_parameters_are_called_without(connect) -> None:
    connect("/silent").disconnect()
    wait_until(lambda: len(CALLS) > 1)
    assert CALLS == ["connected", "disconnected"]
