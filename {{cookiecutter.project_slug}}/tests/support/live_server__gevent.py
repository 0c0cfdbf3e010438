# Owned by the template: an update may change this file.
"""The live server of the tests: gevent's, in a greenlet."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from gevent.pywsgi import WSGIServer


@contextmanager
def serve(app: Flask, listener: socket.socket) -> Iterator[None]:
    """Serve an application, for as long as the ``with`` lasts."""
    server = WSGIServer(listener, app, log=None)
    server.start()
    try:
        yield
    finally:
        server.stop(timeout=1)
