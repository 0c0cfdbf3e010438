# Owned by the template: an update may change this file.
"""The page ``/docs``, and the documents beside it."""

from __future__ import annotations

import dataclasses
import logging
import os
import platform
from contextlib import suppress
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from flask import (
    Flask,
    Response,
    abort,
    current_app,
    redirect,
    request,
    send_from_directory,
    url_for,
)
from prometheus_client import REGISTRY
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from ...flask_view import FlaskView, Problem, route
from ...flask_view.handling.serialization import dumps
from .. import asyncapi, catalog, openapi, typescript
from ..project import FOLDER, command_name
from ..reading import contract_of
from ..structure import Contract

_STATIC = Path(__file__).parent / "static"
_HEADERS = {
    "Content-Security-Policy": "; ".join(
        [
            "default-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
            "object-src 'none'",
        ]
    ),
    "X-Frame-Options": "DENY",
}


class DocsView(FlaskView):
    """Answers at /docs: in development to everybody, in production to whom the service lets in."""

    route_base = "docs"
    # The page asks for its numbers every second.
    log_level = logging.DEBUG

    def __init__(self, app: Flask) -> None:
        """Remember whose contract this is."""
        self._app = app

    def authorize(self, action: str) -> None:
        """Let in whom the service's own function does not refuse.

        :raises Problem: 403, there is no such function.
        """
        if _in_development():
            return
        authorize = current_app.config.get("DOCS_AUTHORIZE")
        if authorize is None:
            raise Problem(403, "Nobody may see this until DOCS_AUTHORIZE says who: see README.md.")
        authorize()

    def after_request(self, name: str, response: Response) -> Response:
        """Let no other page show this one, and let it load nothing from elsewhere."""
        response.headers.update(_HEADERS)
        return response

    def index(self) -> Response:
        """GET /docs: the page."""
        return send_from_directory(_STATIC, "index.html")

    @route("static/<path:name>")
    def static(self, name: str) -> Response:
        """GET /docs/static/<name>: a style or a script of the page."""
        return send_from_directory(_STATIC, name)

    @route("contract.json")
    def contract(self) -> Response:
        """GET /docs/contract.json: what the page shows."""
        return _document(dumps(dataclasses.asdict(self._contract)), "application/json")

    @route("openapi.json")
    def openapi(self) -> Response:
        """GET /docs/openapi.json: the routes, in OpenAPI 3.1."""
        return _document(dumps(openapi.document(self._contract)), "application/json")

    @route("asyncapi.json")
    def asyncapi(self) -> Response:
        """GET /docs/asyncapi.json: the events, in AsyncAPI 3.0."""
        return _document(dumps(asyncapi.document(self._contract)), "application/json")

    @route("types.ts")
    def types(self) -> Response:
        """GET /docs/types.ts: the events, in TypeScript."""
        return _document(typescript.module(self._contract, command_name()), "text/plain")

    @route("about.json")
    def about(self) -> Response | dict[str, Any]:
        """GET /docs/about.json: what runs here; in production, that is nobody's business."""
        if not _in_development():
            return _document("null", "application/json")
        routes = catalog.routes(self._app)
        mode = self._app.extensions["socketio"].async_mode
        paths = {found.path for found in routes}
        own = FOLDER / "views"
        views = [found.place.file for found in routes if found.place.file.parent == own]
        return {
            "command": command_name(),
            "environment": "development",
            # Set by the reloader.
            "reloads": "WATCHFILES_CHANGES" in os.environ,
            "mode": mode,
            "versions": _versions("Flask", "Flask-SocketIO", mode),
            "edit": str(catalog.short(views[0])) if views else "",
            "links": [path for path in ("/", "/health/ready", "/metrics") if path in paths],
        }

    @route("numbers.json")
    def numbers(self) -> dict[str, float]:
        """GET /docs/numbers.json: what has been counted since the start, in development."""
        if not _in_development():
            abort(404)
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

    @cached_property
    def _contract(self) -> Contract:
        return contract_of(self._app)


def init_app(app: Flask) -> None:
    """Add the page to an application.

    :param app: the application. In development, the page is also what ``/`` leads to, unless a
        view of the service answers there.
    """
    DocsView.register(app, init_argument=app)

    @app.before_request
    def lead_to_docs() -> BaseResponse | None:
        nothing_there = isinstance(request.routing_exception, NotFound)
        if request.path == "/" and nothing_there and _in_development():
            return redirect(url_for("DocsView:index"))
        return None


def _document(text: str, media: str) -> Response:
    response = Response(text, mimetype=media)
    response.add_etag()
    response.cache_control.no_cache = True
    response.make_conditional(request)
    return response


def _in_development() -> bool:
    return current_app.config.get("ENVIRONMENT") != "production"


def _versions(*names: str) -> dict[str, str]:
    found = {"Python": platform.python_version()}
    for name in names:
        # Threads need no library.
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found
