# Owned by the template: an update may change this file.
"""What pages of other sites may do here, over both transports.

A browser sends cookies along with whatever a page asks for, whoever wrote the page. So a page of
another site may open no connection and change nothing, unless ``CORS_ALLOWED_ORIGINS`` names it.
Programs that are no browsers name no origin, and are not asked for one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import Any

from flask import Flask, request
from werkzeug.sansio.utils import host_is_trusted
from werkzeug.wsgi import get_host

from ...flask_view import Problem
from ..settings import ServingSettings
from .kinds import is_socketio

logger = logging.getLogger(__name__)

_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
# Whoever looks after the service asks for these by address, and they are the same for everybody.
_FOR_EVERY_HOST = ("/health/", "/metrics")


class OriginRules:
    """The rules for pages of other origins, by the settings."""

    def __init__(self, settings: ServingSettings) -> None:
        """Read the rules from the settings."""
        self._origins = frozenset(settings.cors_allowed_origins)
        self._hosts = settings.trusted_hosts

    def is_allowed_origin(self, origin: str | None, environ: dict[str, Any]) -> bool:
        """Tell whether the pages of an origin may do what those of the service may.

        :param origin: the origin that a browser names, or ``None``.
        :param environ: the WSGI environment of the request, behind the proxies that are trusted.
        """
        # A browser may name the origin "null", and be sure that the page is one of the service's.
        is_own = environ.get("HTTP_SEC_FETCH_SITE") == "same-origin"
        return is_own or "*" in self._origins or self._is_known(origin, environ)

    def init_app(self, app: Flask) -> None:
        """Apply the rules to the requests that Flask answers, behind those of ``layer``.

        :param app: the application.
        """
        if self._origins:
            # Most services have no use for it.
            from flask_cors import CORS

            CORS(
                app,
                origins=sorted(self._origins),
                # Else any page could act for whoever looks at it.
                supports_credentials="*" not in self._origins,
                expose_headers=["Retry-After", "X-Request-ID"],
                always_send=False,
                max_age=600,
            )

        @app.before_request
        def check() -> None:
            self._check(request.environ, opens=False)

    def layer(self, serve: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        """Apply the rules to the requests of Socket.IO, which do not reach Flask.

        :param serve: the WSGI application behind it; only what the trusted proxies say may stand in
            front.
        """

        def wsgi_app(
            environ: dict[str, Any], start_response: Callable[..., Any]
        ) -> Iterable[bytes]:
            origin = environ.get("HTTP_ORIGIN")
            if "*" in self._origins and origin and not self._is_known(origin, environ):
                # Everybody may come, but nobody with the cookies of somebody else.
                environ.pop("HTTP_COOKIE", None)
            if is_socketio(environ):
                try:
                    self._check(environ, opens=True)
                except Problem as problem:
                    logger.info("Refused a connection: %s", problem.description)
                    return problem.get_response()(environ, start_response)
            return serve(environ, start_response)

        return wsgi_app

    def _check(self, environ: dict[str, Any], *, opens: bool) -> None:
        """Refuse what is meant for another host, and what a page of another site may not do."""
        if self._hosts and not environ["PATH_INFO"].startswith(_FOR_EVERY_HOST):
            host = environ.get("HTTP_HOST", "")
            if not host_is_trusted(host.lower(), self._hosts):
                raise Problem(400, f"The service is not at {host[:200]!r}.")
        if (opens or environ["REQUEST_METHOD"] not in _SAFE_METHODS) and self._is_foreign(environ):
            named = environ.get("HTTP_ORIGIN", "another site")
            raise Problem(403, f"Pages of {named[:200]!r} may not do this.")

    def _is_foreign(self, environ: dict[str, Any]) -> bool:
        """Tell whether a page of another site sent a request, which is not allowed to."""
        origin = environ.get("HTTP_ORIGIN")
        if origin is None:
            return environ.get("HTTP_SEC_FETCH_SITE", "none") not in ("none", "same-origin")
        return not self.is_allowed_origin(origin, environ)

    def _is_known(self, origin: str | None, environ: dict[str, Any]) -> bool:
        """Tell whether an origin is one that the settings name, or the service's own."""
        if origin in self._origins:
            return True
        own = f"{environ['wsgi.url_scheme']}://{get_host(environ)}"
        return origin == own.lower()
