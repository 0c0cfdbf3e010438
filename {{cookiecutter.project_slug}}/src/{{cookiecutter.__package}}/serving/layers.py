# Owned by the template: an update may change this file.
"""The layers around the application that every request passes, in order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from flask import Flask
from flask_socketio import SocketIO
from socketio import Server
from werkzeug.middleware.proxy_fix import ProxyFix

from ..flask_view.handling import errors, serialization, telemetry
from .async_mode import ASYNC_MODE
from .browser import client as browser
from .cluster.clients import client_manager
from .connections.connection import Connection
from .connections.limits import Limits
from .process.drain import Drain
from .process.logs import configure_logging
from .quick import versions
from .readiness import add_check
from .requests.body import Request
from .requests.headers import add_headers
from .requests.kinds import is_socketio
from .requests.origins import OriginRules
from .requests.session_cookie import CookieSessions
from .service import Service
from .settings import ServingSettings

logger = logging.getLogger(__name__)

WSGIApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Layer = Callable[[WSGIApp], WSGIApp]


def surround(
    app: Flask, socketio: SocketIO, settings: ServingSettings, *, serves_clients: bool
) -> None:
    """Wrap an application in the layers that every request and every connection passes.

    :param app: the application.
    :param socketio: the Socket.IO server, which is bound to the application here.
    :param settings: the settings of the service.
    :param serves_clients: false if the application is for a command, to which no clients connect.
    :raises SettingsError: ``MESSAGE_QUEUE_URL`` is wrong.
    """
    configure_logging(settings)
    app.config.from_mapping(
        SECRET_KEY=settings.secret_key.get_secret_value(),
        SECRET_KEY_FALLBACKS=[old.get_secret_value() for old in settings.secret_key_fallbacks],
        MAX_CONTENT_LENGTH=settings.max_message_bytes,
        ENVIRONMENT=settings.environment,
    )
    app.json = serialization.FlaskJSON(app)
    app.session_interface = CookieSessions()
    app.request_class = Request
    errors.init_app(app)

    origins = OriginRules(settings)
    origins.init_app(app)
    clients = client_manager(settings, serves_clients=serves_clients)
    if settings.message_queue_url:
        add_check(app, "broker", lambda: clients.trouble)
    requests_of_flask, connections = _path(app, settings)
    socketio.init_app(app, client_manager=clients, **_socketio_options(settings, origins))
    limits = Limits(socketio.server, settings, connections)
    drain = Drain(app, limits, socketio.sleep)
    Service(app, settings, socketio, limits, drain).remember()

    layers: list[Layer] = [
        # Outermost, because every response needs them, whichever layer it comes from.
        add_headers,
        # Counts the running requests: the process must not stop before they are answered.
        drain.layer,
        # From here on, address, host and scheme are those of the client, not of the proxy.
        *([_trust_proxies(settings.trusted_proxies)] if settings.trusted_proxies else []),
        # Needs the client's address; refuses floods before anything more expensive runs.
        limits.layer,
        # Needs the host; keeps pages of other sites away from every handler.
        origins.layer,
        # Answers the requests for Socket.IO and passes all others on to Flask.
        partial(_answer_socketio, app, socketio.server),
        # Innermost: logs and measures the requests that Flask itself answers.
        partial(telemetry.layer, app),
    ]
    serve: WSGIApp = requests_of_flask
    for layer in reversed(layers):
        serve = layer(serve)
    app.wsgi_app = serve  # type: ignore[assignment,method-assign]
    if serves_clients:
        browser.init_app(app)
        in_development = settings.environment == "development"
        if in_development if settings.docs is None else settings.docs:
            from ..contract.page import view as docs

            docs.init_app(app)


def _path(app: Flask, settings: ServingSettings) -> tuple[WSGIApp, type[Connection]]:
    """Return what answers the requests of an application, and the class of its connections.

    They are the quick ones, if the setting and the installed libraries allow it.
    """
    obstacle = versions.obstacle(app)
    if obstacle and settings.quick_path:
        logger.warning("Serving on the path of the libraries, because of %s", obstacle)
    if obstacle or not settings.quick_path:
        return app.wsgi_app, Connection
    from .quick.connection import QuickConnection
    from .quick.requests import QuickRequests

    return QuickRequests(app), QuickConnection


def _trust_proxies(hops: int) -> Layer:
    """Return the layer that applies the ``X-Forwarded`` headers of this many proxies."""
    return partial(ProxyFix, x_for=hops, x_proto=hops, x_host=hops, x_port=hops, x_prefix=hops)


def _answer_socketio(app: Flask, server: Server, serve: WSGIApp) -> WSGIApp:
    """Return what answers the requests for Socket.IO, in front of another application.

    Flask-SocketIO's own middleware copies the environment of every request, and under gunicorn
    makes a class for each: POST and GET of a client that polls take 3 to 8 % more time with it, and
    other requests as much.
    """

    def wsgi_app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if not is_socketio(environ):
            return serve(environ, start_response)
        # Where Flask-SocketIO looks for the application of an event.
        environ["flask.app"] = app
        answer: Iterable[bytes] = server.handle_request(environ, start_response)
        return answer

    return wsgi_app


def _socketio_options(settings: ServingSettings, origins: OriginRules) -> dict[str, Any]:
    return {
        "async_mode": ASYNC_MODE,
        "async_handlers": not settings.ordered_events,
        "cors_allowed_origins": origins.is_allowed_origin,
        "cors_credentials": "*" not in settings.cors_allowed_origins,
        "json": serialization,
        "max_http_buffer_size": settings.max_message_bytes,
        # The views decide which namespaces exist, and how others are refused.
        "namespaces": "*",
        "ping_interval": settings.ping_interval,
        "ping_timeout": settings.ping_timeout,
        "transports": settings.transports,
        "logger": logging.getLogger("socketio"),
        "engineio_logger": logging.getLogger("engineio"),
    }
