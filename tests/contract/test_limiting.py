"""Limiting: how often methods may be called, over both transports together."""

from __future__ import annotations

import time
from typing import Any

import pytest
from contract_service.app import create_app
from contract_service.contract import asyncapi, openapi
from contract_service.contract.reading import contract_of
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView, RegistrationError, limit, on, route
from contract_service.flask_view.handling.limiting import WINDOWS, Windows
from contract_service.serving.layers import surround
from contract_service.settings import Settings
from flask import Blueprint, Flask, g, request
from flask.views import View

HERE, THERE = "192.0.2.7", "192.0.2.8"
PROBLEM = {"type": "about:blank", "title": "Too Many Requests", "status": 429}


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = time.monotonic()

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("contract_service.flask_view.handling.limiting.time.monotonic", clock)
    return clock


def key() -> str | None:
    return request.headers.get("X-Key")


class LimitsView(FlaskView):
    """Answers at /limits; whoever says so is a user."""

    def authorize(self, action: str) -> None:
        if action != "connect":
            g.user = request.headers.get("X-User")
        if request.headers.get("X-Banned"):
            raise PermissionError

    @route(methods=["GET"])
    def free(self) -> str:
        return "free"

    @limit("2/second")
    @route("both/<int:number>", methods=["GET"])
    @on("both")
    def both(self, number: int) -> int:
        return number

    @route(methods=["GET"])
    @on("other")
    @limit("3/10 seconds", "5/minute")
    def several(self) -> str:
        return "several"

    @limit("1/minute", by="address")
    @route(methods=["GET"])
    def address(self) -> str:
        return "address"

    @route(methods=["GET"])
    @limit("1/minute", by=key)
    @limit("3/minute", by="address")
    def keyed(self) -> str:
        return "keyed"

    @limit("2/minute")
    def socket_only(self, number: int) -> int:
        return number


class _BaseView(FlaskView):
    @limit("1/minute")
    def index(self) -> str:
        return "base"


class AsIsView(_BaseView):
    """Answers at /asis, with the limit of its base."""


class OverriddenView(_BaseView):
    """Answers at /overridden, with the limit of its base."""

    def index(self) -> str:
        return "mine"


class LooserView(_BaseView):
    """Answers at /looser, with a limit of its own."""

    @limit("2/minute")
    def index(self) -> str:
        return "looser"


class WholeView(FlaskView):
    """Answers at /whole, with a budget for all of its methods."""

    limits = ("3/minute",)

    def index(self) -> str:
        return "index"

    @limit("1/second")
    @on("say")
    def say(self) -> str:
        return "said"

    def socket_connect(self) -> None:
        """Come."""

    def socket_disconnect(self) -> None:
        """Go."""


class DoorView(FlaskView):
    """Lets in one client a minute."""

    @limit("1/minute", by="address")
    def socket_connect(self, auth: dict[str, int]) -> None:
        """Come."""


@pytest.fixture
def views() -> list[type[FlaskView]]:
    return [LimitsView, AsIsView, OverriddenView, LooserView, WholeView, DoorView]


def get(app: Flask, path: str, address: str = HERE, **headers: str) -> Any:
    return app.test_client().get(
        path, environ_overrides={"REMOTE_ADDR": address}, headers=headers
    )


def statuses(app: Flask, path: str, count: int, address: str = HERE, **headers: str) -> list[int]:
    return [get(app, path, address, **headers).status_code for _ in range(count)]


def test_one_too_many_is_refused_and_told_when_to_come_again(app: Flask, clock: Clock) -> None:
    assert statuses(app, "/limits/both/1", 2) == [200, 200]
    refused = get(app, "/limits/both/1")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "1"
    assert refused.get_json() == PROBLEM | {
        "detail": "Too many: at most 2 per second, by user. Try again in 1 s.",
        "retry_after": 1,
    }


def test_who_comes_again_when_told_is_let_in_and_not_before(app: Flask, clock: Clock) -> None:
    for second in (0, 3, 4):
        clock.now += second
        assert get(app, "/limits/several").status_code == 200
    clock.now += 0.5
    assert get(app, "/limits/several").get_json()["retry_after"] == 3
    clock.now += 2.49
    assert get(app, "/limits/several").get_json()["retry_after"] == 1
    clock.now += 0.01
    assert statuses(app, "/limits/several", 2) == [200, 429]


def test_no_part_of_time_of_that_length_sees_more(app: Flask, clock: Clock) -> None:
    let_in = []
    for _ in range(400):
        if get(app, "/limits/both/1").status_code == 200:
            let_in.append(clock.now)
        clock.now += 0.07
    assert len(let_in) > 50
    assert all(later - first >= 1 for first, later in zip(let_in, let_in[2:], strict=False))


def test_a_call_that_one_limit_refuses_does_not_use_up_another(app: Flask, clock: Clock) -> None:
    assert statuses(app, "/limits/several", 9) == [200] * 3 + [429] * 6
    clock.now += 10
    assert statuses(app, "/limits/several", 3) == [200, 200, 429]
    assert get(app, "/limits/several").get_json()["retry_after"] == 50
