"""Rooms of a view: who hears what is sent to them, and what no client can reach by a name."""

from __future__ import annotations

import pytest
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView
from contract_service.serving.cli import emit
from flask import Flask, request
from flask_socketio import join_room
from werkzeug.exceptions import Forbidden

from .conftest import sid_of, wait_until

LEFT: list[object] = []


class HallView(FlaskView):
    max_rooms = 3

    def socket_join(self, room):
        self.join(room)

    def socket_leave(self, room):
        self.leave(room)

    def socket_rooms(self):
        return self.rooms()

    def socket_enter(self, room):
        join_room(room)

    def socket_tell(self, room, what):
        self.emit("told", what, to=room, skip=request.sid)

    def socket_kick(self, room):
        self.kick(room)

    def socket_connect(self, auth):
        if auth:
            self.join(auth["room"])
            if auth.get("refused"):
                raise Forbidden("Not you.")

    def socket_disconnect(self):
        LEFT.append(self.rooms())
        self.emit("told", "somebody left", to="red")


class OtherView(FlaskView):
    namespace = "/hall"

    def socket_other_join(self, room):
        self.join(room)

    def socket_other_tell(self, room, what):
        self.emit("told", what, to=room)


@pytest.fixture
def views() -> list[type[FlaskView]]:
    LEFT.clear()
    return [HallView, OtherView]


def rooms_of(app: Flask, client) -> set[str]:
    """Return the rooms that the server has a client in, by its own names."""
    return set(socketio.server.manager.get_rooms(sid_of(client), client.namespace))


def test_a_room_hears_what_is_sent_to_it(connect) -> None:
    ada, bob, cem = (connect("/hall") for _ in range(3))
    ada.call("join", "red")
    bob.call("join", "red")
    cem.call("join", "blue")
    ada.call("tell", "red", "hi")
    assert bob.expect("told") == "hi"
    cem.refute("told")
    assert (bob.call("rooms"), cem.call("rooms")) == (["red"], ["blue"])


def test_whoever_has_left_hears_nothing_more(connect) -> None:
    ada, bob = connect("/hall"), connect("/hall")
    bob.call("join", "red")
    bob.call("leave", "red")
    bob.call("leave", "red")
    ada.call("tell", "red", "hi")
    bob.refute("told")
    assert bob.call("rooms") == []


def test_a_room_that_is_called_like_a_client_is_not_that_client(connect) -> None:
    ada, eve = connect("/hall"), connect("/hall")
    eve.call("join", sid_of(ada))
    connect("/hall").call("tell", sid_of(ada), "for Ada alone")
    assert ada.expect("told") == "for Ada alone"
    eve.refute("told")


def test_a_room_belongs_to_one_view_of_a_namespace(connect) -> None:
    ada, bob = connect("/hall"), connect("/hall")
    ada.call("join", "red")
    bob.call("other_join", "red")
    ada.call("other_tell", "red", "of the other")
    assert bob.expect("told") == "of the other"
    ada.refute("told")


def test_no_name_that_a_client_makes_up_reaches_the_room_of_another_view(app, connect) -> None:
    ada, eve = connect("/hall"), connect("/hall")
    ada.call("other_join", "red")
    (name,) = rooms_of(app, ada) - {sid_of(ada)}
    eve.call("join", name)
    eve.call("tell", name, "an intruder")
    eve.call("other_tell", "red", "for the others")
    assert ada.expect("told") == "for the others"
    ada.refute("told")
    eve.refute("told")


def test_a_room_that_flask_socketio_has_made_hears_it_too(connect) -> None:
    ada, bob = connect("/hall"), connect("/hall")
    bob.call("enter", "red")
    bob.call("join", "red")
    ada.call("tell", "red", "once")
    assert bob.expect("told") == "once"
    bob.refute("told")


def test_what_is_sent_to_no_room_reaches_nobody(app, connect) -> None:
    ada = connect("/hall")
    ada.call("join", "red")
    with app.app_context():
        HallView.registered().emit("told", "nobody", to=[])
        HallView.registered().emit("told", "everyone in it", to=["red"])
    assert ada.expect("told") == "everyone in it"


def test_a_client_is_in_so_many_rooms_only(connect) -> None:
    ada = connect("/hall")
    for room in ("one", "two", "three", "three"):
        assert ada.call("join", room) is None
    assert ada.call("join", "four")["error"]["status"] == 409
    ada.call("leave", "one")
    assert ada.call("join", "four") is None


@pytest.mark.parametrize("room", ["", "x" * 201, 7, None, ["red"], {"a": 1}])
def test_the_name_of_a_room_has_rules(connect, room) -> None:
    ada = connect("/hall")
    for event in ("join", "leave"):
        assert ada.call(event, room)["error"]["status"] == 422


@pytest.mark.parametrize("room", ["~", "~red", "general-announcement", "a/b", "x" * 200, "עדה\n"])
def test_anything_else_is_a_name(connect, room) -> None:
    ada = connect("/hall")
    ada.call("join", room)
    connect("/hall").call("tell", room, "hi")
    assert ada.expect("told") == "hi"
    assert ada.call("rooms") == [room]


def test_a_client_leaves_by_itself_before_its_view_is_told(app, connect) -> None:
    ada, bob = connect("/hall"), connect("/hall")
    for client in (ada, bob):
        client.call("join", "red")
    bob.call("join", "blue")
    bob.disconnect()
    assert ada.expect("told") == "somebody left"
    assert LEFT == [["red", "blue"]]
    wait_until(lambda: len(socketio.server.manager.rooms["/hall"]) == 3)


def test_whoever_is_refused_is_in_no_room(connect, refused) -> None:
    assert refused("/hall", auth={"room": "red", "refused": True})["status"] == 403
    ada = connect("/hall", auth={"room": "blue"})
    assert ada.call("rooms") == ["blue"]
    assert len(socketio.server.manager.rooms["/hall"]) == 3


def test_a_room_is_kicked(connect) -> None:
    ada, bob, cem = (connect("/hall") for _ in range(3))
    for client in (ada, bob):
        client.call("join", "red")
    cem.call("kick", "red")
    ada.expect("disconnect")
    bob.expect("disconnect")
    assert cem.call("rooms") == []


def test_a_request_has_no_client_that_could_join(app) -> None:
    with app.test_request_context(), pytest.raises(RuntimeError, match="Only an event"):
        HallView.registered().join("red")


def test_the_command_emit_reaches_a_room_of_any_view(app, connect) -> None:
    ada, bob, cem = (connect("/hall") for _ in range(3))
    ada.call("join", "red")
    bob.call("other_join", "red")
    for to in ("red", sid_of(cem)):
        done = app.test_cli_runner().invoke(emit, ["/hall", "told", '"hi"', "--to", to])
        assert done.exit_code == 0, done.output
    for client in (ada, bob, cem):
        assert client.expect("told") == "hi"
        client.refute("told")


def test_what_was_sent_is_shown_with_the_name_of_the_room(app, sent) -> None:
    with app.app_context():
        HallView.registered().emit("told", 1, to="red")
        HallView.registered().emit("told", 2, to=["red", "blue"])
    assert [record.to for record in sent] == ["red", ["red", "blue"]]


@pytest.mark.parametrize("name", ["join", "leave", "rooms", "presence", "limits"])
def test_a_view_may_have_a_method_of_such_a_name(app, client, name) -> None:
    view = type("OldView", (FlaskView,), {name: lambda self: "its own", "route_base": "old"})
    view.register(app, socket=socketio)
    assert client.get(f"/old/{name}").text == "its own"
