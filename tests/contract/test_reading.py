"""Reading: only who leaves too much unread for a while is dropped."""

from __future__ import annotations

from typing import Any

import pytest
from contract_service.app import create_app
from contract_service.serving.service import service_of
from contract_service.settings import Settings
from engineio.packet import MESSAGE, Packet
from flask import Flask

from .conftest import wait_until


@pytest.fixture
def app(settings: Settings) -> Flask:
    return create_app(settings.model_copy(update={"max_unsent_bytes": 1_000}))


@pytest.fixture
def limits(app: Flask) -> Any:
    return service_of(app).limits


@pytest.fixture
def client(app: Flask, limits: Any) -> Any:
    """Return the connection of a client that polls, and reads when it is told to."""
    assert app.test_client().get("/socket.io/?EIO=4&transport=polling").status_code == 200
    (connection,) = limits.connections()
    return connection


def send(client: Any, size: int) -> None:
    client.send(Packet(MESSAGE, "2" + "x" * (size - 1)))


def test_a_burst_that_is_read_is_no_reason(client: Any, limits: Any) -> None:
    for _ in range(3):
        send(client, 2_000)
        limits.sweep()
        client.poll()
        limits.sweep()
    assert limits.connections() == [client]


def test_who_leaves_too_much_unread_is_dropped(client: Any, limits: Any) -> None:
    send(client, 2_000)
    limits.sweep()
    client.poll()
    send(client, 3_000)
    limits.sweep()
    wait_until(lambda: not limits.connections())


def test_a_little_may_wait_for_long(client: Any, limits: Any) -> None:
    send(client, 900)
    for _ in range(5):
        limits.sweep()
    assert limits.connections() == [client]
