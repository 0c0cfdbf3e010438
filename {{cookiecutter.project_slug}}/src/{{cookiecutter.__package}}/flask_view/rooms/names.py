# Owned by the template: an update may change this file.
"""Names of rooms: those of a view's rooms, and those of single clients.

In Socket.IO, all rooms of a namespace share one set of names, the ``sid`` of each client among
them. Names that are made here begin with a mark, so that no name that a client chose is taken for
one: whoever joins a room that is called like somebody's ``sid`` hears nothing of theirs.
"""

from __future__ import annotations

import re
from typing import Any

from ..handling.errors import Problem

_MARK = "~"
_LONGEST = 200
"""How many characters the name of a room may have."""
_SID = re.compile(_MARK + "[A-Za-z0-9_-]{20}")


def sid_of(identifier: str) -> str:
    """Return the ``sid`` that a client gets.

    :param identifier: the id that Engine.IO has made for it.
    """
    return _MARK + identifier


def is_sid(name: str) -> bool:
    """Tell whether a name is the ``sid`` of a client."""
    return name[:1] == _MARK and _SID.fullmatch(name) is not None


def prefix_of(cls: type) -> str:
    """Return what the names of a view's rooms begin with in Socket.IO."""
    return f"{_MARK}{cls.__module__}.{cls.__qualname__}/"


def named(prefix: str, room: Any) -> str:
    """Return what a room of a view is called in Socket.IO.

    :param prefix: what the names of the view's rooms begin with.
    :param room: the room, as the view calls it, or a client does.
    :raises Problem: 422, it is none.
    """
    if not isinstance(room, str) or not 1 <= len(room) <= _LONGEST:
        raise Problem(422, f"The name of a room has 1 to {_LONGEST} characters.")
    return prefix + room


def addressed(to: str | list[str], *prefixes: str) -> str | list[str]:
    """Return what a view means by a room, as Socket.IO calls it: a ``sid``, or several rooms.

    :param to: a room, a client's ``sid``, or a list of them.
    :param prefixes: what the names of the view's rooms begin with, or of several views'.
    """
    if not isinstance(to, str):
        return [name for one in to for name in _listed(addressed(one, *prefixes))]
    if is_sid(to):
        return to
    rooms = [prefix + to for prefix in prefixes]
    # Those whom Flask-SocketIO's own join_room has put there are in the room of that very name.
    return rooms if to[:1] == _MARK else [to, *rooms]


def meant(to: Any) -> Any:
    """Return what a view has said for what ``addressed`` has made of it, as tests show it."""
    if not isinstance(to, list):
        return to.partition("/")[2] if isinstance(to, str) and _is_marked(to) else to
    names = list(dict.fromkeys(map(meant, to)))
    return names[0] if len(names) == 1 else names


def _is_marked(name: str) -> bool:
    return name[:1] == _MARK and not is_sid(name)


def _listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names
