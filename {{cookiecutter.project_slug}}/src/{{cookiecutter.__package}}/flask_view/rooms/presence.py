# Owned by the template: an update may change this file.
"""Presence: who is in a room, over all their tabs, and in all processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from flask import has_request_context, request

from ..handling.errors import Problem
from ..handling.serialization import plain
from .names import named
from .payloads import STATE
from .place import Meta
from .roster import Roster

if TYPE_CHECKING:
    from ..view import FlaskView

Metas = list[Meta]
Key = str | int | UUID
"""What somebody is known by: the id of a user, for instance."""


class Presence:
    """Who is in the rooms of a view.

    A key is there as long as one of its clients is: a user with three tabs is one key with three
    metas. A client that disconnects is kept for ``PRESENCE_GRACE_SECONDS``, in which it may come
    back; one that leaves the room, or is kicked, is not.

    Clients that have joined the room get the event ``presence_state`` once, and ``presence_diff``
    whenever something changes; see ``PresenceState`` and ``PresenceDiff``.
    """

    def __init__(self, view: FlaskView, roster: Roster, prefix: str) -> None:
        """Speak for a view.

        :param view: the view.
        :param roster: who is where.
        :param prefix: what the names of the view's rooms begin with in Socket.IO.
        """
        self._view = view
        self._roster = roster
        self._prefix = prefix

    def track(self, room: str, key: Key, /, **meta: Any) -> None:
        """Say that the client of this event is in a room, and what there is to know of it.

        If it is tracked there under this key already, what is known of it is replaced.

        :param room: the room, which it has joined.
        :param key: who it is.
        :param meta: what the others see; up to 4,000 characters of JSON.
        :raises Problem: 409, the client is tracked ``max_rooms`` times already; 422, that is too
            much to know, or no name of a room; 503, its connection has ended.
        :raises PromiseError: ``sends`` declares something else; not in production.
        """
        known = plain(meta)
        self._track(room, key, lambda _: known)

    def update(self, room: str, key: Key, /, **meta: Any) -> None:
        """Change some of what is known of the client of this event.

        :param room: the room.
        :param key: who it is.
        :param meta: what is different; the rest stays as it is.
        :raises Problem: 409, it is not tracked there; and as ``track`` does.
        :raises PromiseError: ``sends`` declares something else; not in production.
        """
        different = plain(meta)

        def merged(before: Meta | None) -> Meta:
            if before is None:
                raise Problem(409, f"You are not in {room}. Join it first.")
            return {**before, **different}

        self._track(room, key, merged)

    def untrack(self, room: str, key: Key | None = None, /) -> None:
        """Say that the client of this event is not in a room any more; it may hear of it still.

        :param room: the room.
        :param key: who it is; by default, everybody that this client is tracked as.
        """
        under = None if key is None else str(key)
        self._roster.untrack(*self._name(room), current_sid(), under)

    def list(self, room: str, /) -> dict[str, Metas]:
        """Return who is in a room: what is known of each key, once for each of its clients.

        :param room: the room. One that clients of this process are in is known; for any other, the
            broker is asked once.
        """
        return self._roster.present(*self._name(room))

    def count(self, *rooms: str) -> dict[str, int]:
        """Return how many keys are in each of these rooms; the broker is asked once, if at all."""
        names = [self._name(room) for room in rooms]
        return dict(zip(rooms, self._roster.counts(names), strict=True))

    def _track(self, room: str, key: Key, meta: Any) -> None:
        promises = self._view._promises

        def checked(before: Meta | None) -> Meta:
            known: Meta = meta(before)
            if promises:
                example = {"room": room, "count": 1, "present": {str(key): {"": known}}}
                promises.check(STATE, (example,), (example,))
            return known

        sid, place = current_sid(), self._roster.place(*self._name(room))
        self._roster.track(place, sid, str(key), self._view.max_rooms, checked)

    def _name(self, room: str) -> tuple[str, str]:
        return self._view.namespace, named(self._prefix, room)


def current_sid() -> str:
    """Return the client of the current event.

    :raises RuntimeError: there is none.
    """
    sid: str | None = getattr(request, "sid", None) if has_request_context() else None
    if sid is None:
        raise RuntimeError("Only an event has a client that can be in a room; nothing else has")
    return sid
