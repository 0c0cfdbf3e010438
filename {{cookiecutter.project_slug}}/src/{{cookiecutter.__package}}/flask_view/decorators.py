# Owned by the template: an update may change this file.
"""The two marks of a method: the URLs that it answers, and the events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .library import library_route

F = TypeVar("F", bound=Callable[..., Any])

EVENTS = "_socket_events"
SOCKET_PREFIX = "socket_"
CONNECTION = frozenset(("connect", "disconnect"))
"""What a namespace hears of its clients; no client sends it."""
RESERVED = CONNECTION | {"connect_error", "disconnecting", "newListener", "removeListener"}
"""Names of events that Socket.IO keeps for itself (Socket.IO protocol 5, "Sending and receiving
data"; the last four are those of its libraries)."""


def route(path: str = "", **options: Any) -> Callable[[F], F]:
    """Give a method a URL of its own below the view's path; may be used several times.

    :param path: the path, with ``<variables>`` as in Flask; by default the function's name.
        ``"/"`` is the view's own path.
    :param options: what ``Flask.add_url_rule`` takes, first of all ``methods``.
    """

    def mark(function: F) -> F:
        return library_route(path or function.__name__, **options)(function)

    return mark


def on(*events: str) -> Callable[[F], F]:
    """Let a method answer Socket.IO events, by their names, in the view's namespace.

    A method that also has a URL (by ``route``, or by a name such as ``index`` and ``post``) serves
    both transports. Without one it gets no URL.

    :param events: the names of the events, at least one.
    :raises ValueError: no name is given, or one that Socket.IO keeps for itself.
    """
    if not events or not all(isinstance(event, str) and event for event in events):
        raise ValueError('@on() wants the names of events: @on("send")')
    for event in events:
        if event in CONNECTION:
            raise ValueError(f"{event!r} belongs to the namespace: write a method socket_{event}")
        if event in RESERVED:
            raise ValueError(f"{event!r} is a name that Socket.IO keeps for itself")

    def mark(function: F) -> F:
        setattr(function, EVENTS, (*getattr(function, EVENTS, ()), *events))
        return function

    return mark


def events_of(name: str, function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the events that the method ``name`` answers, in the order of its marks."""
    marked: tuple[str, ...] = getattr(function, EVENTS, ())
    if name.startswith(SOCKET_PREFIX):
        marked = (name.removeprefix(SOCKET_PREFIX), *marked)
    return tuple(dict.fromkeys(marked))
