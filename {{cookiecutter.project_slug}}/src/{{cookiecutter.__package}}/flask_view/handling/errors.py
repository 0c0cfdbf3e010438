# Owned by the template: an update may change this file.
"""Errors: the same problem object (RFC 9457) on both transports."""

from __future__ import annotations

import logging
import traceback
import uuid
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, current_app, got_request_exception, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from .serialization import dumps, plain

logger = logging.getLogger(__name__)

PROBLEM = "flask_view.problem"
"""The key of the problem with which a request ended, in its WSGI environment."""

# Python took over the titles of RFC 9110, section 15.5, in 3.13.
_TITLES = {status.value: status.phrase for status in HTTPStatus} | {
    413: "Content Too Large",
    414: "URI Too Long",
    416: "Range Not Satisfiable",
    422: "Unprocessable Content",
}


class Problem(HTTPException):
    """An error to raise from any method, with fields of your own.

    ``raise Problem(409, "The name is taken", name=name)`` becomes a response with the status 409
    and the type ``application/problem+json``, or the ack ``{"error": {"status": 409, ...}}``.
    """

    crash: Exception | None = None
    """The unexpected exception behind a 500."""

    def __init__(
        self, status: int, detail: str, *, title: str = "", type: str = "about:blank", **more: Any
    ) -> None:
        """Describe the problem.

        :param status: an HTTP status code, in acks as well.
        :param detail: a sentence for the reader: what is wrong, and what to do.
        :param title: a short name for this kind of problem; by default that of the status.
        :param type: a URI that identifies this kind of problem.
        :param more: further members of the object.
        :raises TypeError: a field cannot be serialised.
        """
        super().__init__(description=detail)
        self.code = status
        self.document: dict[str, Any] = plain(
            {
                "type": type,
                "title": title or _TITLES.get(status, "Unknown Error"),
                "status": status,
                "detail": detail,
                **more,
            }
        )
        """The problem object, in JSON's types."""

    def get_response(self, *args: Any, **kwargs: Any) -> Response:
        """Return the problem as a response, with ``Retry-After`` if it has a ``retry_after``."""
        response = Response(dumps(self.document), self.code, mimetype="application/problem+json")
        if "retry_after" in self.document:
            response.headers["Retry-After"] = str(self.document["retry_after"])
        return response


def problem_of(error: Exception) -> Problem:
    """Turn an exception into a problem; an unexpected one gets an id.

    :param error: the exception, while it is being handled.
    """
    if isinstance(error, HTTPException):
        return error if isinstance(error, Problem) else _from_http_exception(error)

    identifier = uuid.uuid4().hex
    problem = Problem(500, "The server failed; its log says why under this id.", id=identifier)
    problem.crash = error
    if current_app.debug:
        problem.document["detail"] = f"{type(error).__name__}: {error}"
        problem.document["traceback"] = "".join(traceback.format_exception(error))
    _send_signal(error)
    return problem


def _send_signal(error: Exception) -> None:
    """Send Flask's signal of an unhandled exception, which error trackers subscribe to."""
    app = current_app._get_current_object()  # type: ignore[attr-defined,unused-ignore]
    try:
        got_request_exception.send(app, _async_wrapper=app.ensure_sync, exception=error)
    except Exception:
        # The client gets its answer, whatever a subscriber does.
        logger.exception("A subscriber of got_request_exception failed")


def _from_http_exception(error: HTTPException) -> Problem:
    """Return the problem that says the same as one of Werkzeug's exceptions."""
    if error.response is not None:
        return Problem(error.response.status_code, error.response.status)
    return Problem(error.code or 500, error.description or error.name)


def init_app(app: Flask) -> None:
    """Answer every failed request of an application with a problem, with or without a view.

    :param app: the application; its own handlers of single exceptions keep their precedence.
    """

    @app.errorhandler(Exception)
    def answer(error: Exception) -> BaseResponse:
        problem = request.environ[PROBLEM] = problem_of(error)
        if isinstance(error, HTTPException) and error.response is not None:
            return error.get_response()
        response = problem.get_response()
        if isinstance(error, HTTPException):
            # Headers such as Allow and WWW-Authenticate belong to the answer.
            headers = {name: value for name, value in error.get_headers() if name != "Content-Type"}
            response.headers.update(headers)
        return response
