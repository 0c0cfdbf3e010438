"""The application: settings, extensions, then every view with its routes and events."""

from __future__ import annotations

import logging
from typing import Any

from engineio.payload import Payload
from flask import Flask
from werkzeug.middleware.proxy_fix import ProxyFix

from . import browsers, elsewhere, extensions, flask_view, views
from .async_mode import ASYNC_MODE
from .broker import RedisManager, client_manager
from .cookies import CookieSessions
from .drain import drain
from .extensions import socketio
from .flask_view import errors, records, serialization
from .limits import Limits
from .logs import configure_logging
from .readiness import add_check
from .settings import Settings


def create_app(settings: Settings | None = None, *, serves_clients: bool = True) -> Flask:
    """Return a new application.

    :param settings: the settings; by default those of the environment.
    :param serves_clients: whether clients will connect to it, or it is there for a command.
    :raises SettingsError: the environment holds a value that the service cannot run with.
    :raises ImportError: a module with views cannot be imported.
    """
    settings = settings or Settings.load()
    configure_logging(settings)

    app = Flask(__name__, instance_path=str(settings.instance_path.absolute()))
    app.config.from_mapping(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        SECRET_KEY_FALLBACKS=[old.get_secret_value() for old in settings.secret_key_fallbacks],
        MAX_CONTENT_LENGTH=settings.max_message_bytes,
    )
    app.json = serialization.FlaskJSON(app)
    app.session_interface = CookieSessions()
    errors.init_app(app)
    records.init_app(app, socketio)

    rules = browsers.Browsers(settings)
    Payload.max_decode_packets = settings.max_polling_packets
    clients = client_manager(settings.message_queue_url, serves_clients=serves_clients)
    extensions.init_app(
        app,
        settings,
        serves_clients=serves_clients,
        client_manager=clients,
        **_socketio_options(settings, rules),
    )
    if isinstance(clients, RedisManager):
        add_check(app, "broker", lambda: clients.trouble)
    app.extensions["limits"] = limits = Limits(socketio.server, settings)
    limits.init_app(app)
    flask_view.register_views(app, views, socket=socketio)

    rules.init_app(app)
    # Outside of these, so that events see the client's address too, and not the proxy's.
    if hops := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops, x_port=hops, x_prefix=hops
        )
    if settings.message_queue_url:
        elsewhere.init_app(app)
    drain.init_app(app)
    browsers.add_headers(app)
    return app


def _socketio_options(settings: Settings, rules: browsers.Browsers) -> dict[str, Any]:
    return {
        "async_mode": ASYNC_MODE,
        "async_handlers": not settings.ordered_events,
        "cors_allowed_origins": rules.is_allowed_origin,
        "cors_credentials": "*" not in settings.cors_allowed_origins,
        "json": serialization,
        "max_http_buffer_size": settings.max_message_bytes,
        # The views say which there are, and refuse the others in their own words.
        "namespaces": "*",
        "ping_interval": settings.ping_interval,
        "ping_timeout": settings.ping_timeout,
        "transports": settings.transports,
        "logger": logging.getLogger("socketio"),
        "engineio_logger": logging.getLogger("engineio"),
    }
