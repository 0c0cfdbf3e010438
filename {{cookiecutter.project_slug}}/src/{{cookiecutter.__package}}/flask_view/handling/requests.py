# Owned by the template: an update may change this file.
"""HTTP: the functions that Flask calls for the methods of a view."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from flask import Response, g, make_response, request
from werkzeug.datastructures import Headers
from werkzeug.wrappers import Response as BaseResponse

from .binding import Binding
from .client import CHARGE
from .limiting import guard_of
from .serialization import dumps, plain

if TYPE_CHECKING:
    from ..view import FlaskView

# What Flask itself makes a response of; anything else becomes JSON.
_FLASK_BODIES = (str, bytes, bytearray, BaseResponse, Iterator)


def view_function(view: FlaskView, name: str, binding: Binding) -> Callable[..., Any]:
    """Return the function that answers the requests of one method.

    In this order run: ``authorize``, the limits, ``before_request``, ``before_<name>``, the
    ``decorators`` of the class, the method, ``after_<name>``, ``after_request``. Arguments are
    bound last, so a decorator can refuse a request before its arguments are validated.

    :param view: the one instance that serves all requests and events.
    :param name: the name of the method.
    :param binding: its arguments.
    """
    method = getattr(view, name)

    @functools.wraps(method)
    def call(*args: Any, **path: Any) -> Any:
        return method(*args, **binding.from_request(path))

    decorated: Callable[..., Any] = call
    # Decorators find the view in this attribute, as with Flask-Classful.
    vars(call)["class_"] = view
    for decorator in reversed(view.decorators):
        decorated = decorator(decorated)

    before = _hooks(view, name, ("before_request", f"before_{name}"))
    after = _hooks(view, name, (f"after_{name}", "after_request"))
    guard = guard_of(view, name)
    representations = view.representations

    @functools.wraps(decorated)
    def answer(**path: Any) -> Any:
        guard(name)
        if (user := g.get("user")) and (charge := request.environ.get(CHARGE)):
            charge(request.environ, user, 1)
        for hook in before:
            # A hook may change the variables of the URL for the next ones and for the method.
            path = request.view_args or {}
            if (early := hook(**path)) is not None:
                return early
        response = response_of(decorated(**path), representations)
        for hook in after:
            response = hook(make_response(response))
        return response

    return answer


def _hooks(view: FlaskView, name: str, hook_names: tuple[str, str]) -> list[Callable[..., Any]]:
    """Return the hooks that a view has; those for all methods get the name of the method."""
    hooks = []
    for hook_name in hook_names:
        hook = getattr(view, hook_name, None)
        if hook is not None:
            every = hook_name in ("before_request", "after_request")
            hooks.append(functools.partial(hook, name) if every else hook)
    return hooks


def response_of(result: Any, representations: dict[str, Callable[..., Any]]) -> Any:
    """Turn what a method returned into something that Flask makes a response of.

    Flask's forms keep their meaning: a body, ``(body, status)``, ``(body, headers)`` or
    ``(body, status, headers)``. A body that Flask does not know becomes JSON; none is 204.

    :param result: what the method returned.
    :param representations: functions ``(body, status, headers)`` by media type, or none.
    """
    body, status, headers = split(result)
    if representations and not isinstance(body, BaseResponse):
        best = request.accept_mimetypes.best_match(representations)
        represent = representations.get(best or "flask-classful/default")
        if represent:
            return represent(body, status, headers)
    if body is None:
        return Response(status=status or 204, headers=headers)
    if not isinstance(body, _FLASK_BODIES):
        body = Response(dumps(plain(body)), mimetype="application/json")
    if status is None and headers is None:
        return body
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
