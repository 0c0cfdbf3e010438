"""Cookies: Flask's own session, in requests and in events."""

from __future__ import annotations

import pytest
from contract_service.flask_view import FlaskView, on
from flask import session
from socketio import SimpleClient


class CartView(FlaskView):
    def post(self, item: str = "") -> None:
        session["items"] = [*session.get("items", ()), item]

    @on("items")
    def index(self) -> list[str]:
        return session.get("items", [])


@pytest.fixture
def views() -> list[type[FlaskView]]:
    return [CartView]


def test_a_session_lasts_from_one_request_to_the_next_and_to_events(client, server) -> None:
    assert client.get("/cart").json == []
    for item in ("tea", "bread"):
        client.post(f"/cart?item={item}")
    assert client.get("/cart").json == ["tea", "bread"]
    cookie = {"Cookie": f"session={client.get_cookie('session').value}"}
    with SimpleClient() as browser:
        browser.connect(server, cookie, namespace="/cart", transports=["websocket"])
        assert browser.call("items") == ["tea", "bread"]


def test_a_session_that_was_changed_is_empty(client) -> None:
    client.post("/cart?item=tea")
    signed = client.get_cookie("session").value
    client.set_cookie("session", f"{signed[:-3]}abc")
    assert client.get("/cart").json == []


def test_a_request_without_a_session_gets_no_cookie(client) -> None:
    assert "Set-Cookie" not in client.get("/cart").headers
