"""Signing in and out, on both transports."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from socketio.exceptions import ConnectionError

from {{ cookiecutter.__package }}.settings import Settings

from .databases import DATABASES, settings_on
from .live import Connect


@pytest.fixture(params=DATABASES)
def settings(request: pytest.FixtureRequest) -> Settings:
    """Return the settings of `app`, for each database."""
    return settings_on(request)


def token_of(client: FlaskClient, name: str) -> str:
    """Sign somebody in."""
    response = client.post("/session", json={"name": name})
    assert response.status_code == 201
    return str(response.get_json()["token"])


def bearer(token: str) -> dict[str, str]:
    """Return the headers of somebody who is signed in."""
    return {"Authorization": f"Bearer {token}"}


def test_a_token_stands_for_a_name(client: FlaskClient) -> None:
    token = token_of(client, "  Ada ")

    response = client.get("/session", headers=bearer(token))

    assert response.get_json()["name"] == "Ada"


@pytest.mark.parametrize("name", ["", "  ", "x" * 41, "a\nb", "a\0b"])
def test_a_name_has_rules(client: FlaskClient, name: str) -> None:
    response = client.post("/session", json={"name": name})

    assert response.status_code == 422


def test_the_same_token_is_the_same_person_on_both_transports(
    client: FlaskClient, connect: Connect
) -> None:
    token = token_of(client, "Ada")
    ada = connect("/chat", auth={"token": token})

    (here,) = ada.call("join", "lobby")["people"]

    assert here["id"] == client.get("/session", headers=bearer(token)).get_json()["id"]


@pytest.mark.parametrize("auth", [None, {}, {"token": None}, {"token": "x.y.z"}, "token"])
def test_nobody_connects_without_a_token(connect: Connect, auth: object) -> None:
    with pytest.raises(ConnectionError) as refused:
        connect("/chat", auth=auth)

    assert refused.value.args[0]["data"]["status"] == 401


@pytest.mark.parametrize("path", ["/session", "/chat", "/chat/lobby/messages"])
def test_nothing_is_answered_without_a_token(client: FlaskClient, path: str) -> None:
    response = client.get(path, headers=bearer("x.y.z"))

    assert response.status_code == 401
    assert response.headers["WWW-Authenticate"].startswith("Bearer")


def test_signing_out_reaches_the_clients(client: FlaskClient, connect: Connect) -> None:
    token = token_of(client, "Ada")
    ada, again = (connect("/chat", auth={"token": token}) for _ in range(2))

    response = client.delete("/session", headers=bearer(token))

    assert response.status_code == 204
    for socket in (ada, again):
        assert socket.expect("session.ended") == {"reason": "signed out"}
        socket.expect("disconnect")


def test_a_token_is_worth_nothing_after_signing_out(client: FlaskClient, connect: Connect) -> None:
    token = token_of(client, "Ada")
    client.delete("/session", headers=bearer(token))

    assert client.get("/session", headers=bearer(token)).status_code == 401
    with pytest.raises(ConnectionError):
        connect("/chat", auth={"token": token})


def test_signing_out_leaves_the_others_alone(client: FlaskClient, connect: Connect) -> None:
    token = token_of(client, "Ada")
    bob = connect("/chat", auth={"token": token_of(client, "Bob")})

    client.delete("/session", headers=bearer(token))

    bob.refute("session.ended")
    assert "people" in bob.call("join", "lobby")


def test_a_session_expires(app: Flask, client: FlaskClient, connect: Connect) -> None:
    app.config["SESSION_SECONDS"] = 1
    token = token_of(client, "Ada")
    ada = connect("/chat", auth={"token": token})

    assert ada.expect("session.ended", timeout=5) == {"reason": "expired"}
    ada.expect("disconnect")
    assert client.get("/session", headers=bearer(token)).status_code == 401
