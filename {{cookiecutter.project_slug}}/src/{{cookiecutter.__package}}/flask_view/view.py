# Owned by the template: an update may change this file.
"""FlaskView: the class to derive from."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from flask import Blueprint, Flask, current_app, g, request
from flask_socketio import SocketIO

from .handling.client import CHARGE, client_of
from .handling.limiting import Limiter
from .handling.promises import Promises
from .handling.serialization import plain
from .handling.signature import CONVERTERS
from .handling.telemetry import context, remember_origin
from .library import LibraryView
from .registration.views import EXTENSION, register_view
from .rooms.members import Members
from .rooms.names import addressed, named, prefix_of
from .rooms.payloads import STATE
from .rooms.presence import Presence, current_sid
from .rooms.roster import roster_of

logger = logging.getLogger(__name__)


class FlaskView(LibraryView):
    """One resource: its routes below a path, its events in the namespace of the same name.

    - A method called ``index``, ``get``, ``post``, ``put``, ``patch`` or ``delete`` answers that
      HTTP method; ``@route`` gives a method a URL of its own; any other public method answers GET
      under its name.
    - A method called ``socket_<event>`` answers that event; ``@on("event")`` lets any method.
      ``socket_connect(self, auth)`` accepts or refuses a client, and ``socket_disconnect(self,
      reason)`` is called when it has left.
    - In a request, parameters without a default are variables of the URL, those with a default come
      from the query string, and one whose type is a model comes from the JSON body. In an event,
      all are filled by position.

    One instance serves all requests and events for as long as the process runs, so keep nothing on
    ``self`` that belongs to one request or one client.
    """

    decorators: ClassVar[list[Callable[..., Any]]] = []
    """Decorators around every method that answers a request, the first one outermost."""
    representations: ClassVar[dict[str, Callable[..., Any]]] = {}
    """Functions ``(body, status, headers) -> response`` by media type."""
    excluded_methods: ClassVar[list[str]] = []
    """Names of public methods that get no URL, in this class and in those derived from it."""
    base_args: ClassVar[list[str]] = []
    """Names of parameters that decorators fill in place of the client."""
    special_methods: ClassVar[dict[str, list[str]]] = {
        "index": ["GET"],
        "get": ["GET"],
        "post": ["POST"],
        "put": ["PUT"],
        "patch": ["PATCH"],
        "delete": ["DELETE"],
    }
    default_methods: ClassVar[list[str]] = ["GET"]
    """The methods of HTTP that other methods answer, without ``@route``."""
    type_hints: ClassVar[dict[Any, str]] = CONVERTERS
    """The converters of URL variables, by annotation."""
    inspect_args: ClassVar[bool] = True
    trailing_slash: ClassVar[bool] = False
    method_dashified: ClassVar[bool] = False

    log_level: ClassVar[int] = logging.INFO
    """The level of the log lines about this view's requests and events.

    At ``logging.DEBUG``, a view that is called all the time leaves no line but for crashes; above
    that, failures of the server (5xx) are warnings.
    """

    limits: ClassVar[tuple[str, ...]] = ()
    """How often all methods of the view together may be called by one user, or else from one
    address: ``("5/second", "100/minute")``, as in ``@limit``. Clients that connect do not count."""

    sends: ClassVar[Mapping[str, Any] | None] = None
    """What the view sends by itself: the types of the payloads, by the names of the events.

    ``{"message": ChatMessage, "moved": tuple[int, int]}``; a tuple is several arguments, ``None``
    none. With it, ``emit`` and ``broadcast`` refuse another event and another type; in production
    they log it, and send. A view that does not say what it sends may send anything.
    """

    namespace: str = ""
    """The namespace of the events; by default the path of the view."""
    socketio: SocketIO | None = None
    """The Socket.IO server that this view is registered with."""
    max_rooms: ClassVar[int] = 100
    """How many rooms of this view one client may be in."""

    _promises: Promises | None = None
    """What ``sends`` says, as registration has read it."""
    _room_members: Members
    _room_presence: Presence | None = None
    _limiters: Mapping[str, Limiter] = {}
    """What limits its methods, by their names."""

    @property
    def auth(self) -> Any:
        """The payload with which the client of an event connected; ``None`` in a request."""
        return client_of(request.environ).auth.get(self.namespace)

    def authorize(self, action: str) -> None:
        """Raise to refuse what the client may not do; by default, everything is allowed.

        Runs before every request and every event of this view, and before a client connects.
        ``flask.request`` is the request, or for events the one that opened the connection. Put the
        user's id (a ``str``, ``int`` or ``UUID``) into ``flask.g.user`` here or in
        ``socket_connect``, and log lines name it.

        :param action: the name of the method that is about to be called, or ``"connect"``.
        :raises werkzeug.exceptions.HTTPException: the client is refused; ``abort(401)`` does it.
        """

    def charge(self, tokens: int) -> None:
        """Count the current request or event as several, because it costs as much.

        :param tokens: how many to count in addition to the one that counts anyway.
        :raises Problem: 429, the budget is spent: see ``MAX_EVENTS_PER_SECOND``. An event is
            charged to the user that ``socket_connect`` put into ``flask.g.user``.
        """
        if hasattr(request, "sid"):
            client_of(request.environ).charge(tokens)
        elif charge := request.environ.get(CHARGE):
            charge(request.environ, g.get("user"), tokens)

    def join(self, room: str) -> None:
        """Let the client of this event hear what is sent to a room of this view.

        A client may choose the name: it cannot be that of another client, nor of a room of another
        view. The client leaves when it disconnects, just before ``socket_disconnect`` is called.

        :param room: the name of the room, of up to 200 characters.
        :raises Problem: 409, the client is in ``max_rooms`` rooms already; 422, that is no name;
            503, its connection has ended.
        """
        is_new = self._room_members.join(
            self._socketio_manager, self.namespace, current_sid(), room
        )
        if is_new and (
            self._room_presence or (self._promises and STATE in self._promises.arguments)
        ):
            roster_of(self._socketio_manager).joined(self.namespace, self._room_prefix + room)

    def leave(self, room: str) -> None:
        """Take the client of this event out of a room, in which it is not present any more either.

        :param room: the name of the room; it need not be there.
        :raises Problem: 422, that is no name.
        """
        sid, name = current_sid(), named(self._room_prefix, room)
        self._room_members.leave(self._socketio_manager, self.namespace, sid, room)
        roster_of(self._socketio_manager).left(self.namespace, name, sid)

    def rooms(self) -> list[str]:
        """Return the rooms of this view that the client of this event has joined.

        In ``socket_disconnect``, they are those that it was in.
        """
        return self._room_members.rooms(current_sid())

    @property
    def presence(self) -> Presence:
        """Who is in the rooms of this view; see ``Presence``."""
        if self._room_presence is None:
            self._room_presence = Presence(
                self, roster_of(self._socketio_manager), self._room_prefix
            )
        return self._room_presence

    def emit(
        self, event: str, data: Any = None, *, to: str | list[str], skip: str | None = None
    ) -> None:
        """Send an event to the clients in a room, or to one client.

        Works in requests, events, tasks and commands alike.

        :param event: the name of the event.
        :param data: its payload; a tuple is several arguments.
        :param to: a room, a client's ``request.sid``, or a list of them.
        :param skip: the ``request.sid`` of a client in that room that does not get it.
        :raises PromiseError: ``sends`` says something else; not in production.
        """
        # Socket.IO takes no rooms at all for everyone.
        if rooms := addressed(to, self._room_prefix):
            self._emit(event, data, to=rooms, skip_sid=skip)

    def broadcast(self, event: str, data: Any = None) -> None:
        """Send an event to every client of the view's namespace.

        :param event: the name of the event.
        :param data: its payload; a tuple is several arguments.
        :raises PromiseError: ``sends`` says something else; not in production.
        """
        self._emit(event, data)

    def spawn(self, function: Callable[..., Any], *args: Any, **kwargs: Any) -> None:
        """Run a function in the background, so that the client need not wait for it.

        It has the application context, but not the request or the event, which its log lines still
        name. What it raises is logged.

        :param function: the function, followed by its arguments.
        """
        app = current_app._get_current_object()  # type: ignore[attr-defined,unused-ignore]
        origin = context()

        def run() -> None:
            with app.app_context():
                remember_origin(origin)
                try:
                    function(*args, **kwargs)
                except Exception:
                    logger.exception("%s failed in the background", function.__qualname__)

        self._server.start_background_task(run)

    def kick(self, to: str) -> None:
        """Disconnect clients for good: their Socket.IO libraries do not reconnect by themselves.

        :param to: a client's ``request.sid``, or a room; of this and of other processes.
        """
        rooms = addressed(to, self._room_prefix)
        if isinstance(rooms, str):
            self._server.server.disconnect(rooms, self.namespace)
        else:
            self._socketio_manager.kick(rooms, self.namespace)

    def drop(self, sid: str) -> None:
        """Close the connection of a client, so that its Socket.IO library reconnects.

        :param sid: the client's ``request.sid``, of this or of another process.
        """
        self._socketio_manager.drop(sid, self.namespace)

    def _emit(self, event: str, data: Any, **scope: Any) -> None:
        arguments = data if isinstance(data, tuple) else () if data is None else (data,)
        payload = tuple(plain(argument) for argument in arguments)
        if self._promises:
            self._promises.check(event, arguments, payload)
        # Flask-SocketIO's own emit would take the second of several arguments for the room.
        self._server.server.emit(event, payload, namespace=self.namespace, **scope)

    def _take_out_of_rooms(self, sid: str, *, for_good: bool) -> None:
        """Take a client that has left out of its rooms."""
        rooms = self._room_members.leave_all(self._socketio_manager, self.namespace, sid)
        names = [self._room_prefix + room for room in rooms]
        roster_of(self._socketio_manager).disconnected(
            sid, self.namespace, names, for_good=for_good
        )

    @functools.cached_property
    def _room_prefix(self) -> str:
        return prefix_of(type(self))

    @property
    def _socketio_manager(self) -> Any:
        return self._server.server.manager

    @property
    def _server(self) -> SocketIO:
        if self.socketio is None:
            raise RuntimeError(
                f"{type(self).__name__} is registered without a Socket.IO server: "
                "register(app, socket=socketio)"
            )
        return self.socketio

    @classmethod
    def registered(cls) -> Self:
        """Return the instance that serves the current application, to emit from a command.

        :raises LookupError: this class is not registered with it.
        """
        view: Self = current_app.extensions[EXTENSION][cls][0].view
        return view

    @classmethod
    def register(
        cls,
        app: Flask | Blueprint,
        route_base: str | None = None,
        subdomain: str | None = None,
        route_prefix: str | None = None,
        trailing_slash: bool | None = None,
        method_dashified: bool | None = None,
        base_class: type | None = None,
        init_argument: Any = None,
        *,
        socket: SocketIO | None = None,
        **rule_options: Any,
    ) -> None:
        """Add the routes of this view to an application, and its events to a Socket.IO server.

        All or nothing: a view that cannot be registered changes neither. The class stays as it is,
        so it can be registered again, with another application or under another path.

        :param app: the application, or a blueprint.
        :param route_base: the path, instead of the class's own.
        :param subdomain: the subdomain of all routes.
        :param route_prefix: a path in front of ``route_base``.
        :param trailing_slash: whether routes without ``@route`` end in a slash.
        :param method_dashified: whether ``some_method`` becomes ``/some-method``.
        :param base_class: a class whose public methods get no URL.
        :param init_argument: the argument of the constructor, where it takes one.
        :param socket: the Socket.IO server; without one, the view has routes only.
        :param rule_options: options of all routes, as ``Flask.add_url_rule`` takes them.
        :raises RegistrationError: a method cannot be served as it is written, or another one
            answers the same requests or the same event.
        """
        if cls is FlaskView:
            raise TypeError("Register a class derived from FlaskView, not FlaskView itself")
        overrides = {
            "route_base": route_base,
            "route_prefix": route_prefix,
            "trailing_slash": trailing_slash,
            "method_dashified": method_dashified,
        }
        view = cls() if init_argument is None else cls(init_argument)  # type: ignore[call-arg]
        register_view(
            view,
            app,
            socket,
            overrides={name: value for name, value in overrides.items() if value is not None},
            subdomain=subdomain,
            not_routed=frozenset(dir(FlaskView)) | frozenset(dir(base_class)),
            rule_options=rule_options,
        )
