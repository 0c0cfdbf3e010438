# Owned by the template: an update may change this file.
"""The service as one object, for the server, the commands and the tests."""

from __future__ import annotations

from dataclasses import dataclass

from flask import Flask
from flask_socketio import SocketIO

from .connections.limits import Limits
from .process.drain import Drain
from .settings import ServingSettings

_EXTENSION = "serving"


@dataclass(frozen=True)
class Service:
    """An application with everything around it."""

    app: Flask
    settings: ServingSettings
    socketio: SocketIO
    limits: Limits
    drain: Drain

    def remember(self) -> None:
        """Store this where ``service_of`` finds it."""
        self.app.extensions[_EXTENSION] = self


def service_of(app: Flask) -> Service:
    """Return what ``surround`` has created for an application."""
    service: Service = app.extensions[_EXTENSION]
    return service
