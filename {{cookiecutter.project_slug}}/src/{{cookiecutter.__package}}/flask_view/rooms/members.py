# Owned by the template: an update may change this file.
"""The rooms of a view that each client of this process is in."""

from __future__ import annotations

import threading
from typing import Any

from ..handling.errors import Problem

_LONGEST = 200
"""How many characters the name of a room may have."""


class Members:
    """Who is in which room of one view."""

    def __init__(self, most: int, prefix: str) -> None:
        """Start without clients.

        :param most: how many rooms one client may be in.
        :param prefix: what the names of the view's rooms begin with in Socket.IO.
        """
        self._most = most
        self._prefix = prefix
        self._rooms: dict[str, dict[str, None]] = {}
        # Those of clients that are leaving, for the view to look at.
        self._former: dict[str, dict[str, None]] = {}
        self._changing = threading.Lock()

    def rooms(self, sid: str) -> list[str]:
        """Return the rooms of a client, in the order in which it has joined them.

        :param sid: the client's ``request.sid``.
        """
        return list(self._rooms.get(sid) or self._former.get(sid, ()))

    def join(self, manager: Any, namespace: str, sid: str, room: str) -> bool:
        """Put a client into a room.

        :param manager: Socket.IO's list of clients.
        :param namespace: the namespace that the client is in.
        :param sid: the client's ``request.sid``.
        :param room: the room, as the view calls it.
        :return: whether it was not there yet.
        :raises Problem: 409, it is in too many rooms; 422, that is no name; 503, it has left.
        """
        check_name(room)
        with self._changing:
            rooms = self._rooms.get(sid, {})
            if room in rooms:
                return False
            if len(rooms) >= self._most:
                raise Problem(
                    409, f"Nobody is in more than {self._most} rooms at a time. Leave one first."
                )
            # Nobody would take a client that has left out of the room again.
            check_connected(manager, namespace, sid)
            try:
                manager.enter_room(sid, namespace, self._prefix + room)
            except (KeyError, ValueError) as error:
                raise _closing() from error
            self._rooms.setdefault(sid, rooms)[room] = None
            return True

    def leave(self, manager: Any, namespace: str, sid: str, room: str) -> None:
        """Take a client out of a room; without an effect if it is not there."""
        with self._changing:
            rooms = self._rooms.get(sid, {})
            if room in rooms:
                del rooms[room]
                if not rooms:
                    del self._rooms[sid]
                manager.basic_leave_room(sid, namespace, self._prefix + room)

    def leave_all(self, manager: Any, namespace: str, sid: str) -> list[str]:
        """Take a client that leaves out of all rooms.

        :return: the rooms, which ``rooms`` returns as well until ``forget`` is called.
        """
        with self._changing:
            rooms = self._former[sid] = self._rooms.pop(sid, {})
            for room in rooms:
                manager.basic_leave_room(sid, namespace, self._prefix + room)
        return list(rooms)

    def forget(self, sid: str) -> None:
        """Forget the rooms of a client that has left."""
        self._former.pop(sid, None)


def check_name(room: Any) -> None:
    """Refuse what cannot be the name of a room.

    :raises Problem: 422, that is no name.
    """
    if not isinstance(room, str) or not 1 <= len(room) <= _LONGEST:
        raise Problem(422, f"The name of a room has 1 to {_LONGEST} characters.")


def check_connected(manager: Any, namespace: str, sid: str) -> None:
    """Refuse to do something for a client that has left, or is leaving.

    :raises Problem: 503, it is.
    """
    if not (manager.is_connected(sid, namespace) or manager.is_pre_connected(sid, namespace)):
        raise _closing()


def _closing() -> Problem:
    return Problem(503, "The connection is being closed. Connect again.")
