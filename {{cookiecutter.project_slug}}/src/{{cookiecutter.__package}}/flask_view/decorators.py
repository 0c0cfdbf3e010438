# Owned by the template: an update may change this file.
"""The decorators of methods: ``@route`` for URLs, ``@on`` for events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from .library import library_route

F = TypeVar("F", bound=Callable[..., Any])

EVENTS = "_socket_events"
"""The attribute in which ``@on`` keeps the events of a function."""
SOCKET_PREFIX = "socket_"
CONNECTION = frozenset(("connect", "disconnect"))
"""Events that Socket.IO raises in a namespace; no client sends them."""
RESERVED = CONNECTION | {"connect_error", "disconnecting", "newListener", "removeListener"}
"""Names of events that Socket.IO keeps for itself (Socket.IO protocol 5, "Sending and receiving
data"; the last four are those of its libraries)."""


def route(path: str = "", **options: Any) -> Callable[[F], F]:
    """Give a method a URL of its own below the view's path; may be used several times.

    :param path: the path, with ``<variables>`` as in Flask; by default the function's name.
        ``"/"`` is the view's own path.
    :param options: what ``Flask.add_url_rule`` takes, first of all ``methods``.
    """

    def decorate(function: F) -> F:
        return library_route(path or function.__name__, **options)(function)

    return decorate


def on(*events: str) -> Callable[[F], F]:
    """Let a method answer Socket.IO events, by their names, in the view's namespace.

    A method that also has a URL (by ``route``, or by a name such as ``index`` and ``post``) serves
    both transports. Without one it gets no URL.

    :param events: the names of the events, at least one.
    :raises ValueError: no name is given, or one that Socket.IO keeps for itself.
    """
    if not events or not all(isinstance(event, str) and event for event in events):
        raise ValueError('@on() takes the names of events: @on("send")')
    for event in events:
        if event in CONNECTION:
            raise ValueError(f"{event!r} belongs to the namespace: write a method socket_{event}")
        if event in RESERVED:
            raise ValueError(f"{event!r} is a name that Socket.IO keeps for itself")

    def decorate(function: F) -> F:
        setattr(function, EVENTS, (*getattr(function, EVENTS, ()), *events))
        return function

    return decorate


def events_of(name: str, function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the events that the method ``name`` answers, in the order in which they are given."""
    events: tuple[str, ...] = getattr(function, EVENTS, ())
    if name.startswith(SOCKET_PREFIX):
        events = (name.removeprefix(SOCKET_PREFIX), *events)
    return tuple(dict.fromkeys(events))
