"""HTTP: the function that Flask calls for a method of a view."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flask import Response, make_response, request
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as BaseResponse

from .binding import Binding
from .serialization import dumps, plain

if TYPE_CHECKING:
    from .view import FlaskView

# What Flask itself makes a response of; anything else becomes JSON.
_FLASK_BODIES = (str, bytes, bytearray, BaseResponse)


def view_function(view: FlaskView, name: str, binding: Binding) -> Callable[..., Any]:
    """Return the function that answers the requests of one method.

    In this order run: ``authorize``, ``before_request``, ``before_<name>``, the ``decorators`` of
    the class, the method, ``after_<name>``, ``after_request``. Arguments are bound innermost, so
    a decorator can refuse a request before its arguments are judged.

    :param view: the one instance that serves all requests and events.
    :param name: the name of the method.
    :param binding: its arguments.
    """
    method = getattr(view, name)

    @functools.wraps(method)
    def call(*args: Any, **path: Any) -> Any:
        return method(*args, **binding.from_request(path))

    decorated: Callable[..., Any] = call
    # Decorators of the library's users find the view here.
    vars(call)["class_"] = view
    for decorator in reversed(view.decorators):
        decorated = decorator(decorated)

    before = [
        functools.partial(hook, name) if hook_name == "before_request" else hook
        for hook_name in ("before_request", f"before_{name}")
        if (hook := getattr(view, hook_name, None))
    ]
    after = [
        functools.partial(hook, name) if hook_name == "after_request" else hook
        for hook_name in (f"after_{name}", "after_request")
        if (hook := getattr(view, hook_name, None))
    ]
    authorize = view.authorize

    @functools.wraps(decorated)
    def answer(**_: Any) -> Any:
        authorize(name)
        # Hooks may change the variables of the URL, so they are read from the request each time.
        for hook in before:
            if (early := hook(**(request.view_args or {}))) is not None:
                return early
        response = response_of(decorated(**(request.view_args or {})), view.representations)
        for hook in after:
            response = hook(response)
        return response

    return answer


def response_of(result: Any, representations: dict[str, Callable[..., Any]]) -> Any:
    """Turn what a method returned into a response.

    Flask's forms keep their meaning: a body, ``(body, status)``, ``(body, headers)`` or
    ``(body, status, headers)``. A body that Flask does not know becomes JSON; none is 204.

    :param result: what the method returned.
    :param representations: functions ``(body, status, headers)`` by media type, or none.
    """
    body, status, headers = split(result)
    if isinstance(body, BaseResponse):
        return make_response(*(part for part in (body, status, headers) if part is not None))
    if representations:
        best = request.accept_mimetypes.best_match(representations)
        represent = representations.get(best or "flask-classful/default")
        if represent:
            return represent(body, status, headers)
    if body is None:
        return Response(status=204 if status is None else status, headers=_headers(headers))
    if not isinstance(body, _FLASK_BODIES) and not hasattr(body, "__next__"):
        body = Response(dumps(plain(body)), mimetype="application/json")
    return make_response(*(part for part in (body, status, headers) if part is not None))


def split(result: Any) -> tuple[Any, Any, Any]:
    """Return body, status and headers, the latter two ``None`` where they were left out."""
    if not isinstance(result, tuple):
        return result, None, None
    if len(result) == 2 and isinstance(result[1], dict | list | tuple | Headers):
        return result[0], None, result[1]
    if len(result) in (2, 3):
        return (*result, None)[:3]
    return result, None, None


def _headers(headers: Any) -> Headers:
    return Headers(headers or ())
