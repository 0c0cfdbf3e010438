"""Signing in and out, on both transports."""

from datetime import timedelta
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from {{ cookiecutter.__package }}.chat import clients
from {{ cookiecutter.__package }}.extensions import db
from {{ cookiecutter.__package }}.models import UserSession, now
from {{ cookiecutter.__package }}.settings import Settings

from .support.databases import DATABASES, settings_on
from .support.live import Connect, Refused


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


NAMELESS = ("", "  ", "\u2003\u3000", "\u00a0", "\u2800", "\u3164 \u3164", "\u0301", "\ufe0f")
FORMATTED = (
    *("a\u200bb", "\ufeffAda", "Ada\u202e", "\u2066Ada\u2069", "\u061cAda", "a\u00adb"),
    *("\U000e0041da", "\U0001f469\u200d\U0001f680"),
)


@pytest.mark.parametrize("name", [*NAMELESS, *FORMATTED, "x" * 41, "a\nb", "a\0b", "a\u2028b"])
def test_a_name_has_rules(client: FlaskClient, name: str) -> None:
    response = client.post("/session", json={"name": name})

    assert response.status_code == 422


@pytest.mark.parametrize("name", ["José", "עדה", "Ada \u2764\ufe0f", "\U0001f680", "7", "李 四"])
def test_a_name_may_be_of_any_language(client: FlaskClient, name: str) -> None:
    token = token_of(client, name)

    assert client.get("/session", headers=bearer(token)).get_json()["name"] == name


def test_the_same_token_is_the_same_person_on_both_transports(
    client: FlaskClient, connect: Connect
) -> None:
    token = token_of(client, "Ada")
    ada = connect("/chat", auth={"token": token})

    (here,) = ada.call("join", "lobby")["people"]

    assert here["id"] == client.get("/session", headers=bearer(token)).get_json()["id"]


@pytest.mark.parametrize("auth", [None, {}, {"token": None}, {"token": "x.y.z"}, "token"])
def test_nobody_connects_without_a_token(refused: Refused, auth: object) -> None:
    assert refused("/chat", auth=auth)["status"] == (422 if auth == "token" else 401)


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


def test_a_token_is_worth_nothing_after_signing_out(client: FlaskClient, refused: Refused) -> None:
    token = token_of(client, "Ada")
    client.delete("/session", headers=bearer(token))

    assert client.get("/session", headers=bearer(token)).status_code == 401
    assert refused("/chat", auth={"token": token})["status"] == 401


def test_signing_out_leaves_the_others_alone(client: FlaskClient, connect: Connect) -> None:
    token = token_of(client, "Ada")
    bob = connect("/chat", auth={"token": token_of(client, "Bob")})

    client.delete("/session", headers=bearer(token))

    bob.refute("session.ended")
    assert "people" in bob.call("join", "lobby")


def test_a_token_is_good_while_its_secret_is_among_the_older_ones(
    app: Flask, client: FlaskClient
) -> None:
    old = token_of(client, "Ada")
    app.config.update(SECRET_KEY="new" * 20, SECRET_KEY_FALLBACKS=["older", app.secret_key])
    new = token_of(client, "Bob")

    assert client.get("/session", headers=bearer(old)).get_json()["name"] == "Ada"
    app.config["SECRET_KEY_FALLBACKS"] = None
    assert client.get("/session", headers=bearer(old)).status_code == 401
    assert client.get("/session", headers=bearer(new)).get_json()["name"] == "Bob"


def test_sessions_that_are_over_and_own_nothing_are_forgotten(
    app: Flask, client: FlaskClient
) -> None:
    tokens = [token_of(client, name) for name in ("Ada", "Bob", "Cem")]
    said = {"text": "hi", "client_id": str(uuid4())}
    client.post("/chat/lobby/messages", json=said, headers=bearer(tokens[1]))
    for token in tokens[:2]:
        client.delete("/session", headers=bearer(token))
    app.config["SESSION_SECONDS"] = 0
    token_of(client, "Dee")

    token_of(client, "Eve")

    with app.app_context(), db.read() as session:
        names = list(session.scalars(select(UserSession.name).order_by(UserSession.name)))
    assert names == ["Bob", "Cem", "Eve"]


def test_a_session_with_a_client_is_not_forgotten(
    app: Flask, client: FlaskClient, connect: Connect
) -> None:
    token = token_of(client, "Ada")
    ada = connect("/chat", auth={"token": token})
    with app.app_context(), db.write() as session:
        session.execute(update(UserSession).values(ended_at=now()))

    token_of(client, "Bob")

    with app.app_context(), db.read() as session:
        assert "Ada" in list(session.scalars(select(UserSession.name)))
    assert ada.call("join", "lobby")["error"]["status"] == 401


def test_a_session_expires(app: Flask, client: FlaskClient, connect: Connect) -> None:
    app.config["SESSION_SECONDS"] = 1
    token = token_of(client, "Ada")
    ada = connect("/chat", auth={"token": token})

    assert ada.expect("session.ended", timeout=5) == {"reason": "expired"}
    ada.expect("disconnect")
    assert client.get("/session", headers=bearer(token)).status_code == 401


def test_an_event_of_a_session_that_has_expired_is_refused(
    client: FlaskClient, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if it had not been looked yet.
    monkeypatch.setattr(clients.Clients, "_watch", lambda _: None)
    ada = connect("/chat", auth={"token": token_of(client, "Ada")})
    later = now() + timedelta(days=365)
    monkeypatch.setattr(clients, "now", lambda: later)

    assert ada.call("rooms")["error"]["status"] == 401


def test_a_session_that_has_ended_unheard_ends_for_its_clients(
    app: Flask, client: FlaskClient, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clients, "_LOOK_EVERY", 1)
    ada, bob = (connect("/chat", auth={"token": token_of(client, name)}) for name in ("Ada", "Bob"))
    with app.app_context(), db.write() as session:
        session.execute(update(UserSession).filter_by(name="Ada").values(ended_at=now()))

    assert ada.expect("session.ended", timeout=5) == {"reason": "signed out"}
    ada.expect("disconnect")
    bob.refute("session.ended")


def test_an_address_may_not_sign_in_as_often_as_it_likes(client: FlaskClient) -> None:
    # Whoever tries in vain counts as well.
    names = ["Ada", *[""] * 599, "Ada"]

    answers = [client.post("/session", json={"name": name}) for name in names]

    assert [answers[0].status_code, answers[-1].status_code] == [201, 429]
    assert answers[-1].headers["Retry-After"]
