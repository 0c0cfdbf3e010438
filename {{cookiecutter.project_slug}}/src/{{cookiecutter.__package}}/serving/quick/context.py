# Owned by the template: an update may change this file.
"""Flask's contexts for the events of one connection, made from what its handshake began with.

Flask builds the contexts of a request from its environment: it looks at the headers, matches the
URL, opens the session. The events of a connection all have the environment of its handshake, so
they share what came of that, and each has a ``request``, a ``g`` and contexts of its own: 2
microseconds in place of 24.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Flask
from flask.ctx import AppContext, RequestContext
from flask.globals import _cv_app, _cv_request
from flask.sessions import SessionMixin
from flask.signals import (
    appcontext_popped,
    appcontext_pushed,
    appcontext_tearing_down,
    request_tearing_down,
)

if TYPE_CHECKING:
    from flask.ctx import _AppCtxGlobals

APP, SESSION = "flask.app", "saved_session"
"""Where Flask-SocketIO keeps application and session of a connection, in its environment."""


class EventContexts:
    """What the contexts of a connection's events have in common."""

    def __init__(self, handshake: RequestContext) -> None:
        """Keep what the context of a connection's handshake knows.

        :param handshake: the context, before a view has seen it.
        """
        self.app: Flask = handshake.app
        self.request_class = type(handshake.request)
        self.request = dict(vars(handshake.request))
        if trouble := handshake.request.routing_exception:
            # What it went through would take 5 KiB for as long as the connection lasts.
            trouble.__traceback__ = trouble.__context__ = None
        self.url_adapter = handshake.url_adapter
        self.app_url_adapter = handshake.app.create_url_adapter(None)
        # As Flask-SocketIO keeps it: a copy for the connection, which its events may change.
        self.session: SessionMixin = handshake.request.environ[SESSION]

    def new(self, about: dict[str, Any]) -> EventContext:
        """Return the context of an event.

        :param about: what the event's ``request`` has that others have not.
        """
        return EventContext(self, about)

    def request_context(self, environ: dict[str, Any]) -> EventContext:
        """Return a context for Flask-SocketIO, which asks the application for one.

        :param environ: the environment of the handshake.
        """
        return EventContext(self, {})


class EventContext(RequestContext):
    """The context of one event, with the application context that belongs to it."""

    def __init__(self, shared: EventContexts, about: dict[str, Any]) -> None:
        """Create the context; nothing of it is worked out anew.

        :param shared: what it has in common with others of the connection.
        :param about: further attributes of the request.
        """
        self.app = shared.app
        self.request = shared.request_class.__new__(shared.request_class)
        vars(self.request).update(shared.request)
        vars(self.request).update(about)
        self.url_adapter = shared.url_adapter
        self.flashes = None
        self._session = shared.session
        self._after_request_functions = []
        self._cv_tokens = []
        self._app_context = _AppContext(shared)

    @property
    def g(self) -> _AppCtxGlobals:
        """What the event has in ``flask.g``."""
        return self._app_context.g

    def copy(self) -> RequestContext:
        """Return a context for another thread, as Flask has it."""
        return RequestContext(
            self.app, self.request.environ, request=self.request, session=self._session
        )

    def push(self) -> None:
        """Make it the current context."""
        if self._cv_tokens:
            super().push()
            return
        self._app_token = _cv_app.set(self._app_context)
        self._cv_tokens.append((_cv_request.set(self), None))
        if appcontext_pushed.receivers:
            appcontext_pushed.send(self.app, _async_wrapper=self.app.ensure_sync)

    def pop(self, exc: BaseException | None = None) -> None:
        """Run what the application has registered for the end, if anything.

        :param exc: the exception with which the event ended.
        """
        if len(self._cv_tokens) > 1:
            super().pop(exc)
            return
        app = self.app
        try:
            if app.teardown_request_funcs or request_tearing_down.receivers:
                app.do_teardown_request(exc)
        finally:
            _cv_request.reset(self._cv_tokens.pop()[0])
            try:
                if app.teardown_appcontext_funcs or appcontext_tearing_down.receivers:
                    app.do_teardown_appcontext(exc)
            finally:
                _cv_app.reset(self._app_token)
                if appcontext_popped.receivers:
                    appcontext_popped.send(app, _async_wrapper=app.ensure_sync)


class _AppContext(AppContext):
    """An application context whose URL adapter is known."""

    def __init__(self, shared: EventContexts) -> None:
        self.app = shared.app
        self.url_adapter = shared.app_url_adapter
        self.g = shared.app.app_ctx_globals_class()
        self._cv_tokens = []
