# ruff: noqa: D103 - the name of a test says what it asserts
"""Who is in a room of several instances, while any of these, the broker and the network fail."""

import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from conftest import Bake
from environments import interpreter, run_python
from forwarder import forwarding
from hostile import ConnectionEnded, WebSocket, event
from redis_server import Redis
from server import Server, eventually, package_of, started

VIEW = '''
"""A lobby with rooms."""

from dataclasses import dataclass
from typing import Any

from ..flask_view import FlaskView, PresenceDiff, PresenceState


@dataclass(frozen=True)
class Here:
    """What is known of somebody."""

    tab: int = 0


class LobbyView(FlaskView):
    """Answers at /lobby."""

    sends = {"presence_state": PresenceState[Here], "presence_diff": PresenceDiff[Here]}

    def get(self, room: str) -> dict[str, Any]:
        """Say who is in a room: how many tabs each key has, and how many keys there are."""
        present = self.presence.list(room)
        tabs = {key: len(metas) for key, metas in present.items()}
        return {"tabs": tabs, "count": self.presence.count(room)[room]}

    def socket_join(self, room: str, key: str, tab: int) -> None:
        """Join, and be seen."""
        self.join(room)
        self.presence.track(room, key, tab=tab)

    def socket_look(self, room: str) -> None:
        """Join, and be seen by nobody."""
        self.join(room)

    def socket_leave(self, room: str) -> None:
        """Leave."""
        self.leave(room)

    def socket_kick(self, room: str) -> None:
        """Disconnect all in a room."""
        self.kick(room)
'''
ROOM = "tea"
GRACE = 2.0
FORGOTTEN_WITHIN = 15.0
"""Seconds after which nobody sees the clients of an instance that is not there any more."""
RIGHT_WITHIN = 15.0
"""Seconds after which all lists are right that were not while the broker was away."""
# A message, and a moment for a slow machine.
SOON = 3.0


@pytest.fixture(
    params=[
        "eventlet",
        *(pytest.param(mode, marks=pytest.mark.full) for mode in ("gevent", "threading")),
    ]
)
def service(request: pytest.FixtureRequest, bake: Bake) -> Path:
    """Return a service with a lobby."""
    service = bake(async_mode=request.param, starter="minimal")
    (service / "src" / package_of(service) / "views" / "lobby.py").write_text(VIEW)
    return service


class Instance:
    """A process of the service, and the id that it is known by to the others."""

    def __init__(self, server: Server, process: str) -> None:
        """Keep both."""
        self.server = server
        self.process = process

    def present(self, room: str = ROOM) -> dict[str, int]:
        """Return how many tabs each key has in a room, over HTTP."""
        answer = json.loads(self.server.request("GET", f"/lobby/{room}").text)
        tabs: dict[str, int] = answer["tabs"]
        assert answer["count"] == len(tabs)
        return tabs

    def signal(self, number: int) -> None:
        """Send a signal to the process, and to those that it has started."""
        os.killpg(self.server.process.pid, number)


Start = Callable[..., Instance]


@pytest.fixture
def start(service: Path, broker: Redis) -> Iterator[Start]:
    """`start(port)`: an instance that finds the broker at this port, by default at its own."""
    with ExitStack() as stack:

        def start(port: int = broker.port) -> Instance:
            known = processes(broker)
            settings = {
                "MESSAGE_QUEUE_URL": f"redis://127.0.0.1:{port}",
                "PRESENCE_GRACE_SECONDS": str(GRACE),
            }
            server = stack.enter_context(started(interpreter(service), service, **settings))
            (process,) = eventually(lambda: processes(broker) - known)
            return Instance(server, process)

        yield start


class Visitor:
    """A tab in a room, which works out from what it is told who else is there."""

    def __init__(
        self, instance: Instance, key: str = "", *, room: str = ROOM, tab: int = 0
    ) -> None:
        """Connect and join; without a key, only look.

        :param instance: the instance to connect to.
        :param key: who it is.
        :param room: the room.
        :param tab: what is known of it.
        """
        self.instance = instance
        self.key = key
        self.present: dict[str, dict[str, Any]] = {}
        self.has_state = False
        self.left: list[str] = []
        """The keys that it has seen leave."""
        self.mistakes: list[str] = []
        """What it was told that makes no sense."""
        self.ended = threading.Event()
        self._room = room
        self._acks: dict[int, Any] = {}
        self._count = 0
        self._socket = WebSocket(instance.server)
        self._socket.send("40/lobby,")
        threading.Thread(target=self._read, daemon=True).start()
        eventually(lambda: 0 in self._acks)
        if key:
            self.call("join", room, key, tab)
        else:
            self.call("look", room)

    def call(self, name: str, *arguments: Any) -> float:
        """Emit an event, wait until it is answered, and return how long that took, in seconds."""
        self._count += 1
        number, begin = self._count, time.monotonic()
        self._socket.send(event(name, *arguments, namespace="/lobby", number=number))
        eventually(lambda: number in self._acks)
        assert not self._acks[number], self._acks[number]
        return time.monotonic() - begin

    def leave(self) -> float:
        """Leave the room."""
        return self.call("leave", self._room)

    def vanish(self) -> None:
        """Lose the connection."""
        # The other thread reads from it, so that to close it would not end it.
        self._socket.socket.shutdown(socket.SHUT_RDWR)

    def tabs(self) -> dict[str, int]:
        """Return how many tabs each key has in the room."""
        assert not self.mistakes
        return {key: len(refs) for key, refs in self.present.copy().items()}

    def sees(self, *keys: str, seconds: float = SOON) -> float:
        """Wait until these are in the room and nobody else; return for how long, in seconds."""
        begin = time.monotonic()
        eventually(lambda: self.has_state and sorted(self.tabs()) == sorted(keys), seconds)
        return time.monotonic() - begin

    def _read(self) -> None:
        try:
            while True:
                packet = self._socket.packet(120)
                if packet == "2":
                    self._socket.send("3")
                elif packet.startswith("41"):
                    self.ended.set()
                else:
                    self._take(packet)
        except (ConnectionEnded, OSError):
            self.ended.set()

    def _take(self, packet: str) -> None:
        number, bracket, data = packet.partition(",")[2].partition("[")
        if packet.startswith("42"):
            name, payload = json.loads(bracket + data)
            try:
                self._hear(name, payload)
            except (AssertionError, KeyError) as error:
                self.mistakes.append(f"{error!r} for {name} {payload} in {self.present}")
        else:
            self._acks[int(number) if number.isdigit() else 0] = json.loads(bracket + data or "0")

    def _hear(self, name: str, payload: Any) -> None:
        if name == "presence_state":
            assert not self.has_state, "the state came twice"
            self.has_state, self.present = True, payload["present"]
        else:
            assert self.has_state, "a change came before the state"
            present = {key: dict(refs) for key, refs in self.present.items()}
            for key, refs in payload["leaves"].items():
                for ref in refs:
                    del present[key][ref]
            for key, refs in payload["joins"].items():
                present.setdefault(key, {}).update(refs)
            self.left += [key for key, refs in present.items() if not refs]
            self.present = {key: refs for key, refs in present.items() if refs}
        assert payload["count"] == len(self.present)


def shows(visitor: Visitor, key: str, meta: Any) -> bool:
    """Tell whether somebody sees one tab of a key, of which this is known."""
    return [*visitor.present[key].values()] == [meta]


def processes(broker: Redis) -> set[str]:
    """Return the ids of the processes that are taken for alive."""
    return set(broker.ask("SMEMBERS", "flask-socketio:processes"))


def owners(broker: Redis) -> set[str]:
    """Return the ids of the processes that anything kept in the broker names."""
    found = set()
    for key in broker.ask("KEYS", "flask-socketio:*"):
        if key.startswith("flask-socketio:room:"):
            found |= {json.loads(kept)[0] for kept in broker.ask("HVALS", key)}
        elif key.startswith("flask-socketio:rooms:"):
            found.add(key.rpartition(":")[2])
    return found


def all_say(instances: list[Instance], tabs: dict[str, int], seconds: float = SOON) -> float:
    """Wait until all instances say the same over HTTP; return for how long, in seconds."""
    begin = time.monotonic()
    eventually(lambda: all(one.present() == tabs for one in instances), seconds)
    return time.monotonic() - begin


def test_a_key_is_there_as_long_as_any_of_its_tabs_is(start: Start, broker: Redis) -> None:
    one, other, empty = instances = [start() for _ in range(3)]
    eve = Visitor(one)
    tabs = [Visitor(place, "ada", tab=n) for n, place in enumerate((one, one, other))]
    watching = [eve, *tabs]
    for visitor in watching:
        visitor.sees("ada")
    all_say(instances, {"ada": 3})

    for gone, tab in enumerate(tabs[:2], 1):
        tab.leave()
        all_say(instances, {"ada": 3 - gone})
    assert eve.left == []
    tabs[2].leave()
    eve.sees()
    assert eve.left == ["ada"]
    all_say(instances, {})
    assert owners(broker) == set()
    assert empty.present("nobody's") == {}


def test_a_page_that_is_loaded_again_elsewhere_has_not_left(start: Start) -> None:
    one, other = start(), start()
    eve, bob = Visitor(one), Visitor(other)
    before = Visitor(one, "ada", tab=1)
    for visitor in (eve, bob):
        visitor.sees("ada")
    before.vanish()
    after = Visitor(other, "ada", tab=2)
    all_say([one, other], {"ada": 1})
    for visitor in (eve, bob, after):
        eventually(partial(shows, visitor, "ada", {"tab": 2}), SOON)
        assert visitor.left == []
    time.sleep(GRACE)
    all_say([one, other], {"ada": 1})


def test_everybody_in_a_room_is_kicked_from_all_instances(start: Start) -> None:
    one, other = start(), start()
    ada, bob, cem = Visitor(one, "ada"), Visitor(other, "bob"), Visitor(other, "cem", room="milk")
    eve = Visitor(one)
    eve.sees("ada", "bob")
    cem.call("kick", ROOM)
    for visitor in (ada, bob, eve):
        assert visitor.ended.wait(SOON)
    all_say([one, other], {}, GRACE / 2)
    assert not cem.ended.is_set()


def test_instances_that_are_gone_are_forgotten_and_may_come_back(
    start: Start, broker: Redis
) -> None:
    with forwarding(broker.port) as network:
        here, killed, still, cut = start(), start(), start(), start(network.port)
        eve, fay = Visitor(here, "eve"), Visitor(here, "fay")
        Visitor(killed, "bob")
        Visitor(killed, "cem")
        dan, gil = Visitor(still, "dan"), Visitor(cut, "gil")
        for visitor in (eve, dan, gil):
            visitor.sees("bob", "cem", "dan", "eve", "fay", "gil")

        killed.signal(signal.SIGKILL)
        still.signal(signal.SIGSTOP)
        network.cut()
        cem = Visitor(here, "cem")
        took = eve.sees("cem", "eve", "fay", seconds=FORGOTTEN_WITHIN)
        print(f"Forgotten after {took:.1f} s")
        assert sorted(eve.left) == ["bob", "dan", "gil"]
        assert here.present() == {"cem": 1, "eve": 1, "fay": 1}
        eventually(lambda: owners(broker) == processes(broker) == {here.process}, SOON)

        # Who goes now is missed where nobody can be told.
        fay.leave()
        still.signal(signal.SIGCONT)
        network.mend()
        took = eve.sees("cem", "dan", "eve", "gil", seconds=RIGHT_WITHIN)
        print(f"Back after {took:.1f} s")
        for visitor in (cem, dan, gil):
            took = visitor.sees("cem", "dan", "eve", "gil", seconds=RIGHT_WITHIN + SOON)
            print(f"Right at {visitor.key}'s after {took:.1f} s more")
        all_say([here, still, cut], {"cem": 1, "dan": 1, "eve": 1, "gil": 1})
        assert sorted(eve.left) == ["bob", "dan", "fay", "gil"]
        for visitor in (dan, gil):
            assert not {"cem", "eve", visitor.key} & set(visitor.left)


def test_an_instance_that_was_taken_for_dead_puts_its_clients_back(
    start: Start, broker: Redis
) -> None:
    one, other = start(), start()
    Visitor(other, "ada")
    all_say([one, other], {"ada": 1})
    # As the others do it, between two signs of life.
    kept = [key for kind in ("room", "keys") for key in broker.ask("KEYS", f"*:{kind}:*")]
    broker.ask("SREM", "flask-socketio:processes", other.process)
    broker.ask("DEL", f"flask-socketio:alive:{other.process}", *kept)
    assert one.present() == {}
    # That it says something at once does not hide from it that it was forgotten.
    Visitor(other, "bob")
    all_say([one, other], {"ada": 1, "bob": 1}, RIGHT_WITHIN)


BURIAL = """
import sys
import {package}.serving.async_mode
from {package}.flask_view.rooms.place import Place
from {package}.flask_view.rooms.roster import Change
from {package}.serving.cluster.broker import RedisManager

shared = RedisManager(sys.argv[1], grace=1, serves_clients=True)._shared
place = Place("/lobby", "tea")
place.own["ref"] = "sid"
shared.change("late", [Change(place, {{"ref": ("ada", {{}})}}, {{}})])
shared._remove("late")
print(len(shared.load("/lobby", "tea")))
"""


def test_an_instance_that_lives_after_all_loses_nobody(service: Path, broker: Redis) -> None:
    def kept() -> str:
        script = BURIAL.format(package=package_of(service))
        return run_python(service, 60, "-c", script, broker.url).stdout.strip()

    assert (kept(), processes(broker)) == ("0", set())
    broker.ask("SET", "flask-socketio:alive:late", "1")
    assert (kept(), processes(broker)) == ("1", {"late"})


def test_a_broker_that_begins_anew_has_everybody_again(start: Start, broker: Redis) -> None:
    one, other = start(), start()
    ada, bob, cem = Visitor(one, "ada"), Visitor(other, "bob"), Visitor(other, "cem")
    for visitor in (ada, bob):
        visitor.sees("ada", "bob", "cem")

    broker.stop()
    dan = Visitor(one, "dan")
    cem.leave()
    for visitor in (ada, dan):
        visitor.sees("ada", "bob", "cem", "dan")
    bob.sees("ada", "bob")
    assert one.present().keys() == {"ada", "bob", "cem", "dan"}
    broker.start()
    begin = time.monotonic()
    for visitor in (ada, bob, dan):
        visitor.sees("ada", "bob", "dan", seconds=RIGHT_WITHIN)
    print(f"Right {time.monotonic() - begin:.1f} s after a broker has begun anew")
    all_say([one, other, start()], {"ada": 1, "bob": 1, "dan": 1})
    for visitor in (ada, bob, dan):
        assert visitor.left == ["cem"]


@pytest.mark.full
def test_a_broker_that_hangs_lets_nobody_leave_who_is_there(start: Start, broker: Redis) -> None:
    one, other = start(), start()
    ada, bob = Visitor(one, "ada"), Visitor(other, "bob")
    ada.sees("ada", "bob")

    broker.hang()
    begin = time.monotonic()
    # Whoever comes first waits until it is clear that it hangs, and nobody after that.
    cem = Visitor(one, "cem")
    assert time.monotonic() - begin < 5
    dan = Visitor(one, "dan")
    assert cem.leave() < 1
    ada.sees("ada", "bob", "dan")
    # For longer than a sign of life lasts.
    time.sleep(max(0, begin + 9 - time.monotonic()))
    broker.go_on()
    begin = time.monotonic()
    bob.sees("ada", "bob", "dan", seconds=RIGHT_WITHIN)
    all_say([one, other], {"ada": 1, "bob": 1, "dan": 1}, RIGHT_WITHIN)
    print(f"Right {time.monotonic() - begin:.1f} s after a broker has hung")
    # Until two looks would have missed somebody's sign of life.
    time.sleep(7)
    all_say([one, other], {"ada": 1, "bob": 1, "dan": 1})
    for visitor in (ada, bob, dan):
        # What was sent to it just before may still arrive.
        assert set(visitor.left) <= {"cem"}


@pytest.mark.full
def test_nobody_leaves_when_all_instances_are_replaced(start: Start, broker: Redis) -> None:
    instances = [start() for _ in range(3)]
    visitors = {key: Visitor(instances[n % 3], key) for n, key in enumerate("abcdef")}
    ever = [*visitors.values()]
    for visitor in ever:
        visitor.sees(*visitors)

    for n, old in enumerate([*instances]):
        others = [instance for instance in instances if instance is not old]
        old.server.terminate()
        for key in [key for key, visitor in visitors.items() if visitor.instance is old]:
            assert visitors[key].ended.wait(10)
            visitors[key] = Visitor(others[ord(key) % 2], key)
            visitors[key].sees(*visitors)
            ever.append(visitors[key])
        assert old.server.process.wait(10) == 0
        instances[n] = start()

    took = all_say(instances, dict.fromkeys(visitors, 1), FORGOTTEN_WITHIN)
    print(f"Right {took:.1f} s after the last instance has been replaced")
    alive = {instance.process for instance in instances}
    eventually(lambda: owners(broker) | processes(broker) == alive, FORGOTTEN_WITHIN)
    assert {key for visitor in ever for key in visitor.left} == set()
