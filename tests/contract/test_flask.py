"""Flask in an event: what holds of its contexts, session, signals and extensions, on both paths.

Each probe runs twice: as a view's event, and as a handler of Flask-SocketIO itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import flask_babel
import flask_login
import pytest
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView
from flask import (
    Flask,
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    copy_current_request_context,
    current_app,
    g,
    request,
    request_tearing_down,
    session,
    url_for,
)
from flask.globals import app_ctx, request_ctx
from sqlalchemy import create_engine
from sqlalchemy.orm import Session, scoped_session, sessionmaker
from tests.support.live import LiveClient

from .conftest import wait_until

Probe = Callable[..., Any]
SEEN: list[Any] = []
TOLD: list[str] = []


def whereabouts() -> dict[str, Any]:
    return {
        "path": request.path,
        "transport": request.args["transport"],
        "host": request.headers["Host"].startswith("127.0.0.1"),
        "address": request.remote_addr,
        "namespace": request.namespace,  # type: ignore[attr-defined]
        "event": request.event["message"],  # type: ignore[attr-defined]
        "arguments": list(request.event["args"]),  # type: ignore[attr-defined]
        "sid": bool(request.sid),  # type: ignore[attr-defined]
        "endpoint": request.endpoint,
        "blueprint": request.blueprint,
        "app": current_app.name,
        "url": url_for("PlaceView:hello"),
        "external": url_for("PlaceView:hello", _external=True).endswith("/place/hello"),
    }


def counted() -> list[int]:
    session["count"] = session.get("count", 0) + 1
    g.count = g.get("count", 0) + 1
    request.count = getattr(request, "count", 0) + 1  # type: ignore[attr-defined]
    return [session["count"], g.count, request.count]  # type: ignore[attr-defined]


def objects() -> None:
    SEEN.append((request._get_current_object(), app_ctx._get_current_object()))  # type: ignore[attr-defined]


def crash() -> None:
    raise KeyError("crash")


def in_background() -> str:
    found: list[str] = []

    @copy_current_request_context
    def work() -> None:
        found.append(request.sid)  # type: ignore[attr-defined]

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    return "same" if found == [request.sid] else "other"  # type: ignore[attr-defined]


def nested() -> list[bool]:
    own = app_ctx._get_current_object()  # type: ignore[attr-defined]
    with current_app.app_context():
        inner = app_ctx._get_current_object() is not own  # type: ignore[attr-defined]
    with request_ctx._get_current_object():  # type: ignore[attr-defined]
        again = bool(request.sid)  # type: ignore[attr-defined]
    return [inner, again, app_ctx._get_current_object() is own, bool(request.sid)]  # type: ignore[attr-defined]


def somebody() -> str:
    return str(flask_login.current_user.get_id())


def members_only() -> str:
    return flask_login.login_required(lambda: "in")()


def language() -> list[str]:
    flask_babel.refresh()
    return [str(flask_babel.get_locale()), flask_babel.format_decimal(1.5)]


def database() -> bool:
    SEEN.append(DATABASE())
    return DATABASE() is SEEN[-1]


PROBES: dict[str, Probe] = {
    probe.__name__: probe
    for probe in (
        *(whereabouts, counted, objects, crash, in_background, nested),
        *(somebody, members_only, language, database),
    )
}
DATABASE: scoped_session[Session] = scoped_session(
    sessionmaker(create_engine("sqlite://")),
    # As Flask-SQLAlchemy has it.
    scopefunc=lambda: id(app_ctx._get_current_object()),  # type: ignore[attr-defined]
)


class PlaceView(FlaskView):
    def hello(self):
        return {"count": session.get("count", 0)}

    def socket_probe(self, name, *arguments):
        return PROBES[name]()


class _User(flask_login.UserMixin):
    id = "ada"


@pytest.fixture
def views() -> list[type[FlaskView]]:
    SEEN.clear()
    TOLD.clear()
    return [PlaceView]


@pytest.fixture
def app(app: Flask) -> Flask:
    """Return the application with the extensions, and with a handler of Flask-SocketIO itself."""
    manager = flask_login.LoginManager(app)
    manager.request_loader(lambda request: _User() if "token" in request.args else None)
    flask_babel.Babel(app, locale_selector=lambda: "de")
    app.teardown_appcontext(lambda error: TOLD.append(f"app {error!r}"))
    app.teardown_appcontext(lambda error: DATABASE.remove())
    app.teardown_request(lambda error: TOLD.append(f"request {error!r}"))
    app.before_request(lambda: TOLD.append("before"))
    app.after_request(lambda response: TOLD.append("after") or response)
    socketio.on_event("bare", lambda name, *_: PROBES[name](), namespace="/place")
    return app


@pytest.fixture(params=["probe", "bare"])
def ask(request: pytest.FixtureRequest, connect) -> Callable[..., Any]:
    """Return a function that calls a probe, in a view's event or in a handler of the library."""
    client = connect("/place")
    return lambda *name: client.call(request.param, *name)


def test_the_request_is_that_of_the_handshake_and_knows_the_event(ask) -> None:
    found = ask("whereabouts", 1)
    assert found.pop("event") in ("probe", "bare")
    assert found == {
        "path": "/socket.io/",
        "transport": "websocket",
        "host": True,
        "address": "127.0.0.1",
        "namespace": "/place",
        "arguments": ["whereabouts", 1],
        "sid": True,
        "endpoint": None,
        "blueprint": None,
        "app": "contract_service.app",
        "url": "/place/hello",
        "external": True,
    }


def test_the_session_lasts_for_the_connection_and_all_else_for_the_event(ask, client) -> None:
    assert [ask("counted") for _ in range(3)] == [[1, 1, 1], [2, 1, 1], [3, 1, 1]]
    assert client.get("/place/hello").json == {"count": 0}


def test_each_event_has_a_request_and_contexts_of_its_own(ask) -> None:
    ask("objects")
    ask("objects")
    (one, one_context), (other, other_context) = SEEN
    assert one is not other
    assert one_context is not other_context


def test_the_end_of_an_event_is_told_and_no_request_hooks_run(ask) -> None:
    ask("counted")
    TOLD.clear()
    ask("counted")
    wait_until(lambda: len(TOLD) >= 2)
    assert TOLD == ["request None", "app None"]


def test_signals_are_sent_to_those_who_listen(ask, app) -> None:
    told: list[str] = []

    def listener(name: str) -> Callable[..., None]:
        return lambda sender, **_: told.append(name)

    signals = {
        "pushed": appcontext_pushed,
        "request ends": request_tearing_down,
        "app ends": appcontext_tearing_down,
        "popped": appcontext_popped,
    }
    # The signals keep no reference to those who listen.
    listeners = {name: listener(name) for name in signals}
    for name, signal in signals.items():
        signal.connect(listeners[name], app)
    ask("counted")
    wait_until(lambda: "popped" in told)
    assert told == list(signals)


def test_what_a_view_raises_is_an_ack_and_ends_the_event_well(connect) -> None:
    client = connect("/place")
    TOLD.clear()
    assert client.call("probe", "crash")["error"]["status"] == 500
    wait_until(lambda: len(TOLD) >= 2)
    assert TOLD == ["request None", "app None"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("in_background", "same"),
        ("nested", [True, True, True, True]),
        ("somebody", "None"),
        ("language", ["de", "1,5"]),
    ],
)
def test_extensions_and_copies_find_what_they_keep_on_the_contexts(ask, name, found) -> None:
    assert ask(name) == found
    assert ask(name) == found


def test_flask_login_knows_the_user_of_the_handshake(server, connect) -> None:
    known = LiveClient(f"{server}?token=x", "/place")
    try:
        assert known.call("probe", "somebody") == "ada"
        assert known.call("probe", "members_only") == "in"
    finally:
        known.disconnect()
    assert connect("/place").call("probe", "members_only")["error"]["status"] == 401


def test_each_event_has_a_database_session_that_is_gone_afterwards(ask) -> None:
    assert ask("database")
    assert ask("database")
    one, other = SEEN
    assert one is not other
    wait_until(lambda: not DATABASE.registry.registry)
