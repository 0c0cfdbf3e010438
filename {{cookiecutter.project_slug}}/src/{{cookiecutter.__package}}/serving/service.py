# Owned by the template: an update may change this file.
"""A service as one object, for those who look at it from outside: the server, commands, tests."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path

from flask import Flask
from flask_socketio import SocketIO

from .connections.limits import Limits
from .process.drain import Drain
from .settings import ServingSettings

PACKAGE = __name__.partition(".")[0]
"""The name of the service's package."""
FOLDER = Path(__file__).parents[1]
"""Where that package is."""

_EXTENSION = "serving"


@dataclass(frozen=True)
class Service:
    """An application, with what stands around it."""

    app: Flask
    settings: ServingSettings
    socketio: SocketIO
    limits: Limits
    drain: Drain

    def remember(self) -> None:
        """Let ``service_of`` find this."""
        self.app.extensions[_EXTENSION] = self


def service_of(app: Flask) -> Service:
    """Return an application with what ``surround`` has put around it."""
    service: Service = app.extensions[_EXTENSION]
    return service


def command_name() -> str:
    """Return the command that starts the service: its script, or else its package by Python."""
    for script in entry_points(group="console_scripts"):
        if script.value.startswith(f"{PACKAGE}.__main__:"):
            return f"uv run {script.name}"
    return f"python -m {PACKAGE}"
