"""What presence costs one process, as a module of a generated service; see `presence.py`."""

from __future__ import annotations

from .serving import async_mode  # isort: skip  # noqa: F401 - it prepares the process for the others

import json
import sys
import time
from collections.abc import Callable
from itertools import count
from types import SimpleNamespace
from typing import Any

from .flask_view.handling.serialization import dumps
from .flask_view.rooms.payloads import MOST_SHOWN
from .flask_view.rooms.presence import Presence
from .flask_view.rooms.roster import roster_of
from .serving.cluster.broker import RedisManager
from .serving.cluster.clients import LocalManager

NAMESPACE, PREFIX, ROOM = "/bench", "~bench/", "tea"
SECONDS = 0.5
PER_ROOM = 10


class Process:
    """What a process knows of its clients, all of which are connected; nothing is sent to them."""

    def __init__(self, url: str) -> None:
        """Begin without anybody, with a broker or without one."""
        self.trips = 0
        manager: Any = RedisManager(url, grace=5, serves_clients=True) if url else LocalManager()
        manager.is_connected = lambda *_: True
        server = {"emit": lambda *_, **__: None, "start_background_task": lambda *_: None}
        manager.set_server(SimpleNamespace(**server, packet_class=SimpleNamespace(json=json)))
        if url:
            self._ask, manager.ask = manager.ask, self._counted
        self.manager = manager
        self.roster = roster_of(manager)
        view: Any = SimpleNamespace(namespace=NAMESPACE)
        self.presence = Presence(view, self.roster, PREFIX)

    def track(self, room: str, key: str, *, away: bool = False) -> None:
        """Let a client come into a room, or say something else of it."""
        place = self.roster.place(NAMESPACE, PREFIX + room)
        self.roster.track(place, key, key, 1_000, lambda _: {"name": f"A {key}", "away": away})

    def untrack(self, room: str, key: str) -> None:
        """Let it leave."""
        self.roster.untrack(NAMESPACE, PREFIX + room, key)

    def listen(self, room: str, sid: str) -> None:
        """Let a client hear what happens in a room."""
        for name in (None, sid, PREFIX + room):
            self.manager.basic_enter_room(sid, NAMESPACE, name, eio_sid=sid)

    def _counted(self, *commands: Any) -> Any:
        self.trips += 1
        return self._ask(*commands)


def measured(
    process: Process, act: Callable[[int], object], undo: Callable[[int], object] = lambda _: None
) -> dict[str, float]:
    """Return what it costs to do something once, in microseconds and round trips.

    :param process: the process that does it.
    :param act: does it, for the time with a number.
    :param undo: makes it undone, so that nothing grows; that is not counted.
    """
    used = trips = done = 0
    end = time.monotonic() + SECONDS
    for number in count():
        if number > 2 and time.monotonic() > end:
            break
        before, asked = time.process_time_ns(), process.trips
        act(number)
        used += time.process_time_ns() - before
        trips += process.trips - asked
        done += 1
        undo(number)
    return {"us": used / done / 1_000, "trips": trips / done}


def main(url: str, keys: int, rooms: int) -> None:
    """Print the figures for so many keys in one room, and so many rooms."""
    here = Process(url)
    asks = (lambda command: here._ask((command, "memory"))[0]) if url else (lambda _: {})
    empty = asks("INFO").get("used_memory", 0)
    for number in range(keys):
        here.track(ROOM, f"key {number}")
    kept = (asks("INFO").get("used_memory", 0) - empty) / keys
    for number in range(1, rooms):
        for key in range(PER_ROOM):
            here.track(f"room {number}", f"key {key}")
    some = [f"room {number}" for number in range(100)]
    place = here.roster.place(NAMESPACE, PREFIX + ROOM)
    state = {"room": ROOM, "count": keys, "present": place.shown(MOST_SHOWN)}

    def come(number: int) -> None:
        here.track(ROOM, f"new {number}")

    def go(number: int) -> None:
        here.untrack(ROOM, f"new {number}")

    here.track(ROOM, "new -1")
    found: dict[str, Any] = {
        "kept": kept,
        "state": len(dumps(state)),
        "join": measured(here, come, go),
        "update": measured(here, lambda n: here.track(ROOM, "key 0", away=n % 2 == 0)),
        "leave": measured(here, lambda n: go(n - 1), come),
        "list": measured(here, lambda _: here.presence.list(ROOM)),
        "count": measured(here, lambda _: here.presence.count(ROOM)),
        "count of 100": measured(here, lambda _: here.presence.count(*some)),
    }
    if url:
        other = Process(url)
        found["list elsewhere"] = measured(other, lambda _: other.presence.list(ROOM))
        found["count elsewhere"] = measured(other, lambda _: other.presence.count(ROOM))
        other.track(ROOM, "other")
        found["heard"] = measured(
            other,
            lambda n: other.roster.heard(
                NAMESPACE, PREFIX + ROOM, {f"x-{n}": (f"x {n}", {"away": False})}, [f"x-{n - 1}"]
            ),
        )
    for number in range(keys):
        here.listen(ROOM, f"key {number}")

    def tell(number: int) -> None:
        # As if the last time was long ago.
        place.next_telling = 0.0
        come(number)

    found["told"] = measured(here, tell, lambda n: here.untrack(ROOM, f"new {n}"))
    print(json.dumps(found))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
