# Owned by the template: an update may change this file.
"""The roster: who is in which room, of all processes.

Each process tells its own clients, from what it knows itself, and each client first hears who is
there and then what has changed. Over one connection nothing overtakes anything, so that no change
reaches a client that does not know what has changed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol
from uuid import uuid4

from ..handling.errors import Problem
from ..handling.serialization import dumps
from .members import check_connected
from .place import Meta, Place
from .telling import Teller

logger = logging.getLogger(__name__)

GRACE_SECONDS = 5.0
"""How long a client may be away without having left, by default."""
_LARGEST_META = 4_000
"""How many characters of JSON a meta may have."""
_LOST_SECONDS = 7.0
"""Seconds after which those have left whom the broker has lost, and their process does not name."""

_KEPT_SECONDS = 30.0
"""How long a room is followed where only others are: to ask anew costs as much as they are many."""


class Change(NamedTuple):
    """What a process tells the others about a room."""

    place: Place
    puts: dict[str, tuple[str, Meta]]
    """Key and meta, by ref."""
    removes: dict[str, str]
    """Keys, by ref."""


class Store(Protocol):
    """What the processes of a service share about who is where."""

    def change(self, process: str, changes: list[Change]) -> None:
        """Store changes, and tell them to the others; while it is away, nothing happens."""

    def load(self, namespace: str, name: str) -> dict[str, tuple[str, str, Meta]] | None:
        """Return process, key and meta of those in a room, by ref; ``None`` while it is away."""

    def counts(self, rooms: list[tuple[str, str]]) -> list[int] | None:
        """Return how many keys are in rooms, by namespace and name; ``None`` while it is away."""

    def look(self, roster: Roster) -> None:
        """Say that this process is alive, and see whether the others are."""


class Roster:
    """Who is in which room."""

    def __init__(self, manager: Any, grace: float, store: Store | None = None) -> None:
        """Start without anybody.

        :param manager: Socket.IO's list of clients.
        :param grace: how many seconds a client may be away without having left.
        :param store: what the processes share, if there are several.
        """
        self.process = ""
        """The id of this process, from its first client on: it may be forked off until then."""
        self.places: dict[tuple[str, str], Place] = {}
        """The rooms that clients of this process are in, by namespace and name in Socket.IO."""
        self._manager = manager
        self._grace = grace
        self._store = store
        self._count = 0
        self._tracked: dict[str, dict[str, Place]] = {}
        self._outgoing: list[Change] = []
        self._is_kept = False
        # Held while who is where changes; nothing waits meanwhile.
        self._changing = threading.RLock()
        # Held while a store is asked, so that what it says comes in order.
        self._sending, self._loading = threading.Lock(), threading.Lock()
        self._teller = Teller(manager, self._changing)

    # For views

    def place(self, namespace: str, name: str) -> Place:
        """Return a room, and follow what happens there from now on.

        :param namespace: the namespace of the view.
        :param name: the room, as Socket.IO calls it.
        """
        with self._changing:
            place = self.places.get((namespace, name))
            if place is None:
                self.process = self.process or uuid4().hex
                place = self.places[namespace, name] = Place(namespace, name)
                place.is_followed = self._store is None
            place.used_at = time.monotonic()
        if not place.is_followed:
            self._follow(place)
            self.keep()
        return place

    def track(
        self, place: Place, sid: str, key: str, most: int, meta: Callable[[Meta | None], Meta]
    ) -> None:
        """Note what a client is in a room with.

        :param place: the room.
        :param sid: the client's ``request.sid``, of this process.
        :param key: who it is.
        :param most: how often one client may be tracked.
        :param meta: returns what is to be known, in JSON's types, from what has been.
        :raises Problem: 409, it is tracked too often; 422, that is too much; 503, it has left.
        """
        try:
            place, is_changed = self._track(place, sid, key, most, meta)
        except BaseException:
            self._forget_if_empty(place)
            raise
        if is_changed:
            self._finish(place)

    def _track(
        self, place: Place, sid: str, key: str, most: int, meta: Callable[[Meta | None], Meta]
    ) -> tuple[Place, bool]:
        with self._changing:
            check_connected(self._manager, place.namespace, sid)
            # It is forgotten while nobody is there.
            place = self.places.setdefault((place.namespace, place.name), place)
            tracked = self._tracked.get(sid, {})
            ref = next(iter(_refs(tracked, place, key)), None)
            before = place.metas[key][ref] if ref else None
            now = meta(before)
            if now == before:
                return place, False
            if len(key) + len(dumps(now)) > _LARGEST_META:
                raise Problem(422, f"What is tracked has at most {_LARGEST_META} characters.")
            if ref is None and len(tracked) >= most:
                raise Problem(409, f"Nobody is tracked more than {most} times. Leave a room first.")
            came_back = None if ref else place.away_under(key)
            ref = ref or self._new_ref()
            place.own[ref] = sid
            place.put(ref, key, now)
            self._tracked.setdefault(sid, tracked)[ref] = place
            self._outgoing.append(Change(place, {ref: (key, now)}, {}))
            if came_back:
                self._remove(place, came_back)
        # If it was forgotten, nobody has told it what happened meanwhile.
        self._follow(place)
        return place, True

    def untrack(self, namespace: str, name: str, sid: str, key: str | None = None) -> None:
        """Note that a client is not in a room any more, or not under one key."""
        place = self.places.get((namespace, name))
        if place is None:
            return
        with self._changing:
            for ref in _refs(self._tracked.get(sid, {}), place, key):
                self._remove(place, ref)
        self._finish(place)

    def joined(self, namespace: str, name: str) -> None:
        """Note that a client has joined a room; it is told who is there."""
        # In a moment, as it may be about to be tracked.
        self._teller.tell_soon(self.place(namespace, name))

    def left(self, namespace: str, name: str, sid: str) -> None:
        """Note that a client has left a room, and with it everybody that it was tracked as."""
        if place := self.places.get((namespace, name)):
            with self._changing:
                place.forget(sid)
            self.untrack(namespace, name, sid)

    def disconnected(self, sid: str, namespace: str, names: list[str], *, for_good: bool) -> None:
        """Note that a client is gone.

        :param sid: the client's ``request.sid``.
        :param namespace: the namespace that it was in.
        :param names: the rooms that it was in, as Socket.IO calls them.
        :param for_good: whether it cannot come back.
        """
        until = time.monotonic() + self._grace
        with self._changing:
            tracked = self._tracked.get(sid, {})
            joined = (self.places.get((namespace, name)) for name in names)
            places = {place for place in joined if place}.union(tracked.values())
            for place in places:
                place.forget(sid)
            for ref, place in list(tracked.items()):
                if for_good or not self._grace:
                    self._remove(place, ref)
                else:
                    place.away.setdefault(ref, until)
        if tracked:
            self.keep()
        for place in places:
            self._finish(place)

    def present(self, namespace: str, name: str) -> dict[str, list[Meta]]:
        """Return who is in a room: the metas of each key, which are the caller's own."""
        place = self.places.get((namespace, name))
        if self._store and not (place and place.is_followed):
            found = self._store.load(namespace, name)
            if found is not None:
                metas: dict[str, list[Meta]] = {}
                for _, key, meta in found.values():
                    metas.setdefault(key, []).append(meta)
                return metas
        with self._changing:
            known = place.metas if place else {}
            return {key: [dict(meta) for meta in of_key.values()] for key, of_key in known.items()}

    def counts(self, rooms: list[tuple[str, str]]) -> list[int]:
        """Return how many keys are in rooms, by namespace and name."""
        places = {room: place for room in rooms if (place := self.places.get(room))}
        counts = {room: len(place.metas) for room, place in places.items()}
        unknown = [room for room in rooms if room not in places or not places[room].is_followed]
        if unknown and self._store and (shared := self._store.counts(unknown)) is not None:
            counts.update(zip(unknown, shared, strict=True))
        return [counts.get(room, 0) for room in rooms]

    # For other processes

    def heard(
        self, namespace: str, name: str, puts: dict[str, tuple[str, Meta]], removes: list[str]
    ) -> None:
        """Take note of what another process has told.

        :param namespace: the namespace of the room.
        :param name: the room, as Socket.IO calls it.
        :param puts: key and meta, by ref.
        :param removes: refs.
        """
        place = self.places.get((namespace, name))
        if place is None:
            if self._teller.is_empty(namespace, name):
                return
            # Its view has said nothing yet of those who are here.
            place = self.place(namespace, name)
        with self._changing:
            for ref, (key, meta) in puts.items():
                is_new = place.put(ref, key, meta)
                if is_new and (came_back := place.away_under(key)):
                    self._remove(place, came_back)
            for ref in removes:
                place.remove(ref)
        self._finish(place)

    def reconcile(self) -> None:
        """Compare what this process knows with what all of them share, as some of it was lost."""
        for place in list(self.places.values()):
            self._follow(place, again=True)
            self._finish(place)

    # Housekeeping

    def keep(self) -> None:
        """Look after those who are away, from now on, and after other processes."""
        with self._changing:
            if self._is_kept:
                return
            self._is_kept = True
            self.process = self.process or uuid4().hex
        self._manager.server.start_background_task(self._keep)

    def _keep(self) -> None:
        pause = min(1.0, max(0.02, self._grace / 4))
        while self._is_needed():
            self._manager.server.sleep(pause)
            try:
                self._let_go()
                if self._store:
                    self._store.look(self)
            except Exception:
                logger.exception("Those who are away could not be looked after; trying again")

    def _is_needed(self) -> bool:
        with self._changing:
            anybody_away = any(place.away for place in self.places.values())
            self._is_kept = self._store is not None or anybody_away
            return self._is_kept

    def _let_go(self) -> None:
        """Note that those have left who did not come back, and those that the broker has lost."""
        now = time.monotonic()
        for place in list(self.places.values()):
            with self._changing:
                over = [ref for ref, until in place.away.items() if until <= now]
                for ref in over:
                    self._remove(place, ref)
                lost = [ref for ref, at in place.lost.items() if at + _LOST_SECONDS <= now]
            # Unless it is away again, and their process had no time to put them back.
            if lost and self._follow(place, again=True):
                with self._changing:
                    for ref in place.lost.keys() & lost:
                        place.remove(ref)
            if over or lost:
                self._finish(place)
            self._forget_if_empty(place)

    def _follow(self, place: Place, *, again: bool = False) -> bool:
        """Learn who is in a room of other processes, and correct what they know of this one's.

        :param place: the room.
        :param again: whether to ask even if that is known.
        :return: whether it is known now.
        """
        if self._store is None:
            return True
        with self._loading:
            if place.is_followed and not again:
                return True
            changed = place.changed = set()
            found = self._store.load(place.namespace, place.name)
            with self._changing:
                place.changed = None
                if found is None:
                    return False
                self._merge(place, found, changed)
                place.is_followed = True
                return True

    def _merge(
        self, place: Place, found: dict[str, tuple[str, str, Meta]], changed: set[str]
    ) -> None:
        puts: dict[str, tuple[str, Meta]] = {}
        removes: dict[str, str] = {}
        for ref, key in place.refs().items():
            meta = place.metas[key][ref]
            if ref in changed:
                continue
            if ref not in place.own and ref not in found:
                place.lost.setdefault(ref, time.monotonic())
            elif ref in place.own and (ref not in found or found[ref][2] != meta):
                puts[ref] = (key, meta)
        for ref, (process, key, meta) in found.items():
            if ref in changed:
                continue
            if process != self.process:
                place.put(ref, key, meta)
            elif ref not in place.own:
                removes[ref] = key
        if puts or removes:
            self._outgoing.append(Change(place, puts, removes))

    def _remove(self, place: Place, ref: str) -> None:
        """Forget what a client of this process was tracked with."""
        sid = place.own[ref]
        key = place.remove(ref)
        del self._tracked[sid][ref]
        if not self._tracked[sid]:
            del self._tracked[sid]
        if key is not None:
            self._outgoing.append(Change(place, {}, {ref: key}))

    def _finish(self, place: Place) -> None:
        """Tell the clients of this process, and the other processes."""
        self._teller.tell(place)
        self._forget_if_empty(place)
        if self._store is None:
            self._outgoing.clear()
            return
        # Whoever comes while this is held has its changes sent by the next one, all at once.
        with self._sending:
            with self._changing:
                changes, self._outgoing = self._outgoing, []
            if changes:
                self._store.change(self.process, changes)

    def _forget_if_empty(self, place: Place) -> None:
        """Forget a room in which this process has no client, after a while if others are there."""
        room = place.namespace, place.name
        with self._changing:
            if place.own or not self._teller.is_empty(*room) or self.places.get(room) is not place:
                return
            if not place.metas or place.used_at + _KEPT_SECONDS <= time.monotonic():
                del self.places[room]
                place.is_followed = self._store is None

    def _new_ref(self) -> str:
        self._count += 1
        return f"{self.process[:8]}-{self._count:x}"


def _refs(tracked: dict[str, Place], place: Place, key: str | None) -> list[str]:
    """Return the refs of a client in a room, under one key or under any."""
    refs = [ref for ref, where in tracked.items() if where is place]
    return refs if key is None else [ref for ref in refs if place.key_of(ref) == key]


def roster_of(manager: Any) -> Roster:
    """Return who is where among the clients of a Socket.IO server.

    :param manager: its list of clients. One that shares them with others has a roster already.
    """
    roster: Roster | None = vars(manager).get("roster")
    if roster is None:
        roster = vars(manager).setdefault("roster", Roster(manager, GRACE_SECONDS))
    return roster
