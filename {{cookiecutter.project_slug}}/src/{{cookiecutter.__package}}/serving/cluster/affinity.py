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

from socketio import Server

from ...flask_view import Problem
from ..requests.kinds import is_socketio


class SessionAffinity:
    """Says of each session whether this process has it."""

    def __init__(self, server: Server) -> None:
        """Begin.

        :param server: the Socket.IO server of this process.
        """
        self._sessions = server.eio.sockets

    def layer(self, serve: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        """Answer 404 where a session is not of this process.

        :param serve: the WSGI application that answers everything else.
        """

        def wsgi_app(
            environ: dict[str, Any], start_response: Callable[..., Any]
        ) -> Iterable[bytes]:
            if is_socketio(environ) and not self._is_here(environ):
                problem = Problem(404, "This process has no such session.")
                return problem(environ, start_response)
            return serve(environ, start_response)

        return wsgi_app

    def _is_here(self, environ: dict[str, Any]) -> bool:
        """Tell whether a request belongs to a session of this process, or to none yet."""
        sid = parse_qs(environ["QUERY_STRING"]).get("sid")
        return sid is None or sid[0] in self._sessions
