# Owned by the template: an update may change this file.
"""Telling a proxy that a session is not in this process, but may be in another one.

A proxy sends a client to the same process every time, until a process comes or goes. A session that
polls would end then, although the process that has it is there. So whoever does not know a session
says 404, and the proxy asks the next one: see ``proxy_next_upstream`` in ``deploy/nginx.conf``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qs

from flask import Flask

from .extensions import socketio
from .flask_view import Problem
from .limits import is_socketio


def init_app(app: Flask) -> None:
    """Stand in front of an application that is one of several.

    :param app: the application.
    """
    serve = app.wsgi_app

    def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if is_socketio(environ) and not _is_here(environ):
            return Problem(404, "This process has no such session.")(environ, start_response)
        return serve(environ, start_response)

    app.wsgi_app = wsgi_app  # type: ignore[method-assign]


def _is_here(environ: dict[str, Any]) -> bool:
    """Tell whether a request belongs to a session of this process, or to none yet."""
    sid = parse_qs(environ["QUERY_STRING"]).get("sid")
    if sid is None:
        return True
    return sid[0] in socketio.server.eio.sockets
