# Owned by the template: an update may change this file.
"""Logs and metrics: one line and one observation for each request and each event.

The labels of a metric come from the code and never from a client: requests and events that no view
answers share one label, so that no client can create time series without end. A line holds no query
string and no payload.
"""

from __future__ import annotations

import functools
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote
from uuid import UUID

from flask import Flask, g, has_app_context, has_request_context, request
from prometheus_client import Histogram

from .client import Client, client_of
from .errors import PROBLEM, Problem

if TYPE_CHECKING:
    from flask.ctx import _AppCtxGlobals

logger = logging.getLogger(__name__)

NO_VIEW = "no view"
"""The name of the view where no view answers."""

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_EVENTS = Histogram(
    "socketio_event_duration_seconds",
    "Events, connects and disconnects that were handled.",
    ("view", "event", "outcome"),
    buckets=_BUCKETS,
)
_REQUESTS = Histogram(
    "http_request_duration_seconds",
    "Requests, up to the beginning of the response.",
    ("view", "method", "status"),
    buckets=_BUCKETS,
)
_METHODS = frozenset(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"))

_WELL_FORMED = re.compile(r"[\w.:-]{1,100}", re.ASCII)
# Where the environment of a request has its id.
_REQUEST_ID = "flask_view.request_id"


def layer(app: Flask, serve: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
    """Return a WSGI application that records the requests of an application.

    :param app: the application.
    :param serve: its own WSGI application, below Socket.IO, whose requests are not recorded.
    """
    children: dict[tuple[Any, ...], tuple[Histogram, str, int]] = {}

    def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        started = time.perf_counter()

        # Every response begins here, even if a hook of the application has failed.
        def start(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            headers.append(("X-Request-ID", _request_id(environ)))
            # Flask's proxy of it costs as much as everything else here.
            asked = environ["werkzeug.request"]
            method = asked.method if asked.method in _METHODS else "other"
            key = (asked.endpoint, method, status[:3])
            if key not in children:
                name, level = _route(app, asked.endpoint)
                children[key] = _REQUESTS.labels(name, *key[1:]), name, level
            child, name, level = children[key]
            seconds = time.perf_counter() - started
            child.observe(seconds)

            problem = environ.get(PROBLEM)
            level = _level(level, int(key[2]), problem)
            if logger.isEnabledFor(level):
                # It may hold line breaks, which would forge lines of the log.
                path = quote(asked.path)[:200]
                fields = {"view": name, "method": method, "path": path, "status": int(key[2])}
                what = f"{name}: {method} {path}, {key[2]}"
                _write(level, what, fields, context(), seconds, problem)
            return start_response(status, headers, *more)

        return serve(environ, start)

    return wsgi_app


class EventRecord:
    """Records the events of one name that one method handles."""

    def __init__(self, view: str, event: str, level: int = logging.INFO) -> None:
        """Look up what does not change from one event to the next.

        :param view: the name of the view or of its method.
        :param event: the name of the event.
        :param level: the level of a line about it, unless it failed.
        """
        self._names = {"view": view, "event": event}
        self._level = level
        self._ok = _EVENTS.labels(view, event, "ok")
        self._ok_fields = {**self._names, "outcome": "ok"}
        self._ok_text = _text_of(self._ok_fields)

    def done(
        self,
        started: float,
        outcome: Problem | str = "ok",
        *,
        sid: str | None = None,
        user: Any = None,
        **known: str,
    ) -> None:
        """Record that an event was handled.

        :param started: when that began, by ``time.perf_counter()``.
        :param outcome: ``"ok"``, the problem, or a word of its own.
        :param sid: the id of the client, from a caller that has it at hand. Without it, the line
            gets the fields of ``context()``.
        :param user: what identifies the user, together with ``sid``.
        :param known: fields of the line, which replace the names.
        """
        seconds = time.perf_counter() - started
        level, problem = self._level, None
        if outcome == "ok":
            self._ok.observe(seconds)
        else:
            if isinstance(outcome, Problem):
                problem, status = outcome, outcome.document["status"]
                level, outcome = _level(level, status, problem), str(status)
            _EVENTS.labels(*self._names.values(), outcome).observe(seconds)
        if logger.isEnabledFor(level):
            if sid is None:
                origin = context()
            else:
                origin = {"sid": sid} if user is None else _with_user({"sid": sid}, user)
            if outcome == "ok" and not known:
                _write(level, self._ok_text, self._ok_fields, origin, seconds, problem)
            else:
                fields = self._names | known | {"outcome": outcome}
                _write(level, _text_of(fields), fields, origin, seconds, problem)


def _text_of(fields: dict[str, str]) -> str:
    return "{view}: event {event!r}, {outcome}".format(**fields)


def _level(level: int, status: int, problem: Problem | None) -> int:
    """Return the level of a line: failures of the server are warnings, unless the view is quiet."""
    if problem and problem.crash:
        return logging.ERROR
    return logging.WARNING if status >= 500 and level >= logging.INFO else level


Outcome = tuple[int, float, str, dict[str, Any], float, dict[str, str]]
"""What makes a line, later: the level, when it was, by ``time.time()``, what was done, the fields
that say what, how many seconds it took, and the fields that say whose it was."""


class Sink(Protocol):
    """Writes lines that need no record, because nobody else would see it."""

    def write_outcome(self, outcome: Outcome) -> bool:
        """Write the line of a request or event.

        :param outcome: what makes the line; none of it changes from now on.
        :return: false if another handler, or a filter, has to see a record of it.
        """


sink: Sink | None = None
"""The handler that writes the log of the service. It makes the lines later, many at a time: with 20
events of each client in flight, the log takes 2 to 15 % of the rate, and not 25 %."""


class Line(logging.LogRecord):
    """The record of one request or event, with all its fields.

    It is made without what ``Logger.log`` does for any other: to look for the line of code that
    logs, and for the name of the thread, takes several times as long as all that is done here.
    """

    __slots__ = ("fields",)

    def __init__(self, level: int, text: str, fields: dict[str, Any], crash: Any) -> None:
        """Make a record.

        :param level: the level.
        :param text: the message.
        :param fields: the fields, in JSON each one of its own.
        :param crash: the exception whose traceback belongs to the line, or ``None``.
        """
        now = time.time()
        blank, began = _blank(level)
        values = blank | fields
        values["msg"] = text
        values["created"] = now
        values["msecs"] = now % 1 * 1000 // 1
        values["relativeCreated"] = (now - began) * 1000
        values["thread"] = threading.get_ident()
        values["process"] = os.getpid()
        if crash:
            values["exc_info"] = (type(crash), crash, crash.__traceback__)
        self.__dict__ = values
        self.fields = fields


@functools.cache
def _blank(level: int) -> tuple[dict[str, Any], float]:
    """Return what all records of a level have in common, and when ``logging`` was loaded."""
    record = logging.LogRecord(logger.name, level, __file__, 0, "", None, None)
    record.threadName = None
    return {**vars(record)}, record.created - record.relativeCreated / 1000


def _write(
    level: int,
    what: str,
    fields: dict[str, Any],
    origin: dict[str, str],
    seconds: float,
    problem: Problem | None,
) -> None:
    crash = problem and problem.crash
    outcome = (level, time.time(), what, fields, seconds, origin)
    if crash is None and sink is not None and sink.write_outcome(outcome):
        return
    text, fields = described(what, fields, seconds, origin)
    if problem and crash:
        fields["problem"] = problem.document["id"]
        text += f", problem {fields['problem']}"
    if logging.getLogRecordFactory() is logging.LogRecord:
        logger.handle(Line(level, text, fields, crash))
    else:
        # Somebody adds fields to all records, such as the id of a trace.
        logger.log(level, text, extra=fields, exc_info=crash)


def described(
    what: str, fields: dict[str, Any], seconds: float, origin: dict[str, str]
) -> tuple[str, dict[str, Any]]:
    """Return the message and all fields of a line, from what an ``Outcome`` has of them."""
    duration = round(seconds * 1000, 3)
    return message_of(what, seconds), {**fields, "duration_ms": duration, **origin}


def message_of(what: str, seconds: float) -> str:
    """Return the message of a line: what was done, and how long it took."""
    return f"{what}, {seconds * 1000:.1f} ms"


def _route(app: Flask, endpoint: str | None) -> tuple[str, int]:
    """Return the name of the method behind an endpoint, and the level of a line about it."""
    function = app.view_functions.get(endpoint or "")
    if binding := getattr(function, "binding", None):
        return binding.name, function.class_.log_level  # type: ignore[union-attr]
    return endpoint or NO_VIEW, logging.INFO


def _request_id(environ: dict[str, Any]) -> str:
    """Return the id of a request: the one that a proxy gave it, or a new one."""
    if _REQUEST_ID not in environ:
        given = environ.get("HTTP_X_REQUEST_ID", "")
        environ[_REQUEST_ID] = given if _WELL_FORMED.fullmatch(given) else os.urandom(16).hex()
    identifier: str = environ[_REQUEST_ID]
    return identifier


def remember_origin(origin: dict[str, str]) -> None:
    """Give the log lines of a background task the fields of the request or event that started it.

    :param origin: the ``context()`` of that request or event.
    """
    g.flask_view_origin = origin


def context() -> dict[str, str]:
    """Return the fields that a line of the log has from the request or the event it belongs to."""
    if not has_request_context():
        return g.get("flask_view_origin", {}) if has_app_context() else {}
    asked: Any = request._get_current_object()  # type: ignore[attr-defined,unused-ignore]
    sid = getattr(asked, "sid", None)
    origin = {"sid": sid} if sid else {"request_id": _request_id(asked.environ)}
    return _with_user(origin, current_user())


def current_user() -> Any:
    """Return the user of the current request or event."""
    asked: Any = request._get_current_object()  # type: ignore[attr-defined,unused-ignore]
    known = g._get_current_object()
    if hasattr(asked, "sid"):
        return user_of(known, client_of(asked.environ), asked.namespace)
    return known.get("user")


def user_of(known: _AppCtxGlobals, client: Client, namespace: str) -> Any:
    """Return the user of an event.

    :param known: the ``g`` of the event; Flask's proxy of it takes three times as long.
    :param client: the client that sent it.
    :param namespace: the namespace that it belongs to.
    """
    user = known.get("user")
    return client.users.get(namespace) if user is None else user


def _with_user(origin: dict[str, str], user: Any) -> dict[str, str]:
    """Add who the user is, unless that is an object: it might hold more than an id."""
    if isinstance(user, (str, int, UUID)):
        origin["user"] = str(user)[:100]
    return origin
