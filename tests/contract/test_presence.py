"""Presence: who is in a room, over tabs, and who hears of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from contract_service.extensions import socketio
from contract_service.flask_view import FlaskView, PresenceDiff, PresenceState
from contract_service.flask_view.rooms.telling import Teller
from contract_service.settings import Settings
from flask import request

from .conftest import sid_of, wait_until

GRACE = 0.4


@dataclass
class Here:
    away: bool = False
    name: str = ""


class LobbyView(FlaskView):
    max_rooms = 3
    sends: ClassVar = {
        "presence_state": PresenceState[Here],
        "presence_diff": PresenceDiff[Here],
    }

    def socket_join(self, room, key, name=""):
        self.join(room)
        self.presence.track(room, key, name=name, away=False)

    def socket_look(self, room):
        self.join(room)

    def socket_leave(self, room):
        self.leave(room)

    def socket_track(self, room, key, meta):
        self.presence.track(room, key, **meta)

    def socket_update(self, room, key, meta):
        self.presence.update(room, key, **meta)

    def socket_untrack(self, room, key=None):
        self.presence.untrack(room, key)

    def socket_kick(self, sid):
        self.kick(sid)

    def get(self, room):
        return self.presence.list(room)

    def spoil(self, room):
        for metas in self.presence.list(room).values():
            metas[0]["name"] = "spoilt"
        return self.presence.list(room)

    def counts(self):
        return self.presence.count(*request.args.getlist("room"))


class FreeView(FlaskView):
    """Says nothing about what it sends."""

    def socket_join(self, room):
        self.join(room)

    def socket_track(self, room, key):
        self.presence.track(room, key)


@pytest.fixture
def views() -> list[type[FlaskView]]:
    return [LobbyView, FreeView]


@pytest.fixture
def settings() -> Settings:
    return Settings.load().model_copy(update={"presence_grace_seconds": GRACE})


@dataclass
class Seen:
    """Who is in a room, as a client works it out of what it is told."""

    client: Any
    present: dict[str, dict[str, Any]] = field(default_factory=dict)
    diffs: list[Any] = field(default_factory=list)
    has_state: bool = False

    def keys(self) -> list[str]:
        """Take what has arrived, and return the keys."""
        for event, payload in self._new():
            if event == "presence_state":
                assert not self.has_state, "the state came twice"
                self.has_state, self.present = True, payload["present"]
            else:
                assert self.has_state, "a diff came before the state"
                self.diffs.append(payload)
                self._apply(payload)
            assert payload["count"] == len(self.present)
        return sorted(self.present)

    def _new(self) -> Iterator[tuple[str, Any]]:
        arrived = self.client._arrived
        while found := [one for one in arrived if one[0].startswith("presence_")]:
            arrived.remove(found[0])
            yield found[0]

    def _apply(self, diff: Any) -> None:
        for key, refs in diff["leaves"].items():
            for ref in refs:
                del self.present[key][ref]
        for key, refs in diff["joins"].items():
            self.present.setdefault(key, {}).update(refs)
        self.present = {key: refs for key, refs in self.present.items() if refs}


def sees(seen: Seen, *keys: str) -> None:
    """Wait until a client knows that these are in the room, and nobody else."""
    wait_until(lambda: seen.keys() == sorted(keys) and seen.has_state)


def test_everyone_in_a_room_knows_who_is_there(client, connect) -> None:
    ada, bob = connect("/lobby"), connect("/lobby")
    ada.call("join", "tea", "ada", "Ada")
    bob.call("join", "tea", "bob", "Bob")
    seen = [Seen(ada), Seen(bob)]
    for one in seen:
        sees(one, "ada", "bob")
    assert client.get("/lobby/tea").get_json() == {
        "ada": [{"name": "Ada", "away": False}],
        "bob": [{"name": "Bob", "away": False}],
    }
    bob.call("leave", "tea")
    sees(seen[0], "ada")


def test_the_state_comes_once_and_has_who_asked_for_it(connect) -> None:
    ada = connect("/lobby")
    ada.call("join", "tea", "ada", "Ada")
    state = ada.expect("presence_state")
    ((ref, meta),) = state["present"].pop("ada").items()
    assert state == {"room": "tea", "count": 1, "present": {}}
    assert (meta, bool(ref)) == ({"name": "Ada", "away": False}, True)
    ada.call("join", "tea", "ada", "Ada")
    ada.refute("presence_state")
    ada.refute("presence_diff")


def test_whoever_only_looks_is_not_there_but_is_told(client, connect) -> None:
    ada, eve = connect("/lobby"), connect("/lobby")
    eve.call("look", "tea")
    seen = Seen(eve)
    assert eve.expect("presence_state") == {"room": "tea", "count": 0, "present": {}}
    seen.has_state = True
    ada.call("join", "tea", "ada")
    sees(seen, "ada")


def test_a_view_that_declares_nothing_has_presence_too(connect) -> None:
    eve, ada = connect("/free"), connect("/free")
    eve.call("join", "tea")
    ada.call("join", "tea")
    ada.call("track", "tea", "ada")
    for client in (eve, ada):
        assert list(client.expect("presence_state")["present"]) == ["ada"]
    ada.call("track", "tea", "bob")
    assert list(eve.expect("presence_diff")["joins"]) == ["bob"]


def test_a_room_of_another_view_or_name_is_not_told(connect) -> None:
    ada, bob, cem = connect("/lobby"), connect("/lobby"), connect("/free")
    bob.call("look", "coffee")
    bob.expect("presence_state")
    cem.call("join", "tea")
    ada.call("join", "tea", "ada")
    ada.expect("presence_state")
    bob.refute("presence_diff")
    cem.refute("presence_state")


def test_a_key_with_three_tabs_is_one_and_leaves_with_the_last(client, connect) -> None:
    ada = connect("/lobby")
    ada.call("join", "tea", "ada")
    seen = Seen(ada)
    tabs = [connect("/lobby") for _ in range(3)]
    for tab in tabs:
        tab.call("join", "tea", "bob")
    assert len(client.get("/lobby/tea").get_json()["bob"]) == 3
    for tab in tabs:
        sees(seen, "ada", "bob")
        tab.call("leave", "tea")
    sees(seen, "ada")
    assert client.get("/lobby/counts?room=tea&room=empty").get_json() == {"tea": 1, "empty": 0}


def test_an_update_is_told_as_a_join_of_what_is_there(client, connect) -> None:
    ada = connect("/lobby")
    ada.call("join", "tea", "ada", "Ada")
    (ref,) = ada.expect("presence_state")["present"]["ada"]
    ada.call("update", "tea", "ada", {"away": True})
    diff = ada.expect("presence_diff")
    assert diff["joins"] == {"ada": {ref: {"name": "Ada", "away": True}}}
    assert (diff["leaves"], diff["count"]) == ({}, 1)
    ada.call("update", "tea", "ada", {"away": True})
    ada.refute("presence_diff")
    assert ada.call("update", "tea", "bob", {"away": True})["error"]["status"] == 409


def test_whoever_joins_while_a_change_is_told_has_the_state_first(connect, monkeypatch) -> None:
    ada, bob = connect("/lobby"), connect("/lobby")
    ada.call("join", "tea", "ada")
    ada.expect("presence_state")
    send = Teller._send

    def send_late(teller, place, news):
        monkeypatch.undo()
        bob.call("look", "tea")
        send(teller, place, news)

    monkeypatch.setattr(Teller, "_send", send_late)
    ada.call("track", "tea", "cem", {})
    sees(Seen(bob), "ada", "cem")


def test_what_is_listed_belongs_to_whoever_asked(client, connect) -> None:
    connect("/lobby").call("join", "tea", "ada", "Ada")
    listed = client.get("/lobby/spoil/tea").get_json()
    assert listed == {"ada": [{"name": "Ada", "away": False}]}


def test_whoever_is_untracked_still_hears(connect) -> None:
    ada, bob = connect("/lobby"), connect("/lobby")
    ada.call("join", "tea", "ada")
    bob.call("join", "tea", "bob")
    seen = [Seen(ada), Seen(bob)]
    ada.call("untrack", "tea")
    for one in seen:
        sees(one, "bob")
    bob.call("untrack", "tea", "nobody")
    bob.call("untrack", "nowhere")
    sees(seen[1], "bob")


@pytest.mark.parametrize("go", ["disconnect", "cut"])
def test_whoever_is_gone_leaves_after_the_grace_period(client, connect, go) -> None:
    ada, bob = connect("/lobby"), connect("/lobby")
    ada.call("join", "tea", "ada")
    bob.call("join", "tea", "bob")
    seen = Seen(ada)
    sees(seen, "ada", "bob")
    gone_at = time.monotonic()
    getattr(bob, go)()
    sees(seen, "ada")
    assert time.monotonic() - gone_at >= GRACE
    assert list(client.get("/lobby/tea").get_json()) == ["ada"]


def test_a_page_that_is_loaded_again_has_not_left(client, connect) -> None:
    ada, bob = connect("/lobby"), connect("/lobby")
    ada.call("join", "tea", "ada")
    bob.call("join", "tea", "bob")
    seen = Seen(ada)
    sees(seen, "ada", "bob")
    bob.cut()
    bob.reconnect()
    bob.call("join", "tea", "bob")
    wait_until(lambda: seen.keys() and len(seen.present["bob"]) == 1 and seen.diffs[1:])
    time.sleep(2 * GRACE)
    assert seen.keys() == ["ada", "bob"]
    assert len(client.get("/lobby/tea").get_json()["bob"]) == 1


def test_whoever_is_kicked_has_left_at_once(connect) -> None:
    ada, bob = connect("/lobby"), connect("/lobby")
    ada.call("join", "tea", "ada")
    bob.call("join", "tea", "bob")
    seen, kicked_at = Seen(ada), time.monotonic()
    ada.call("kick", sid_of(bob))
    sees(seen, "ada")
    assert time.monotonic() - kicked_at < GRACE


def test_of_many_clients_the_first_are_named_and_all_keys_counted(connect, monkeypatch) -> None:
    monkeypatch.setattr("contract_service.flask_view.rooms.place.MOST_SHOWN", 3)
    tabs = [connect("/lobby") for _ in range(4)]
    for tab, key in zip(tabs, ["ada", "ada", "bob", "bob"], strict=True):
        tab.call("join", "tea", key)
    connect("/lobby").call("join", "tea", "cem")
    eve = connect("/lobby")
    eve.call("look", "tea")
    state = eve.expect("presence_state")
    assert {key: len(refs) for key, refs in state["present"].items()} == {"ada": 2, "bob": 1}
    assert state["count"] == 3


def test_many_changes_are_told_in_few_messages(connect) -> None:
    ada, eve = connect("/lobby"), connect("/lobby")
    ada.call("join", "tea", "ada")
    eve.call("look", "tea")
    seen = Seen(eve)
    for number in range(100):
        ada.emit("update", "tea", "ada", {"name": str(number)})
    wait_until(lambda: seen.keys() and next(iter(seen.present["ada"].values()))["name"] == "99")
    assert len(seen.diffs) < 50


def test_who_comes_and_goes_within_a_moment_is_not_told_of(connect) -> None:
    ada, bob = connect("/lobby"), connect("/lobby")
    ada.call("join", "tea", "ada")
    seen = Seen(ada)
    sees(seen, "ada")
    for _ in range(20):
        bob.emit("track", "tea", "bob", {})
        bob.emit("untrack", "tea")
    bob.call("track", "tea", "cem", {})
    sees(seen, "ada", "cem")


def test_what_one_client_may_be_tracked_as_is_bounded(connect) -> None:
    ada = connect("/lobby")
    for number in range(3):
        assert ada.call("track", "tea", number, {}) is None
    assert ada.call("track", "tea", "more", {})["error"]["status"] == 409
    assert ada.call("track", "tea", 2, {"name": "x" * 4000})["error"]["status"] == 422
    assert ada.call("track", "x" * 201, 2, {})["error"]["status"] == 422
    assert ada.call("untrack", 7)["error"]["status"] == 422
    ada.call("untrack", "tea", 0)
    assert ada.call("track", "tea", "more", {}) is None


def test_what_is_tracked_is_what_sends_declares(connect) -> None:
    ada = connect("/lobby")
    assert ada.call("track", "tea", "ada", {"name": 7})["error"]["status"] == 500
    ada.call("join", "tea", "ada")
    assert ada.call("update", "tea", "ada", {"away": "yes"})["error"]["status"] == 500


def test_nothing_is_kept_of_a_room_that_nobody_is_in(connect) -> None:
    roster = socketio.server.manager.roster
    clients = [connect("/lobby") for _ in range(3)]
    for number, client in enumerate(clients):
        client.call("join", f"room {number}", "ada")
        client.call("look", "tea")
    assert len(roster.places) == 4
    clients[0].call("leave", "room 0")
    clients[1].disconnect()
    clients[2].cut()
    clients[0].disconnect()
    wait_until(lambda: not roster.places)
    assert not roster._tracked
