"""Emitting: to a room, a client or everyone, from wherever the code runs."""

from __future__ import annotations

import datetime
import logging
import sys
import time
from threading import Thread

import pytest
import socketio as socketio_client
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView, on, route
from flask import Flask, request
from flask_socketio import join_room

from .conftest import wait_until

AT = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)


class NewsView(FlaskView):
    def socket_join(self, room):
        join_room(room)

    @route("tell", methods=["POST"])
    @on("tell")
    def tell(self, to: str = "") -> None:
        if to:
            self.emit("news", {"at": AT}, to=to)
        else:
            self.broadcast("news", {"at": AT})

    @route("later", methods=["POST"])
    @on("later")
    def later(self, how: str = "well") -> None:
        self.spawn(self._work, how)

    def _work(self, how: str) -> None:
        if how != "well":
            raise ValueError(how)
        self.broadcast("news", "later")

    def socket_whoami(self):
        return request.sid

    def socket_several(self):
        self.emit("pair", (1, {2}), to=request.sid)
        self.emit("empty", to=request.sid)


def view_of(app: Flask) -> NewsView:
    return app.view_functions["NewsView:tell"].class_


@pytest.fixture
def views() -> list[type[FlaskView]]:
    return [NewsView]


def test_everyone_hears_a_broadcast_from_a_request_and_from_an_event(client, connect) -> None:
    one, other = connect("/news"), connect("/news")
    client.post("/news/tell")
    assert one.expect("news") == other.expect("news") == {"at": "2026-01-01T00:00:00Z"}
    one.call("tell")
    assert one.expect("news") == other.expect("news")


def test_only_the_room_or_the_client_hears_what_is_sent_to_it(client, connect) -> None:
    one, other = connect("/news"), connect("/news")
    one.call("join", "red")
    client.post("/news/tell?to=red")
    assert one.expect("news")
    client.post(f"/news/tell?to={other.call('whoami')}")
    assert other.expect("news")
    one.refute("news")
    other.refute("news")


def test_a_tuple_is_several_arguments_and_none_is_no_argument(connect) -> None:
    news = connect("/news")
    news.call("several")
    assert news.expect("pair") == (1, [2])
    assert news.expect("empty") is None


def test_work_in_the_background_emits_and_its_failure_is_logged(client, connect, caplog) -> None:
    news = connect("/news")
    news.call("later")
    assert news.expect("news") == "later"
    with caplog.at_level(logging.ERROR):
        news.call("later", "badly")
        socketio.sleep(0.1)
    assert "_work failed in the background" in caplog.text


@pytest.mark.parametrize(("way", "returns"), [("kick", False), ("drop", True)])
@pytest.mark.parametrize("transport", ["websocket", "polling"])
def test_a_dropped_client_comes_back_and_a_kicked_one_does_not(
    app: Flask, server: str, way: str, returns: bool, transport: str
) -> None:
    sids: list[str] = []
    client = socketio_client.Client(reconnection_delay=0.1, handle_sigint=False)
    client.on("connect", lambda: sids.append(client.get_sid("/news")), namespace="/news")
    client.connect(server, namespaces=["/news"], transports=[transport])
    try:
        getattr(view_of(app), way)(sids[0])
        wait_until(lambda: len(sids) == 2 if returns else not client.connected)
        socketio.sleep(0.5)
        assert len(sids) == (2 if returns else 1)
    finally:
        client.shutdown()


def test_whoever_enters_a_room_is_in_it_although_the_last_one_leaves(app):
    manager, missed = socketio.server.manager, []

    def enter_and_leave(sid):
        manager.basic_enter_room(sid, "/hall", None, eio_sid=f"connection of {sid}")
        for _ in range(5_000):
            manager.basic_enter_room(sid, "/hall", "room")
            if sid not in dict(manager.get_participants("/hall", "room")):
                missed.append(sid)
            manager.basic_leave_room(sid, "/hall", "room")

    at_the_same_time(enter_and_leave)

    assert not missed


def test_who_comes_as_the_last_one_leaves_is_let_in_and_out(app):
    manager = interrupted_manager()

    def come_and_go_often(client):
        for _ in range(100):
            come_and_go(client)

    at_the_same_time(come_and_go_often)

    assert not manager.pending_connect
    assert not manager.pending_disconnect


def test_who_looks_as_the_last_one_leaves_sees_somebody_or_nobody(app):
    manager = interrupted_manager()

    def look():
        assert not manager.is_connected("somebody", "/hall")
        assert not manager.eio_sid_from_sid("somebody", "/hall")
        assert len(list(manager.get_participants("/hall", None))) <= 1

    def come_or_look(client):
        for _ in range(200):
            come_and_go(client) if client == "client 0" else look()

    at_the_same_time(come_or_look)


def come_and_go(eio_sid):
    """Let a client in, and out again, as python-socketio does."""
    manager = socketio.server.manager
    sid = manager.pre_connect(eio_sid, "/hall")
    manager.connect(sid, "/hall")
    manager.pre_disconnect(sid, "/hall")
    manager.disconnect(sid, "/hall")


def interrupted_manager():
    """Return what keeps the clients, with dictionaries that let others run."""
    manager = socketio.server.manager
    manager.pending_connect, manager.pending_disconnect = Interrupted(), Interrupted()
    manager.rooms = Interrupted()
    return manager


class Interrupted(dict):
    """A dictionary that lets others run after each look into it, and into those within it."""

    def __contains__(self, key):
        found = super().__contains__(key)
        time.sleep(0)
        return found

    def __setitem__(self, key, value):
        super().__setitem__(key, Interrupted(value) if type(value) is dict else value)


def at_the_same_time(act):
    """Let eight clients act in threads that take turns as often as they can, without an error."""
    errors = []

    def noted(client):
        try:
            act(client)
        except Exception as error:
            errors.append(error)

    threads = [Thread(target=noted, args=(f"client {number}",)) for number in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert not errors


def test_nobody_enters_a_room_after_leaving(app):
    with pytest.raises(KeyError):
        socketio.server.manager.basic_enter_room("gone", "/hall", "room")

    assert not socketio.server.manager.rooms
