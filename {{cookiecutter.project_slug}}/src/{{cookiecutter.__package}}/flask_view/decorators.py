# Owned by the template: an update may change this file.
"""The decorators of methods: ``@route`` for URLs, ``@on`` for events, ``@limit`` for how often."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar

from .library import library_route

F = TypeVar("F", bound=Callable[..., Any])

EVENTS = "_socket_events"
"""The attribute in which ``@on`` keeps the events of a function."""
LIMITS = "_limits"
"""The attribute in which ``@limit`` keeps what it was given."""
SOCKET_PREFIX = "socket_"
CONNECTION = frozenset(("connect", "disconnect"))
"""Events that Socket.IO raises in a namespace; no client sends them."""
RESERVED = CONNECTION | {"connect_error", "disconnecting", "newListener", "removeListener"}
"""Names of events that Socket.IO keeps for itself (Socket.IO protocol 5, "Sending and receiving
data"; the last four are those of its libraries)."""

USER, ADDRESS = "user", "address"
"""By whom ``@limit`` counts, in words of its own."""


class Declared(NamedTuple):
    """What one ``@limit`` was given."""

    limits: tuple[str, ...]
    by: str | Callable[[], Any]


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


def limit(*limits: str, by: str | Callable[[], Any] = USER) -> Callable[[F], F]:
    """Bound how often a method is called, by requests and events together.

    Whoever calls it more often gets a problem with the status 429, and with the whole seconds until
    one more call is let in as ``retry_after``, before the arguments are validated. May be used
    several times on a method, for different ``by``.

    :param limits: how many, and per what: ``"5/second"``, ``"100 per minute"``, ``"20/5 minutes"``.
        No part of time that is so long sees more calls.
    :param by: ``"user"``: by the id in ``flask.g.user``, and by the address of a client without
        one; ``"address"``: by the address of the client; or a function without arguments that
        returns what to count by, such as the room, or ``None`` for the address. It is called in the
        context of the request or the event.
    :raises ValueError: there is no limit, or ``by`` is something else. What a limit says is checked
        when the view is registered.
    """
    if not limits or not all(isinstance(text, str) for text in limits):
        raise ValueError('@limit() takes how many, and per what: @limit("5/second", "100/minute")')
    if by not in (USER, ADDRESS) and not callable(by):
        raise ValueError(f'@limit(by={by!r}): "user", "address" or a function without arguments')

    def decorate(function: F) -> F:
        declared = Declared(limits, by)
        setattr(function, LIMITS, (declared, *getattr(function, LIMITS, ())))
        return function

    return decorate


def events_of(name: str, function: Callable[..., Any]) -> tuple[str, ...]:
    """Return the events that the method ``name`` answers, in the order in which they are given."""
    events: tuple[str, ...] = getattr(function, EVENTS, ())
    if name.startswith(SOCKET_PREFIX):
        events = (name.removeprefix(SOCKET_PREFIX), *events)
    return tuple(dict.fromkeys(events))
