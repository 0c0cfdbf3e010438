# Owned by the template: an update may change this file.
"""Taking a connection over from the HTTP server, when it becomes a websocket."""

from __future__ import annotations

import socket
from typing import Any, NoReturn


def socket_of(environ: dict[str, Any]) -> socket.socket:
    """Return the socket that a request came on.

    :param environ: the WSGI environment of the request.
    """
    connection: socket.socket
    if "gunicorn.socket" in environ:
        connection = environ["gunicorn.socket"]
    else:
        # Werkzeug's server, in tests and on Windows.
        connection = environ["werkzeug.socket"]
    return connection


def finish(environ: dict[str, Any]) -> NoReturn:
    """Let the HTTP server close the connection, instead of writing a response.

    :param environ: the WSGI environment of the request.
    :raises StopIteration: what gunicorn takes for that.
    :raises ConnectionError: what Werkzeug takes for that.
    """
    raise StopIteration if "gunicorn.socket" in environ else ConnectionError
