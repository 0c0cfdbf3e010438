# Owned by the template: an update may change this file.
"""The fixtures: the application, its HTTP client, what it sends, a live server and its clients."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from socketio.exceptions import ConnectionError

from {{ cookiecutter.__package }}.app import create_app
from {{ cookiecutter.__package }}.extensions import socketio
from {{ cookiecutter.__package }}.flask_view.rooms import names
from {{ cookiecutter.__package }}.serving.process import listener
from {{ cookiecutter.__package }}.settings import Settings

from .live import Connect, LiveClient, Refused
from .live_server import serve
from .matching import unpacked
from .promised import Watch
from .sent import Record, Sent


@pytest.fixture(autouse=True)
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the settings of this machine away from the tests, and their files from this folder."""
    for name in list(os.environ):
        if name.lower() in {*Settings.model_fields, "flask_debug"}:
            monkeypatch.delenv(name)
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setenv("INSTANCE_PATH", str(tmp_path / "instance"))
    # The live server is never behind a proxy.
    monkeypatch.setenv("no_proxy", "127.0.0.1")


@pytest.fixture
def settings() -> Settings:
    """Return the settings of `app`; a module whose tests need others overrides this fixture."""
    return Settings.load()


@pytest.fixture
def app(settings: Settings) -> Flask:
    """Return the application, new for each test."""
    app = create_app(settings)
    app.testing = True
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """Return an HTTP client of `app`."""
    return app.test_client()


@pytest.fixture
def sent(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Return the list of what `app` sends by itself from now on, whether or not anybody hears."""
    sent = Sent()
    emit = socketio.server.emit

    def record(
        event: str,
        data: Any = None,
        to: Any = None,
        room: Any = None,
        skip_sid: Any = None,
        namespace: str | None = None,
        **options: Any,
    ) -> None:
        arguments = data if isinstance(data, tuple) else () if data is None else (data,)
        about = namespace or "/", event, unpacked(arguments), names.meant(to or room), skip_sid
        sent.append(Record(*about))
        emit(event, data, to or room, skip_sid=skip_sid, namespace=namespace, **options)

    monkeypatch.setattr(socketio.server, "emit", record)
    return sent


@pytest.fixture
def server(app: Flask) -> Iterator[str]:
    """Serve `app` in this process, on a free port, and yield the URL."""
    listening = listener.listen("127.0.0.1", 0)
    port = listening.getsockname()[1]
    with serve(app, listening):
        yield f"http://127.0.0.1:{port}"
        socketio.server.shutdown()


@pytest.fixture
def connect(app: Flask, server: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connect]:
    """Yield `connect(namespace, auth=...)`, which returns a new Socket.IO client of `server`.

    The test fails if an event reaches one that no view of the namespace declares to send.
    """
    watch = Watch(app, monkeypatch)
    with ExitStack() as clients:

        def connect(namespace: str, **options: Any) -> LiveClient:
            client = LiveClient(server, namespace, app=app, watch=watch, **options)
            clients.callback(client.disconnect)
            return client

        yield connect
    watch.check()


@pytest.fixture
def refused(connect: Connect) -> Refused:
    """Return `refused(namespace, auth=...)`, which returns the problem that a client gets."""

    def refused(namespace: str, **options: Any) -> Any:
        __tracebackhide__ = True
        try:
            client = connect(namespace, **options)
        except ConnectionError as error:
            match error.args:
                case ({"data": problem}, *_):
                    return problem
            raise AssertionError(f"{namespace} refused without a problem: {error}") from error
        client.disconnect()
        raise AssertionError(f"{namespace} let a client in that it had to refuse")

    return refused
