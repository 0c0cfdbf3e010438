"""The page that people see."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from flask import current_app, render_template, request

from ..flask_view import FlaskView

TITLE = (Path(__file__).parents[1] / "templates" / "title.txt").read_text(encoding="utf-8").strip()


class HomeView(FlaskView):
    """Answers at /, with a page whose script talks to the other views."""

    route_base = "/"

    def index(self) -> tuple[str, dict[str, str]]:
        """GET /: the page."""
        client_url = current_app.config["SOCKETIO_SCRIPT_URL"]
        page = render_template(
            "home.html",
            title=TITLE,
            client_url=client_url,
            client_integrity=current_app.config["SOCKETIO_SCRIPT_INTEGRITY"],
        )
        return page, {"Content-Security-Policy": content_security_policy(client_url, request.host)}


def content_security_policy(client_url: str, host: str) -> str:
    """Return what the page may load, and from where: nothing but its own files and the client.

    :param client_url: the URL of the Socket.IO client's script, with or without a host.
    :param host: the host that serves the page, with its port.
    """
    client = urlsplit(client_url)
    client_origin = f" {client.scheme}://{client.netloc}" if client.netloc else ""
    # Not every browser counts WebSockets to the same host to 'self'; none can read an IPv6 address.
    sockets = "" if host.startswith("[") else f" ws://{host} wss://{host}"
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src 'self'{client_origin}",
            "style-src 'self'",
            f"connect-src 'self'{sockets}",
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )
