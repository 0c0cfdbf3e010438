# Owned by the template: an update may change this file.
"""The live server of the tests: Werkzeug's, in a thread."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Flask
from werkzeug.serving import make_server


@contextmanager
def serve(app: Flask, listener: socket.socket) -> Iterator[None]:
    """Serve an application, for as long as the ``with`` lasts."""
    host, port = listener.getsockname()
    server = make_server(host, port, app, threaded=True, fd=listener.fileno())
    # Between two looks at whether it is to stop, the server sleeps: by default half a second.
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        listener.close()
