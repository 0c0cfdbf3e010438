# Owned by the template: an update may change this file.
"""The page that a service shows at its address in development."""

from __future__ import annotations

import logging
import os
import platform
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from flask import Flask, Response, current_app, request, send_from_directory
from prometheus_client import REGISTRY
from werkzeug.exceptions import NotFound

from ...contract import catalog
from ...flask_view import FlaskView, route
from ..async_mode import ASYNC_MODE
from ..service import FOLDER, command_name, service_of

_STATIC = Path(__file__).parent / "static"
_POLICY = {"Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'"}


class WelcomeView(FlaskView):
    """Answers at /_welcome, in development only; and at / unless a view of the service does."""

    route_base = "_welcome"
    # The page asks for its numbers every second.
    log_level = logging.DEBUG

    def index(self) -> Response:
        """GET /_welcome: the page."""
        return _page()

    def about(self) -> dict[str, Any]:
        """GET /_welcome/about: what runs here, and what it answers."""
        service = service_of(current_app)
        routes = [found for found in catalog.routes(service.app) if _is_of_service(found.place)]
        paths = {found.path for found in routes}
        views = [found.place for found in routes if found.place.file.parent.name == "views"]
        return {
            "command": command_name(),
            "environment": service.settings.environment,
            # Set by the reloader.
            "reloads": "WATCHFILES_CHANGES" in os.environ,
            "mode": ASYNC_MODE,
            "versions": _versions(),
            "edit": str(catalog.short(views[0].file)) if views else "",
            "links": [path for path in ("/", "/health/ready", "/metrics") if path in paths],
            "routes": [
                {"methods": found.methods, "path": found.path, **_shown(found.place)}
                for found in routes
            ],
            "events": [
                {"namespace": found.namespace, "event": found.name, **_shown(found.place)}
                for found in catalog.events(service.socketio)
            ],
        }

    def numbers(self) -> dict[str, float]:
        """GET /_welcome/numbers: what has been counted since the start, as /metrics has it."""
        found = dict.fromkeys(("connections", "events", "requests", "errors"), 0.0)
        for metric in REGISTRY.collect():
            for sample in metric.samples:
                if sample.name == "socketio_connections":
                    found["connections"] = sample.value
                elif sample.labels.get("view", "").startswith(type(self).__name__):
                    continue
                elif sample.name == "socketio_event_duration_seconds_count":
                    found["events"] += sample.value
                    found["errors"] += sample.value * (sample.labels["outcome"][:1] == "5")
                elif sample.name == "http_request_duration_seconds_count":
                    found["requests"] += sample.value
                    found["errors"] += sample.value * (sample.labels["status"][:1] == "5")
        return found

    @route("static/<name>")
    def static(self, name: str) -> Response:
        """GET /_welcome/static/<name>: the style and the script of the page."""
        return send_from_directory(_STATIC, name)


def init_app(app: Flask) -> None:
    """Add the page to an application.

    :param app: the application, in development.
    """
    WelcomeView.register(app)

    @app.before_request
    def welcome() -> Response | None:
        nothing_there = isinstance(request.routing_exception, NotFound)
        return _page() if request.path == "/" and nothing_there else None


def _page() -> Response:
    response = send_from_directory(_STATIC, "index.html")
    response.headers.update(_POLICY)
    return response


def _versions() -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for name in ("Flask", "Flask-SocketIO", ASYNC_MODE):
        # Threads need no library.
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _is_of_service(place: catalog.Place) -> bool:
    """Tell whether something is written in the service, and is not this page."""
    return FOLDER in place.file.parents and place.file != Path(__file__)


def _shown(place: catalog.Place) -> dict[str, str]:
    return {"method": place.name, "place": str(place)}
