"""The application: settings, extensions, views, and what runs them."""

from __future__ import annotations

from flask import Flask

from . import views
from .extensions import db, socketio
from .flask_view import register_views
from .serving.layers import surround
from .settings import Settings


def create_app(settings: Settings | None = None, *, serves_clients: bool = True) -> Flask:
    """Return a new application.

    :param settings: the settings; by default those of the environment.
    :param serves_clients: whether clients will connect to it, or it is there for a command.
    :raises SettingsError: the environment holds a value that the service cannot run with.
    :raises RegistrationError: a view cannot be served as it is written.
    :raises ImportError: a module with views cannot be imported.
    """
    settings = settings or Settings.load()
    app = Flask(__name__, instance_path=str(settings.instance_path.absolute()))
    app.config.from_mapping(SESSION_SECONDS=settings.session_seconds)

    surround(app, socketio, settings, serves_clients=serves_clients)
    db.init_app(app, settings, serves_clients=serves_clients)
    register_views(app, views, socket=socketio)
    return app
