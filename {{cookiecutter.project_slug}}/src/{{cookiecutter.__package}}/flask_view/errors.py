# Owned by the template: an update may change this file.
"""What a client gets when something fails: one problem object on both transports (RFC 9457)."""

from __future__ import annotations

import logging
import re
import time
import traceback
import uuid
from typing import Any
from urllib.parse import quote

from flask import Flask, Response, current_app, g, got_request_exception, request
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES
from werkzeug.wrappers import Response as BaseResponse

from .serialization import dumps, plain

logger = logging.getLogger(__name__)


class Problem(HTTPException):
    """An error to raise from any method, with fields of your own.

    ``raise Problem(409, "The name is taken", name=name)`` becomes a response with the status 409
    and the type ``application/problem+json``, or the ack ``{"error": {"status": 409, ...}}``.
    """

    def __init__(
        self, status: int, detail: str, *, title: str = "", type: str = "about:blank", **more: Any
    ) -> None:
        """Describe the problem.

        :param status: the status code of HTTP, which an ack carries too.
        :param detail: a sentence for the reader: what is wrong, and what to do.
        :param title: a short name of the kind of problem; by default HTTP's own.
        :param type: a URI that names the kind of problem.
        :param more: further fields of the object.
        :raises TypeError: a field cannot be serialised.
        """
        super().__init__(description=detail)
        self.code = status
        self.document: dict[str, Any] = plain(
            {
                "type": type,
                "title": title or HTTP_STATUS_CODES.get(status, "Unknown Error"),
                "status": status,
                "detail": detail,
                **more,
            }
        )
        """The problem object, in JSON's types."""

    def get_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return the problem as a response."""
        return Response(dumps(self.document), self.code, mimetype="application/problem+json")


def problem_of(error: Exception, action: str, client: str, started: float) -> Problem:
    """Turn whatever a handler raised into a problem, and write one line about it to the log.

    :param error: the exception, while it is being handled.
    :param action: what was done: ``ChatView.send``.
    :param client: who asked, for the log: a request's method and path, or an event and its sid.
    :param started: when it began, by ``time.perf_counter()``.
    """
    line = "%s failed with %s: %s, %.1f ms"
    milliseconds = (time.perf_counter() - started) * 1000
    if isinstance(error, HTTPException):
        problem = error if isinstance(error, Problem) else _from_http_exception(error)
        level = logging.WARNING if problem.document["status"] >= 500 else logging.INFO
        logger.log(level, line, action, problem.code, client, milliseconds)
        return problem

    identifier = uuid.uuid4().hex
    problem = Problem(500, "The server failed; its log says why under this id.", id=identifier)
    if current_app.debug:
        problem.document["detail"] = f"{type(error).__name__}: {error}"
        problem.document["traceback"] = "".join(traceback.format_exception(error))
    logger.error(line + ", id %s", action, 500, client, milliseconds, identifier, exc_info=error)
    _tell_monitors(error)
    return problem


def _tell_monitors(error: Exception) -> None:
    """Send Flask's signal of a crash, which error trackers listen to."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    try:
        got_request_exception.send(app, _async_wrapper=app.ensure_sync, exception=error)
    except Exception:
        # The client waits for its answer, whatever a listener does.
        logger.exception("A listener of got_request_exception failed")


def _from_http_exception(error: HTTPException) -> Problem:
    """Return the problem that says the same as one of Werkzeug's exceptions."""
    if error.response is not None:
        return Problem(error.response.status_code, error.response.status)
    return Problem(error.code or 500, error.description or error.name)


def _request_id() -> str:
    """Return the name that a proxy gave to the request, or a new one."""
    given = request.headers.get("X-Request-ID", "")
    return given if re.fullmatch(r"[\w.:-]{1,100}", given, re.ASCII) else uuid.uuid4().hex


def init_app(app: Flask) -> None:
    """Let every failed request of an application, also one that no view answers, end as a problem.

    :param app: the application; what it registers for single exceptions keeps its precedence.
    """

    @app.errorhandler(Exception)
    def answer(error: Exception) -> BaseResponse:
        identifier = _request_id()
        # Quoted, because a path may hold line breaks, which would forge lines of the log.
        client = f"{request.method} {quote(request.path)[:200]}, request {identifier}"
        started = g.get("started", time.perf_counter())
        action = g.get("action", request.endpoint or "no view")
        problem = problem_of(error, action, client, started)
        if isinstance(error, HTTPException) and error.response is not None:
            return error.get_response()
        response = problem.get_response()
        response.headers["X-Request-ID"] = identifier
        if isinstance(error, HTTPException):
            # Headers such as Allow and WWW-Authenticate belong to the answer.
            headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
            response.headers.update(headers)
        return response
