# Owned by the template: an update may change this file.
"""Import the libraries of the service, without what they import for others.

Most of a start is spent on imports. This module stands before all that uses the libraries, and
``complete`` is called when the rest of the service is imported, too.
"""

from __future__ import annotations

import gc
from importlib import import_module

from ..async_mode import ASYNC_MODE
from .placeholders import hidden, placeholders, postponed, until_used

# What is imported stays. To look for garbage meanwhile would take a tenth of the start.
gc.disable()

# A third of what is left. Python-engineio has clients, on requests and websocket, a server on
# asyncio, and websockets on simple_websocket; pydantic-settings imports asyncio as well. Nothing of
# that is used here. Flask-SocketIO has a server for development and a client for tests, which take
# a twentieth, and what reads a file .env is for where there is one. Python-socketio has a broker on
# redis, where cluster/broker.py has its own: it imports names from that package, which a
# placeholder would have to import at once.
with (
    placeholders("asyncio", "requests", "simple_websocket", "websocket"),
    postponed(
        DebuggedApplication="werkzeug.debug",
        run_with_reloader="werkzeug._reloader",
        SocketIOTestClient="flask_socketio.test_client",
        dotenv_values="dotenv",
    ),
    hidden("redis"),
):
    import_module("flask_socketio")
    import_module(f"engineio.async_drivers.{ASYNC_MODE}")
    import_module("pydantic_settings")

# Where a view has a limit, the library of that name reads it. Two thirds of what it imports are its
# storages, for five databases, and all of them again for asyncio.
until_used("limits.aio", "limits.storage", "limits.strategies")


def complete() -> None:
    """Look for garbage from now on, but not among what has been imported."""
    gc.freeze()
    gc.enable()
