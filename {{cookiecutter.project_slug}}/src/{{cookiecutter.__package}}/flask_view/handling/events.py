# Owned by the template: an update may change this file.
"""Socket.IO: the functions that Flask-SocketIO calls for the methods of a view.

Every event gets its ack at once: the method's result, or ``{"error": problem}``. No exception gets
through to Socket.IO, which would leave the client without an ack or, in ``connect``, without a
decision.
"""

from __future__ import annotations

import builtins
import functools
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from flask import g, request
from flask_socketio import ConnectionRefusedError
from socketio import Server
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from ..decorators import SOCKET_PREFIX
from .binding import Binding
from .client import Client, client_of
from .errors import Problem, problem_of
from .limiting import guard_of
from .requests import split
from .serialization import loads, plain
from .telemetry import NO_VIEW, EventRecord, user_of

if TYPE_CHECKING:
    from flask.ctx import _AppCtxGlobals

    from ..view import FlaskView

_KICKED = Server.reason.SERVER_DISCONNECT

ANSWER = "flask_view_answer"
"""The attribute of a handler with a function ``(client, sid, arguments, g)``, which is called in
its place where these are known, within the contexts of Flask."""


def event_handler(
    view: FlaskView, name: str, event: str, binding: Binding, *, has_url: bool
) -> Callable[..., Any]:
    """Return the function that handles an event by calling a method.

    :param view: the one instance that serves all requests and events.
    :param name: the name of the method.
    :param event: the name of the event.
    :param binding: the arguments of the method.
    :param has_url: whether it also answers requests: a tuple is then a body with its status.
    """
    method = getattr(view, name)
    guard = guard_of(view, name)
    ack_of = _body if has_url else _ack
    record = EventRecord(binding.name, event, view.log_level)

    namespace = view.namespace

    def answer(client: Client, sid: str, arguments: Sequence[Any], known: _AppCtxGlobals) -> Any:
        started = time.perf_counter()
        outcome: Problem | str = "ok"
        client.running.append(None)
        try:
            if client.refusal:
                raise Problem(*client.refusal)
            guard(name)
            positional, named = binding.from_event(arguments)
            ack = ack_of(method(*positional, **named))
        except Exception as error:
            outcome = problem_of(error)
            ack = {"error": outcome.document}
        finally:
            client.running.pop()
        record.done(started, outcome, sid=sid, user=user_of(known, client, namespace))
        return ack

    @functools.wraps(method)
    def handle(*arguments: Any) -> Any:
        sid: str = request.sid  # type: ignore[attr-defined]
        return answer(client_of(request.environ), sid, arguments, g._get_current_object())

    vars(handle)[ANSWER] = answer
    return handle


def _ack(result: Any) -> Any:
    """Return what a method without a URL answers; a tuple is several arguments of the ack."""
    if isinstance(result, tuple):
        return tuple(plain(part) for part in result)
    return plain(result)


def _body(result: Any) -> Any:
    """Return the body alone of what a method with a URL answers."""
    body = split(result)[0]
    if isinstance(body, Response):
        return loads(body.get_data()) if body.is_json else body.get_data(as_text=True)
    return plain(body)


class ConnectionHandlers:
    """The handlers of ``connect`` and ``disconnect`` of one namespace, which views may share."""

    def __init__(self) -> None:
        """Start without views."""
        self._views: list[FlaskView] = []
        self._guards: list[Callable[[str], None]] = []
        self.methods: dict[str, Callable[..., Any]] = {}
        """The ``socket_connect`` and ``socket_disconnect`` of a view: at most one of each."""
        self.bindings: dict[str, Binding] = {}
        self.records: dict[str, EventRecord] = {}

    def add(self, view: FlaskView, bindings: dict[str, Binding]) -> None:
        """Add a view to the namespace.

        :param view: the view, whose ``authorize`` is called at every connect, and then the limits
            of its ``socket_connect``.
        :param bindings: the arguments of its methods, by ``"connect"`` and ``"disconnect"``.
        """
        self._views.append(view)
        self._guards.append(guard_of(view, f"{SOCKET_PREFIX}connect"))
        self.bindings.update(bindings)
        for event in bindings:
            self.methods[event] = getattr(view, f"socket_{event}")
        for event in ("connect", "disconnect"):
            if event in bindings or event not in self.records:
                self.records[event] = EventRecord(type(view).__name__, event, view.log_level)

    def connect(self, auth: Any = None) -> None:
        """Accept a client by returning.

        :param auth: what the client sent along.
        :raises ConnectionRefusedError: the client is refused, whatever a view raised.
        """
        started = time.perf_counter()
        outcome: Problem | str = "refused"
        client, namespace = client_of(request.environ), _namespace()
        if auth is not None:
            client.auth[namespace] = auth
        client.entering()
        try:
            if client.refusal:
                raise Problem(*client.refusal)
            for guard in self._guards:
                guard("connect")
            if self._call("connect", auth) is False:
                raise ConnectionRefusedError("refused")
            client.accept(namespace, g.get("user"))
            outcome = "ok"
        except ConnectionRefusedError:
            raise
        except Exception as error:
            # Python's own exception of this name refuses, too, unless the system raised it.
            if isinstance(error, builtins.ConnectionRefusedError) and error.errno is None:
                raise ConnectionRefusedError(*error.args) from error
            outcome = problem = problem_of(error)
            told = problem.document["detail"] if isinstance(error, HTTPException) else None
            raise ConnectionRefusedError(told or "internal error", problem.document) from error
        finally:
            if outcome != "ok":
                client.discard(namespace)
                self._leave_rooms(for_good=True)
                self._forget_rooms()
            self.records["connect"].done(started, outcome)

    def disconnect(self, reason: Any = None) -> None:
        """Call the view when a client has left.

        :param reason: why, in python-socketio's words: ``"client disconnect"``.
        """
        started = time.perf_counter()
        outcome: Problem | str = "ok"
        client = client_of(request.environ)
        # Whoever is kicked does not come back; that a connection ends does not say so.
        self._leave_rooms(for_good=reason == _KICKED and not client.closing)
        try:
            self._call("disconnect", reason)
        except Exception as error:
            outcome = problem_of(error)
        self._forget_rooms()
        self.records["disconnect"].done(started, outcome)
        client.discard(_namespace())

    def _leave_rooms(self, *, for_good: bool) -> None:
        sid: str = request.sid  # type: ignore[attr-defined]
        for view in self._views:
            view._take_out_of_rooms(sid, for_good=for_good)

    def _forget_rooms(self) -> None:
        sid: str = request.sid  # type: ignore[attr-defined]
        for view in self._views:
            view._room_members.forget(sid)

    def _call(self, event: str, argument: Any) -> Any:
        binding = self.bindings.get(event)
        if binding is None:
            return None
        arguments = (argument,) if binding.takes_arguments else ()
        positional, named = binding.from_event(arguments)
        return self.methods[event](*positional, **named)


def _namespace() -> str:
    namespace: str = request.namespace  # type: ignore[attr-defined]
    return namespace


_UNHANDLED = {
    "event": EventRecord(NO_VIEW, "unknown"),
    "connect": EventRecord(NO_VIEW, "connect"),
    "disconnect": EventRecord(NO_VIEW, "disconnect"),
}


def catch_all_event(event: str, namespace: str, sid: str, *_: Any) -> dict[str, Any]:
    """Answer an event that no view handles."""
    problem = Problem(404, f"Nothing in {namespace} answers this event.")
    known = {"view": _no_view_in(namespace), "event": str(event)[:100], "sid": sid}
    _UNHANDLED["event"].done(time.perf_counter(), problem, **known)
    return {"error": problem.document}


def catch_all_connect(namespace: str, sid: str, environ: Any, auth: Any = None) -> None:
    """Refuse a namespace that no view has; the default one is open, as Socket.IO expects.

    :raises ConnectionRefusedError: with the reason and the problem.
    """
    problem = None
    if refusal := client_of(environ).refusal:
        problem = Problem(*refusal)
    elif namespace != "/":
        problem = Problem(404, f"There is no namespace {namespace:.100}.")
    known = {"view": _no_view_in(namespace), "sid": sid}
    _UNHANDLED["connect"].done(time.perf_counter(), problem or "ok", **known)
    if problem:
        raise ConnectionRefusedError(problem.document["detail"], problem.document)


def catch_all_disconnect(namespace: str, sid: str, reason: Any = None) -> None:
    """Record that a client has left the default namespace, where no view has it."""
    known = {"view": _no_view_in(namespace), "sid": sid}
    _UNHANDLED["disconnect"].done(time.perf_counter(), **known)


def _no_view_in(namespace: str) -> str:
    return f"{NO_VIEW} in {namespace[:100]!r}"
