# Owned by the template: an update may change this file.
"""Registering a view: its routes and events are worked out and checked first, and added then.

A view that is refused has therefore changed neither the application nor the Socket.IO server.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from flask import Blueprint, Flask
from flask.sansio.app import App
from flask_socketio import SocketIO

from ..decorators import CONNECTION, EVENTS, LIMITS, RESERVED, SOCKET_PREFIX, events_of
from ..handling.binding import Binding
from ..handling.events import ConnectionHandlers, event_handler
from ..handling.limiting import WINDOWS, Limiter, Windows, limiter_of
from ..handling.promises import Promises
from ..handling.signature import RegistrationError
from ..rooms.members import Members
from .routes import METHODS, RULES, Rule, check_rules, definition_with, rules_of

if TYPE_CHECKING:
    from ..view import FlaskView

# Methods that views may well have as their own. Nothing else of ``FlaskView`` uses these.
_REPLACEABLE = ("join", "leave", "rooms", "presence", "limits")

EXTENSION = "flask_view"
"""The key of what is registered with an application, by the classes, in ``app.extensions``."""


class Registered(NamedTuple):
    """A view that is registered, and what has been worked out of its class."""

    view: FlaskView
    path: str
    bindings: dict[str, Binding]
    """The methods that clients can call, by their names."""
    events: list[tuple[str, str]]
    """The events that it answers, each with the name of the method."""


def register_view(
    view: FlaskView,
    app: Flask | Blueprint,
    socket: SocketIO | None,
    *,
    overrides: dict[str, Any],
    subdomain: str | None,
    not_routed: frozenset[str],
    rule_options: dict[str, Any],
) -> None:
    """Add the routes of a view to an application and its events to a Socket.IO server.

    :param view: the instance that is to serve them.
    :param app: the application, or a blueprint.
    :param socket: the Socket.IO server, if there is one.
    :param overrides: attributes of the class that are different for this registration.
    :param subdomain: the subdomain of all routes.
    :param not_routed: names of methods of base classes, which get no URL.
    :param rule_options: options of all routes.
    :raises RegistrationError: the view cannot be served as it is written; nothing was added.
    """
    cls = type(view)
    functions = dict(_functions(cls, not_routed))
    bindings = {
        name: Binding(f"{cls.__name__}.{name}", function, frozenset(cls.base_args))
        for name, function in functions.items()
    }
    view._limiters = _limiters(cls, functions)
    routed = {name: bindings[name] for name in functions if _has_url(cls, name)}
    # The library changes base_args, and reads the attributes of the class that it is asked about.
    derived: Any = type(cls.__name__, (cls,), {"base_args": list(cls.base_args), **overrides})
    # This fills base_args with the variables of the class's own path.
    path = "/" + derived.build_rule("").strip("/")
    subdomain = subdomain or getattr(app, "subdomain", None) or getattr(cls, "subdomain", None)
    rules = rules_of(view, derived, routed, subdomain, rule_options)
    rules = _with_free_endpoints(rules, app, path)
    if isinstance(app, Flask):
        check_rules(rules, app)
    events = [
        (event, name)
        for name, function in functions.items()
        for event in events_of(name, definition_with(cls, name, EVENTS) or function)
    ]
    promises = _promises(cls)
    if socket is not None and events:
        _check_events(view, path, socket, events, bindings)
    if isinstance(app, Blueprint):
        app.record(lambda state: check_rules(rules, state.app, state))
    for rule in rules:
        rule.add_to(app)
    view.socketio = socket
    view.namespace = _namespace(cls, path)
    view._promises = promises
    view._room_members = Members(cls.max_rooms, view._room_prefix)
    registered = Registered(view, path, bindings, [] if socket is None else events)
    if isinstance(app, Blueprint):
        app.record(
            lambda state: _remember(
                registered._replace(path=(state.url_prefix or "") + path), state.app
            )
        )
    else:
        _remember(registered, app)
    if socket is not None and events:
        _add_events(view, socket, events, bindings, routed)


def _remember(registered: Registered, app: App) -> None:
    """Let others find a view, ``FlaskView.registered`` and the contract among them."""
    view = registered.view
    app.extensions.setdefault(EXTENSION, {}).setdefault(type(view), []).append(registered)
    if view._limiters:
        app.extensions.setdefault(WINDOWS, Windows())
    if view._promises:
        view._promises.is_strict = app.config.get("ENVIRONMENT") != "production"


def registered_with(app: App) -> list[Registered]:
    """Return all views of an application; one may be registered several times."""
    return [one for several in app.extensions.get(EXTENSION, {}).values() for one in several]


def promises_in(app: App, namespace: str) -> list[Promises]:
    """Return what the views of a namespace declare to send; nothing if one of them does not say.

    :param app: the application.
    :param namespace: the namespace.
    """
    found = [
        registered.view._promises
        for registered in registered_with(app)
        if registered.view.socketio and registered.view.namespace == namespace
    ]
    promises = [promised for promised in found if promised]
    return promises if len(promises) == len(found) else []


def _promises(cls: type[FlaskView]) -> Promises | None:
    """Return what a view declares to send.

    :raises RegistrationError: it does not do so with names and types.
    """
    if cls.sends is None:
        return None
    if not isinstance(cls.sends, Mapping):
        raise RegistrationError(f"{cls.__name__}.sends has to map events to types")
    for event in cls.sends:
        if event in RESERVED:
            raise RegistrationError(
                f"{cls.__name__}.sends: {event!r} is a name that Socket.IO keeps for itself"
            )
    return Promises(cls.__name__, cls.sends)


def _limiters(
    cls: type[FlaskView], functions: Mapping[str, Callable[..., Any]]
) -> dict[str, Limiter]:
    """Return what limits the methods of a view, by their names.

    :raises RegistrationError: a limit is none, or has no effect.
    """
    limiters = {}
    for name, function in functions.items():
        definition = definition_with(cls, name, LIMITS)
        held = [cell.cell_contents for cell in inspect.unwrap(function).__closure__ or ()]
        if definition is None and any(inspect.isfunction(h) and hasattr(h, LIMITS) for h in held):
            raise RegistrationError(
                f"{cls.__name__}.{name}: a decorator hides its @limit; use functools.wraps in it"
            )
        if limiter := limiter_of(cls, name, getattr(definition, LIMITS, ())):
            limiters[name] = limiter
    return limiters


def _functions(
    cls: type[FlaskView], not_routed: frozenset[str]
) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the methods that clients can call, by name."""
    excluded = {name for parent in cls.__mro__ for name in vars(parent).get("excluded_methods", ())}
    for name, member in inspect.getmembers_static(cls):
        full_name = f"{cls.__name__}.{name}"
        decorated = definition_with(cls, name, RULES) or definition_with(cls, name, EVENTS)
        is_base = name in not_routed and not (name in _REPLACEABLE and _is_replaced(cls, name))
        private = name.startswith(("_", "before_", "after_")) or is_base
        if private and not decorated and definition_with(cls, name, LIMITS):
            raise RegistrationError(f"{full_name} has a @limit, but no client calls it")
        if is_base:
            if decorated:
                raise RegistrationError(f"{full_name} hides a method of FlaskView; rename it")
        elif inspect.isfunction(member):
            if decorated or not (private or name in excluded):
                if inspect.iscoroutinefunction(inspect.unwrap(member)):
                    raise RegistrationError(f"{full_name} is async; the server calls plain methods")
                yield name, member
        elif decorated or _looks_like_method(name, member):
            raise RegistrationError(
                f"{full_name} is a {type(member).__name__}, not a method: it cannot be served. "
                "Put that decorator on a function that the method calls."
            )


def _is_replaced(cls: type[FlaskView], name: str) -> bool:
    """Tell whether a view has a method of its own in place of one of ``FlaskView``."""
    owner = next(parent for parent in cls.__mro__ if name in vars(parent))
    return owner.__module__ != __name__.replace("registration.views", "view")


def _looks_like_method(name: str, member: Any) -> bool:
    """Tell whether a decorator turned a public method into some other object."""
    plain_kinds = (staticmethod, classmethod, type)
    return (
        not name.startswith("_")
        and not isinstance(member, plain_kinds)
        and inspect.isfunction(getattr(member, "__wrapped__", None))
    )


def _has_url(cls: type[FlaskView], name: str) -> bool:
    """Tell whether a method answers requests."""
    if definition_with(cls, name, RULES) or definition_with(cls, name, METHODS):
        return True
    if name.startswith(SOCKET_PREFIX):
        return False
    return name in cls.special_methods or not definition_with(cls, name, EVENTS)


def _with_free_endpoints(rules: list[Rule], app: Flask | Blueprint, path: str) -> list[Rule]:
    """Add the path to the endpoints of a view whose names the application has already."""
    taken = app.view_functions if isinstance(app, Flask) else {}
    if not any(rule.endpoint in taken for rule in rules):
        return rules
    place = path.strip("/").replace(".", "-")
    free = [rule._replace(endpoint=f"{rule.endpoint}@{place}") for rule in rules]
    for rule in free:
        if rule.endpoint in taken:
            name = rule.function.binding.name
            raise RegistrationError(f"{name} is already registered at {path}")
    return free


def _namespace(cls: type[FlaskView], path: str) -> str:
    return f"/{cls.namespace.strip('/')}" if cls.namespace else path


def _check_events(
    view: FlaskView,
    path: str,
    socket: SocketIO,
    events: list[tuple[str, str]],
    bindings: dict[str, Binding],
) -> None:
    """Refuse events that could not be served.

    :raises RegistrationError: with the names of the methods.
    """
    cls = type(view)
    namespace = _namespace(cls, path)
    if socket.server is None:
        raise RegistrationError(f"{cls.__name__}: call socketio.init_app(app) before register()")
    if re.search("[<,?]", namespace):
        raise RegistrationError(
            f"{cls.__name__}: {namespace!r} cannot be a namespace of Socket.IO; "
            'give the class one: namespace = "/rooms"'
        )
    taken = {
        event: inspect.unwrap(handler).__qualname__
        for event, handler in socket.server.handlers.get(namespace, {}).items()
        if event not in CONNECTION
    }
    if handlers := _connection_handlers(socket, namespace):
        taken |= {event: binding.name for event, binding in handlers.bindings.items()}
    for event, name in events:
        bindings[name].check_event()
        if event in RESERVED - CONNECTION:
            raise RegistrationError(
                f"{bindings[name].name}: {event!r} is a name that Socket.IO keeps for itself"
            )
        if event in taken:
            raise RegistrationError(
                f"Two methods want the event {event!r} of {namespace}: {taken[event]} and "
                f"{bindings[name].name}"
            )
        taken[event] = bindings[name].name


def _connection_handlers(socket: SocketIO, namespace: str) -> ConnectionHandlers | None:
    """Return the handlers of ``connect`` and ``disconnect``, if the namespace has views already."""
    connect = socket.server.handlers.get(namespace, {}).get("connect")
    handlers = getattr(inspect.unwrap(connect), "__self__", None) if connect else None
    return handlers if isinstance(handlers, ConnectionHandlers) else None


def _add_events(
    view: FlaskView,
    socket: SocketIO,
    events: list[tuple[str, str]],
    bindings: dict[str, Binding],
    routed: Iterable[str],
) -> None:
    handlers = _connection_handlers(socket, view.namespace)
    if handlers is None:
        handlers = ConnectionHandlers()
        socket.on_event("connect", handlers.connect, namespace=view.namespace)
        socket.on_event("disconnect", handlers.disconnect, namespace=view.namespace)
    handlers.add(view, {event: bindings[name] for event, name in events if event in CONNECTION})
    for event, name in events:
        if event not in CONNECTION:
            handler = event_handler(view, name, event, bindings[name], has_url=name in routed)
            socket.on_event(event, handler, namespace=view.namespace)
