# Owned by the template: an update may change this file.
"""One room: who is there, as this process knows it, and what its clients have been told."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

from .names import meant
from .payloads import MOST_SHOWN

Meta = dict[str, Any]
"""What is known of somebody, in JSON's types."""
Metas = dict[str, dict[str, Meta]]
"""The same, by key and by ref: the id of what one client is tracked with."""


class News(NamedTuple):
    """What is to be told, and to whom."""

    new: list[str]
    """The clients that do not know who is here, and"""
    state: dict[str, Any]
    """what they have to know."""
    known: list[str]
    """Those that do, and"""
    diff: dict[str, Any]
    """what has changed; empty if nothing has."""


class Place:
    """A room in which somebody is tracked, or may be."""

    def __init__(self, namespace: str, name: str) -> None:
        """Start without anybody.

        :param namespace: the namespace of the view.
        :param name: the room, as Socket.IO calls it.
        """
        self.namespace = namespace
        self.name = name
        self.room: str = meant(name)
        """The room, as the view calls it."""
        self.metas: Metas = {}
        """Everyone who is here, in whichever process."""
        self.own: dict[str, str] = {}
        """The clients of this process among them: their sids, by ref."""
        self.away: dict[str, float] = {}
        """Those among these that have gone and may come back, and until when, by ref."""
        self.lost: dict[str, float] = {}
        """The refs of other processes that the broker does not have any more, and since when."""
        self.changed: set[str] | None = None
        """The refs that change while it is being asked who is here: the answer is older."""
        self.is_followed = False
        """Whether it is known who is here of other processes."""
        self.used_at = 0.0
        """When somebody of this process came last, by ``time.monotonic()``."""
        self.is_being_told = False
        self.next_telling = 0.0
        """When the clients are told again at the earliest, by ``time.monotonic()``."""
        self._keys: dict[str, str] = {}
        self._told: set[str] = set()
        # What clients know of the refs that have changed since they were told: key and meta.
        self._before: dict[str, tuple[str, Meta | None]] = {}

    def put(self, ref: str, key: str, meta: Meta) -> bool:
        """Note what somebody is tracked with; return whether that ref is a new one."""
        self.lost.pop(ref, None)
        if self.changed is not None:
            self.changed.add(ref)
        of_key = self.metas.setdefault(key, {})
        before = of_key.get(ref)
        if before != meta:
            self._before.setdefault(ref, (key, before))
            of_key[ref] = meta
            self._keys[ref] = key
        return before is None

    def remove(self, ref: str) -> str | None:
        """Forget what somebody was tracked with; return the key, if it was known."""
        for known in (self.own, self.away, self.lost):
            known.pop(ref, None)
        if self.changed is not None:
            self.changed.add(ref)
        key = self._keys.pop(ref, None)
        if key is not None:
            of_key = self.metas[key]
            self._before.setdefault(ref, (key, of_key[ref]))
            del of_key[ref]
            if not of_key:
                del self.metas[key]
        return key

    def refs(self) -> dict[str, str]:
        """Return the keys of everyone who is here, by ref."""
        return dict(self._keys)

    def key_of(self, ref: str) -> str:
        """Return the key that a ref belongs to."""
        return self._keys[ref]

    def away_under(self, key: str) -> str | None:
        """Return the ref of a client under a key that has gone and may come back, if any has."""
        if not self.away:
            return None
        return next((ref for ref in self.metas.get(key, ()) if ref in self.away), None)

    def shown(self, most: int) -> Metas:
        """Return who is here, so many clients at most."""
        shown: Metas = {}
        for key, of_key in self.metas.items():
            if most <= 0:
                break
            shown[key] = dict(islice(of_key.items(), most))
            most -= len(of_key)
        return shown

    def forget(self, sid: str) -> None:
        """Note that a client is not in the room any more, and is told nothing of it."""
        self._told.discard(sid)

    def news(self, clients: Iterable[str]) -> News | None:
        """Return what is to be told now, and take it for told.

        :param clients: the clients of this process that are in the room.
        """
        here = set(clients)
        new, known = here - self._told, here & self._told
        self._told = here
        before, self._before = self._before, {}
        joins, leaves = self._changes(before)
        if not new and not (known and (joins or leaves)):
            return None
        about = {"room": self.room, "count": len(self.metas)}
        state = {**about, "present": self.shown(MOST_SHOWN)} if new else {}
        diff = {**about, "joins": joins, "leaves": leaves} if joins or leaves else {}
        return News(list(new), state, list(known), diff)

    def _changes(self, before: dict[str, tuple[str, Meta | None]]) -> tuple[Metas, Metas]:
        joins: Metas = {}
        leaves: Metas = {}
        for ref, (key, known) in before.items():
            now = self.metas.get(key, {}).get(ref)
            if now is not None and now != known:
                joins.setdefault(key, {})[ref] = now
            elif now is None and known is not None:
                leaves.setdefault(key, {})[ref] = known
        return joins, leaves
