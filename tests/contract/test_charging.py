"""Charging: one budget for both transports, of the user where a view names one."""

from __future__ import annotations

from typing import Any

import pytest
from contract_service.app import create_app
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView, on, route
from contract_service.serving.connections.budget import Budget, client_network
from contract_service.serving.service import service_of
from contract_service.settings import Settings
from flask import Flask, g

from .conftest import Clock

ELSEWHERE = {"REMOTE_ADDR": "192.0.2.7"}


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("contract_service.serving.connections.budget.time.monotonic", clock)
    return clock


class PriceView(FlaskView):
    """What costs more than others; whoever says so is a user."""

    def authorize(self, action: str) -> None:
        if action in ("mine", "connect"):
            g.user = "ada"

    def index(self) -> str:
        return "served"

    @route(methods=["GET"])
    @on("mine")
    def mine(self) -> str:
        return "mine"

    @route(methods=["GET"])
    @on("dear")
    def dear(self) -> str:
        self.charge(9)
        return "served"


@pytest.fixture
def views() -> list[type[FlaskView]]:
    return [PriceView]


@pytest.fixture
def settings() -> Settings:
    return Settings.load().model_copy(
        update={"max_events_per_second": 1.0, "address_events_factor": 2}
    )


def statuses(app: Flask, path: str, count: int, address: str = "192.0.2.7") -> list[int]:
    client = app.test_client()
    environ = {"REMOTE_ADDR": address}
    return [client.get(path, environ_overrides=environ).status_code for _ in range(count)]


def test_an_address_has_a_burst_and_then_a_rate(app: Flask, clock: Clock) -> None:
    assert statuses(app, "/price", 21) == [200] * 20 + [429]
    clock.now += 1
    assert statuses(app, "/price", 3) == [200, 200, 429]


def test_another_address_is_not_touched(app: Flask, clock: Clock) -> None:
    statuses(app, "/price", 21)
    assert statuses(app, "/price", 1, "192.0.2.8") == [200]


def test_this_machine_is_not_bound_in_development(app: Flask, clock: Clock) -> None:
    for address in ("127.0.0.1", "::1"):
        assert statuses(app, "/price", 30, address) == [200] * 30


def test_a_refusal_says_when_to_come_again(app: Flask, clock: Clock) -> None:
    statuses(app, "/price", 20)
    refused = app.test_client().get("/price", environ_overrides=ELSEWHERE)
    assert refused.headers["Retry-After"] == "1"
    assert refused.mimetype == "application/problem+json"
    assert refused.get_json()["retry_after"] == 1


def test_a_large_body_costs_more(app: Flask, clock: Clock) -> None:
    body = b"x" * 900_000
    client = app.test_client()
    assert client.post("/price", data=body, environ_overrides=ELSEWHERE).status_code == 405
    assert statuses(app, "/price", 7) == [200] * 6 + [429]


def test_a_user_has_one_budget_wherever_the_requests_come_from(app: Flask, clock: Clock) -> None:
    assert statuses(app, "/price/mine", 6) == [200] * 6
    assert statuses(app, "/price/mine", 5, "192.0.2.8") == [200] * 4 + [429]


def test_what_is_dear_costs_as_many_requests(app: Flask, clock: Clock) -> None:
    assert statuses(app, "/price/dear", 3) == [200, 200, 429]


def test_a_full_budget_is_enough_for_anything(app: Flask, clock: Clock) -> None:
    small, charged = Budget(0.1), Budget(1.0)
    small.take(100)
    assert small.tokens == 0
    charged.charge(100)
    assert charged.tokens == 5


def test_events_and_requests_of_a_user_share_a_budget(
    app: Flask, connect: Any, clock: Clock
) -> None:
    client = connect("/price")
    # A handshake and a connect are packets before anybody is named.
    assert [client.call("mine") for _ in range(5)] == ["mine"] * 5
    assert statuses(app, "/price/mine", 6) == [200] * 5 + [429]
    assert client.call("dear")["error"]["status"] == 429


def test_a_budget_hears_what_others_spent(clock: Clock) -> None:
    here, there = Budget(1.0), Budget(1.0)
    here.take(3)
    there.take(4)
    here.merge(3, here.pop_unshared())
    there.merge(7, there.pop_unshared())
    assert (here.tokens, there.tokens) == (7, 3)
    here.merge(7 + 0, here.pop_unshared())
    assert here.tokens == 3


def test_a_counter_that_begins_anew_is_no_gift(clock: Clock) -> None:
    budget = Budget(1.0)
    budget.merge(9, 0)
    budget.take(1)
    budget.merge(1, budget.pop_unshared())
    assert budget.tokens == 0


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("::1", "::1"),
        ("", ""),
    ],
)
def test_a_network_of_one_customer_is_one_address(address: str, name: str) -> None:
    assert client_network(address) == name


def test_who_is_gone_is_forgotten(app: Flask, clock: Clock) -> None:
    limits = service_of(app).limits
    statuses(app, "/price/mine", 1)
    limits.sweep()
    assert limits._users
    clock.now += 10
    limits.sweep()
    assert not limits._users
    assert not limits._addresses


def test_two_services_share_what_an_address_may_send(settings: Settings, clock: Clock) -> None:
    counters: dict[str, int] = {}

    def add(amounts: dict[str, int], seconds: int) -> dict[str, int]:
        for name, amount in amounts.items():
            counters[name] = counters.get(name, 0) + amount
        return {name: counters[name] for name in amounts}

    apps = []
    for _ in range(2):
        app = create_app(settings)
        PriceView.register(app, socket=socketio)
        apps.append(app)
    for app in apps:
        statuses(app, "/price", 15)
    for app in apps:
        service_of(app).limits.share_once(add)
    assert statuses(apps[1], "/price", 1) == [429]
