# Owned by the template: an update may change this file.
"""Telling the requests of Socket.IO from all others."""

from __future__ import annotations

from typing import Any


def is_socketio(environ: dict[str, Any]) -> bool:
    """Tell whether a request belongs to a Socket.IO connection.

    :param environ: its WSGI environment.
    """
    path: str = environ["PATH_INFO"]
    return path.startswith("/socket.io/")


def is_handshake(environ: dict[str, Any]) -> bool:
    """Tell whether a request opens a Socket.IO connection.

    :param environ: its WSGI environment.
    """
    return is_socketio(environ) and "sid=" not in environ["QUERY_STRING"]
