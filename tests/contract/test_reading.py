"""Reading: only who leaves too much unread for a while is dropped."""

from __future__ import annotations

import queue
from types import SimpleNamespace
from typing import Any

import pytest
from contract_service.app import create_app
from contract_service.extensions import socketio
from contract_service.settings import Settings
from engineio.packet import MESSAGE, Packet


class Client:
    """A connection that reads when it is told to."""

    def __init__(self) -> None:
        self.upgraded = True
        self.closed = False
        self.queue: queue.Queue[Packet] = queue.Queue()
        self.websocket = SimpleNamespace(cut=self.cut)

    def cut(self) -> None:
        self.closed = True


@pytest.fixture
def client() -> Any:
    return Client()


@pytest.fixture
def limits(client: Client, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    app = create_app(settings.model_copy(update={"max_unsent_bytes": 1_000}))
    monkeypatch.setitem(socketio.server.eio.sockets, "sid", client)
    return app.extensions["limits"]


def test_a_burst_that_is_read_is_no_reason(client: Client, limits: Any) -> None:
    for _ in range(3):
        client.queue.put(Packet(MESSAGE, "x" * 2_000))
        limits.look()
        client.queue.get()
        limits.look()
    assert not client.closed


def test_who_leaves_too_much_unread_is_dropped(client: Client, limits: Any) -> None:
    client.queue.put(Packet(MESSAGE, "x" * 2_000))
    limits.look()
    client.queue.get()
    client.queue.put(Packet(MESSAGE, "x" * 3_000))
    limits.look()
    assert client.closed


def test_a_little_may_wait_for_long(client: Client, limits: Any) -> None:
    client.queue.put(Packet(MESSAGE, "x" * 900))
    for _ in range(5):
        limits.look()
    assert not client.closed
