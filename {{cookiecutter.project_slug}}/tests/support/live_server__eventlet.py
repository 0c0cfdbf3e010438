# Owned by the template: an update may change this file.
"""The live server of the tests: eventlet's, in a green thread."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import eventlet.wsgi
from flask import Flask


@contextmanager
def serve(app: Flask, listener: socket.socket) -> Iterator[None]:
    """Serve an application, for as long as the ``with`` lasts."""
    server = eventlet.spawn(eventlet.wsgi.server, listener, app, log_output=False, debug=False)
    try:
        yield
    finally:
        server.kill()
        listener.close()
