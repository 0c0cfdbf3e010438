"""The roster of a process: what it makes of what the others tell, whatever happens meanwhile."""

from __future__ import annotations

import threading

import pytest
from contract_service.flask_view import Problem
from contract_service.flask_view.rooms import roster as rosters
from contract_service.flask_view.rooms.roster import Roster
from contract_service.serving.cluster import rosters as shared_rosters
from contract_service.serving.cluster.rosters import SharedRosters

from .conftest import wait_until

ROOM = ("/lobby", "tea")


class Clients:
    """A list of clients, all of which are connected, and the server that they are connected to."""

    def __init__(self):
        self.server = self
        self.listening = []
        self.told = []

    def is_connected(self, sid, namespace):
        return True

    @property
    def rooms(self):
        return {ROOM[0]: {ROOM[1]: self.listening} if self.listening else {}}

    def get_participants(self, namespace, room):
        return [(sid, "") for sid in self.listening]

    def emit(self, event, payload, *, to, namespace, ignore_queue):
        self.told.append((event, payload, to))

    def start_background_task(self, function, *arguments):
        pass


class Shelf:
    """What processes share, in memory: process, key and meta by ref."""

    def __init__(self):
        self.kept = {}
        self.loads = 0
        self.is_away = False
        self.meanwhile = lambda: None

    def change(self, process, changes):
        for _, puts, removes in () if self.is_away else changes:
            self.kept.update({ref: (process, key, meta) for ref, (key, meta) in puts.items()})
            for ref in removes:
                self.kept.pop(ref, None)

    def load(self, namespace, name):
        self.loads += 1
        found = None if self.is_away else dict(self.kept)
        self.meanwhile()
        return found

    def counts(self, rooms):
        return None if self.is_away else [len({key for _, key, _ in self.kept.values()})]


@pytest.fixture
def clients():
    return Clients()


@pytest.fixture
def shelf():
    return Shelf()


@pytest.fixture
def roster(clients, shelf):
    return Roster(clients, 5.0, shelf)


def track(roster, key, sid="sid", most=9, **meta):
    roster.track(roster.place(*ROOM), sid, key, most, lambda _: meta)


def let_go_of_lost(roster, monkeypatch):
    monkeypatch.setattr(rosters, "_LOST_SECONDS", 0)
    roster._let_go()


def test_who_comes_while_the_others_are_asked_stays(roster, shelf, monkeypatch) -> None:
    track(roster, "ada")
    shelf.meanwhile = lambda: roster.heard(*ROOM, {"b-1": ("bob", {})}, [])
    roster.reconcile()
    let_go_of_lost(roster, monkeypatch)
    assert list(roster.present(*ROOM)) == ["ada", "bob"]


def test_who_changes_while_the_others_are_asked_is_as_was_told(roster, shelf, clients) -> None:
    clients.listening = ["eve"]
    shelf.kept["b-1"] = ("other", "bob", {"name": "old"})
    shelf.meanwhile = lambda: roster.heard(*ROOM, {"b-1": ("bob", {"name": "new"})}, [])
    roster.place(*ROOM)
    assert roster.present(*ROOM) == {"bob": [{"name": "new"}]}


def test_who_leaves_while_the_others_are_asked_is_gone(roster, shelf, clients) -> None:
    clients.listening = ["eve"]
    shelf.kept["b-1"] = ("other", "bob", {})
    shelf.meanwhile = lambda: roster.heard(*ROOM, {}, ["b-1"])
    roster.place(*ROOM)
    assert roster.present(*ROOM) == {}


def test_those_who_come_at_once_ask_once(roster, shelf) -> None:
    begun = []

    def come(number):
        begun.append(number)
        track(roster, f"key {number}", sid=f"sid {number}")

    coming = [threading.Thread(target=come, args=(number,)) for number in range(5)]
    shelf.meanwhile = lambda: wait_until(lambda: len(begun) == 5)
    for thread in coming:
        thread.start()
    for thread in coming:
        thread.join()
    assert shelf.loads == 1
    assert len(roster.present(*ROOM)) == 5


def test_nothing_is_kept_of_a_room_in_which_nobody_could_be_tracked(roster) -> None:
    with pytest.raises(Problem):
        track(roster, "ada", name="x" * 5_000)
    with pytest.raises(Problem):
        track(roster, "ada", most=0)
    roster.untrack("/lobby", "anywhere", "sid")
    assert not roster.places


def test_a_room_that_was_forgotten_meanwhile_is_asked_for_again(roster, shelf) -> None:
    place = roster.place(*ROOM)
    roster.untrack(*ROOM, "sid")
    assert not roster.places
    shelf.kept["b-1"] = ("other", "bob", {})
    roster.track(place, "sid", "ada", 9, lambda _: {})
    assert sorted(roster.present(*ROOM)) == ["ada", "bob"]


def test_a_room_of_others_is_not_asked_for_each_time_somebody_comes(roster, shelf, monkeypatch):
    shelf.kept["b-1"] = ("other", "bob", {})
    for _ in range(3):
        track(roster, "ada")
        roster.untrack(*ROOM, "sid")
    assert shelf.loads == 1
    roster._let_go()
    assert roster.places
    monkeypatch.setattr(rosters, "_KEPT_SECONDS", 0)
    roster._let_go()
    assert not roster.places


def test_who_is_here_is_counted_while_the_broker_is_away(roster, shelf) -> None:
    shelf.is_away = True
    track(roster, "ada")
    assert list(roster.present(*ROOM)) == ["ada"]
    assert roster.counts([ROOM, ("/lobby", "empty")]) == [1, 0]


def test_nobody_is_given_up_while_the_broker_is_away_again(roster, shelf, monkeypatch) -> None:
    track(roster, "ada")
    roster.heard(*ROOM, {"b-1": ("bob", {})}, [])
    roster.reconcile()
    shelf.is_away = True
    let_go_of_lost(roster, monkeypatch)
    assert list(roster.present(*ROOM)) == ["ada", "bob"]
    shelf.is_away = False
    roster._let_go()
    assert list(roster.present(*ROOM)) == ["ada"]


class Broker:
    """A broker that knows of another process, which is silent."""

    def __init__(self):
        self.is_away = False
        self.alive = set()
        self.has_buried = False

    def ask(self, *commands):
        return None if self.is_away else [self._answer(*command) for command in commands]

    def _answer(self, name, *arguments):
        if name == "SET":
            self.alive.add(arguments[0])
        self.has_buried |= name == "EVAL"
        processes = [b"other"] if "processes" in arguments[0] else []
        return processes if name == "SMEMBERS" else int(arguments[0] in self.alive)


def test_others_may_be_late_when_the_broker_is_back(roster, monkeypatch) -> None:
    monkeypatch.setattr(shared_rosters, "_BEAT", 0)
    broker = Broker()
    shared = SharedRosters(broker)
    for is_away in (False, False, True, False, False):
        broker.is_away = is_away
        shared.look(roster)
        assert not broker.has_buried
    shared.look(roster)
    assert broker.has_buried


def test_a_broker_that_is_back_is_told_at_once_who_is_alive(roster) -> None:
    broker = Broker()
    shared = SharedRosters(broker)
    shared.look(roster)
    shared.is_behind = broker.is_away = True
    shared.look(roster)
    broker.is_away, broker.alive = False, set()
    shared.look(roster)
    assert broker.alive
    assert not shared.is_behind
