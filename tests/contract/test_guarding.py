"""Guarding: one method in front of requests, events and the connect."""

from __future__ import annotations

from typing import Any

import pytest
from contract_service.flask_view import FlaskView, on, route
from flask import abort, request

ASKED: list[str] = []


class OpenView(FlaskView):
    @route("enter", methods=["POST"])
    @on("enter")
    def enter(self) -> str:
        return "entered"


class GuardedView(OpenView):
    def authorize(self, action: str) -> None:
        ASKED.append(action)
        if request.headers.get("Authorization") != "Bearer good" and action != allowed[0]:
            abort(401, "Sign in first")


allowed = [""]


@pytest.fixture
def views() -> list[type[FlaskView]]:
    ASKED.clear()
    allowed[0] = ""
    return [OpenView, GuardedView]


def test_requests_events_and_connects_are_guarded(client, connect) -> None:
    assert client.post("/guarded/enter").json["status"] == 401
    with pytest.raises(Exception, match="Sign in first"):
        connect("/guarded")
    allowed[0] = "connect"
    guarded = connect("/guarded")
    assert guarded.call("enter")["error"]["status"] == 401
    assert ASKED == ["enter", "connect", "connect", "enter"]


def test_who_is_allowed_gets_through(client) -> None:
    good: Any = {"Authorization": "Bearer good"}
    assert client.post("/guarded/enter", headers=good).text == "entered"


def test_without_the_guard_everything_is_open(client, connect) -> None:
    assert client.post("/open/enter").text == "entered"
    assert connect("/open").call("enter") == "entered"
