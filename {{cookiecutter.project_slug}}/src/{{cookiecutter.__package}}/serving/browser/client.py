# Owned by the template: an update may change this file.
"""The address of the Socket.IO client that pages import, and of what stands beside it."""

from __future__ import annotations

import mimetypes
import sys

from flask import Blueprint, Flask


def init_app(app: Flask) -> None:
    """Serve the client at /_client/socket.js, and presence at /_client/presence.js.

    They are files of Flask's, like those in ``static/`` of the service: the log and the metrics
    call them ``_client.static``, and a browser asks each time whether they have changed.

    :param app: the application, to which clients connect.
    """
    if sys.platform == "win32":
        # It may have learned another type from any program, and then no browser runs the modules,
        # neither this one nor those of the service.
        mimetypes.add_type("text/javascript", ".js")
    app.register_blueprint(
        Blueprint("_client", __name__, static_folder="static", static_url_path="/_client")
    )
