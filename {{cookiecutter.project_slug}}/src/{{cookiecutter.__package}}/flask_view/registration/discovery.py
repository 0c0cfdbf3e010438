# Owned by the template: an update may change this file.
"""Finding the views of a package."""

from __future__ import annotations

import importlib
import pkgutil
from types import ModuleType

from flask import Flask
from flask_socketio import SocketIO

from ..handling.events import catch_all_connect, catch_all_disconnect, catch_all_event
from ..view import FlaskView


def register_views(app: Flask, package: ModuleType, *, socket: SocketIO | None = None) -> None:
    """Register every view of a package, module by module in the order of their names.

    From then on, events that no view handles and namespaces that no view has are answered with a
    problem.

    A view is a class derived from ``FlaskView`` in the module that defines it; one whose name
    starts with an underscore is a base for others.

    :param app: the application.
    :param package: the package, with the modules that hold the views.
    :param socket: the Socket.IO server.
    :raises ImportError: a module cannot be imported; the message has its file and the reason.
    """
    if socket is not None:
        # Flask-SocketIO has no catch-all handlers for both the namespace and the event.
        socket.server.on("connect", catch_all_connect, namespace="*")
        socket.server.on("disconnect", catch_all_disconnect, namespace="*")
        socket.server.on("*", catch_all_event, namespace="*")
    for module in _modules(package):
        for name, member in sorted(vars(module).items()):
            if (
                isinstance(member, type)
                and issubclass(member, FlaskView)
                and member.__module__ == module.__name__
                and not name.startswith("_")
            ):
                member.register(app, socket=socket)


def _modules(package: ModuleType) -> list[ModuleType]:
    modules = []
    prefix = f"{package.__name__}."
    for found in sorted(pkgutil.walk_packages(package.__path__, prefix), key=lambda m: m.name):
        try:
            modules.append(importlib.import_module(found.name))
        except Exception as error:
            file = found.module_finder.find_spec(found.name).origin  # type: ignore[call-arg,union-attr]
            raise ImportError(
                f"{file} cannot be imported: {type(error).__name__}: {error}", path=file
            ) from error
    return modules
