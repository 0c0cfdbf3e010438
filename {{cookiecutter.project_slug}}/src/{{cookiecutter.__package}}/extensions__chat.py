"""The extensions; ``create_app`` binds them to an application."""

from __future__ import annotations

from typing import Any

from flask import Flask
from flask_socketio import SocketIO

from .database import Database, DatabaseError
from .settings import Settings, SettingsError

socketio = SocketIO()
db = Database()


def init_app(
    app: Flask, settings: Settings, *, serves_clients: bool, **socketio_options: Any
) -> None:
    """Bind the extensions to an application.

    :param app: the application.
    :param settings: the settings of the service.
    :param serves_clients: whether clients will connect to it, or it is there for a command.
    :param socketio_options: what the Socket.IO server is configured with.
    :raises SettingsError: the database cannot be used.
    """
    app.config.from_mapping(SESSION_SECONDS=settings.session_seconds)
    try:
        db.init_app(
            app,
            settings.database_url,
            pool_size=settings.database_pool_size,
            pool_timeout=settings.database_pool_timeout,
            check=serves_clients,
        )
    except DatabaseError as error:
        raise SettingsError(str(error)) from error
    socketio.init_app(app, **socketio_options)
