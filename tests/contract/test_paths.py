"""The two paths of requests and events: who takes which, and that both answer alike."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import pytest
from contract_service.app import create_app
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView
from contract_service.serving.quick import versions
from contract_service.serving.service import service_of
from contract_service.settings import Settings
from flask import Flask

from .conftest import IS_QUICK


class EchoesView(FlaskView):
    def socket_echo(self, *arguments):
        return arguments

    def socket_nothing(self):
        return None

    def socket_nested(self, value):
        return {"list": [value, {"value": value}]}


class OthersView(FlaskView):
    def socket_echo(self, argument):
        return ["other", argument]


@pytest.fixture
def views() -> list[type[FlaskView]]:
    return [EchoesView, OthersView]


def is_quick(app: Flask) -> bool:
    """Tell whether the connections of an application are quick ones."""
    app.test_client().get("/socket.io/?EIO=4&transport=polling")
    (connection,) = service_of(app).limits.connections()
    return type(connection).__name__ == "QuickConnection"


def test_the_setting_decides(app) -> None:
    assert is_quick(app) is IS_QUICK


def test_an_untried_version_takes_the_path_of_the_libraries_and_says_so_once(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def version(name: str) -> str:
        return "99.1" if name == "python-engineio" else metadata.version(name)

    monkeypatch.setattr(versions, "version", version)
    app = create_app(Settings.load().model_copy(update={"quick_path": True}))
    assert not is_quick(app)
    log = capfd.readouterr().err
    assert log.count("Serving on the path of the libraries, because of python-engineio 99.1") == 1


@pytest.mark.parametrize("name", ["request_context", "wsgi_app", "full_dispatch_request"])
def test_an_application_that_replaces_what_is_left_out_takes_it_too(name: str) -> None:
    own = type("Own", (Flask,), {name: lambda self, *args: getattr(Flask, name)(self, *args)})
    assert versions.obstacle(own(__name__)) == f"{name} of the application's own"
    assert not versions.obstacle(Flask(__name__))


@pytest.mark.parametrize(
    ("arguments", "ack"),
    [
        ((), ()),
        (("a",), "a"),
        (("a", 2), ("a", 2)),
        ((b"\x00\xff", {"b": b"x"}), (b"\x00\xff", {"b": b"x"})),
        ((None,), None),
    ],
)
def test_an_ack_has_what_the_method_returned(connect, arguments: Any, ack: Any) -> None:
    found = connect("/echoes").call("echo", *arguments)
    assert (found or ()) == (ack or ()) if ack in ((), None) else found == ack


def test_bytes_are_found_wherever_they_are(connect) -> None:
    found = connect("/echoes").call("nested", b"\x01")
    assert found == {"list": [b"\x01", {"value": b"\x01"}]}


def test_one_connection_has_events_in_several_namespaces(server) -> None:
    from socketio import Client

    client = Client(reconnection=False, handle_sigint=False)
    client.connect(server, namespaces=["/echoes", "/others"], transports=["websocket"])
    try:
        assert client.call("echo", 1, namespace="/echoes") == 1
        assert client.call("echo", 1, namespace="/others") == ["other", 1]
    finally:
        client.disconnect()


def test_handlers_of_the_library_answer_beside_those_of_views(app, connect) -> None:
    socketio.on_event("plain", lambda value: {"plain": value}, namespace="/echoes")
    client = connect("/echoes")
    assert client.call("plain", 3) == {"plain": 3}
    assert client.call("echo", 3) == 3
    assert client.call("unknown")["error"]["status"] == 404
