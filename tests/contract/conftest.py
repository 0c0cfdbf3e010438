"""What the tests of the contract add to the fixtures of a generated service: their own views.

They run inside a generated service, in its environment and with its fixtures; see
``tests/test_contract.py``.
"""

import os
import socket
import time
from collections.abc import Callable

import pytest
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView
from flask import Flask

# Which path the events of these tests take; the fixtures of the service hide its settings.
QUICK_PATH = os.environ.get("QUICK_PATH", "true")
IS_QUICK = QUICK_PATH == "true"


@pytest.fixture(autouse=True)
def environment(environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the settings of this machine, but keep the path of the events."""
    monkeypatch.setenv("QUICK_PATH", QUICK_PATH)


@pytest.fixture
def views() -> list[type[FlaskView]]:
    """Return the views to register; a module of tests has a fixture of its own."""
    return []


@pytest.fixture
def app(app: Flask, views: list[type[FlaskView]]) -> Flask:
    """Return the application of the service, with the views of the test."""
    for view in views:
        view.register(app, socket=socketio)
    return app


class Clock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.now = time.monotonic()

    def __call__(self) -> float:
        return self.now


def sid_of(client) -> str:
    """Return the id by which the server knows a client."""
    return client._client.get_sid(client.namespace)


def wait_until(condition: Callable[[], object], seconds: float = 5) -> None:
    """Let everything else run until a condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)


def narrow(connection) -> None:
    """Let the system take little of what is sent to a client that does not read."""
    connection.websocket.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4_096)
