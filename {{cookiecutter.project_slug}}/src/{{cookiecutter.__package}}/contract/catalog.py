# Owned by the template: an update may change this file.
"""Every route and every event of a service, and where its method is written."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from flask import Flask
from flask_socketio import SocketIO

from ..flask_view.handling.events import ConnectionHandlers


class Place(NamedTuple):
    """Where a function is written."""

    name: str
    """The name of the function with that of its class: ``RoomsView.get``."""
    file: Path
    line: int

    def __str__(self) -> str:
        """Return the file and the line, from the current folder where the file is below it."""
        return f"{short(self.file)}:{self.line}"


class Route(NamedTuple):
    """A URL, and what answers it."""

    methods: str
    """The methods of HTTP, as ``"GET,POST"``, without those that Flask answers by itself."""
    path: str
    place: Place


class Event(NamedTuple):
    """An event of Socket.IO, and what answers it."""

    namespace: str
    name: str
    place: Place


def routes(app: Flask) -> list[Route]:
    """Return the routes of an application, in the order of their paths."""
    found = [
        Route(
            ",".join(sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})),
            rule.rule,
            place_of(app.view_functions[rule.endpoint]),
        )
        for rule in app.url_map.iter_rules()
    ]
    return sorted(found, key=lambda route: (route.path, route.methods))


def events(socketio: SocketIO) -> list[Event]:
    """Return the events of a Socket.IO server, by namespace and name."""
    found = [
        Event(namespace, name, place_of(function)) for namespace, name, function in _all(socketio)
    ]
    return sorted(found, key=lambda event: (event.namespace, event.name))


def _all(socketio: SocketIO) -> Iterator[tuple[str, str, Callable[..., Any]]]:
    for namespace, handlers in socketio.server.handlers.items():
        for event, handler in handlers.items():
            views = getattr(inspect.unwrap(handler), "__self__", None)
            if isinstance(views, ConnectionHandlers):
                if event in views.methods:
                    yield namespace, event, views.methods[event]
            elif namespace != "*":
                yield namespace, event, handler


def place_of(function: Callable[..., Any]) -> Place:
    """Return where a function is written."""
    inner = inspect.unwrap(function)
    code = inner.__code__
    return Place(inner.__qualname__, Path(code.co_filename), code.co_firstlineno)


def place_of_class(cls: type) -> Place:
    """Return where a class is written."""
    return Place(cls.__qualname__, Path(inspect.getfile(cls)), inspect.findsource(cls)[1] + 1)


def short(file: Path) -> Path:
    """Return the path of a file from the current folder, if it is below that."""
    return file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file
