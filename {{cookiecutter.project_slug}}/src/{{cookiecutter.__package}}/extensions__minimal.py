"""The extensions; ``create_app`` binds them to an application."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_socketio import SocketIO

from .settings import Settings

socketio = SocketIO()


def init_app(
    app: Flask, settings: Settings, *, serves_clients: bool, **socketio_options: Any
) -> None:
    """Bind the extensions to an application.

    :param app: the application.
    :param settings: the settings of the service.
    :param serves_clients: whether clients will connect to it, or it is there for a command.
    :param socketio_options: what the Socket.IO server is configured with.
    """
    socketio.init_app(app, **socketio_options)
