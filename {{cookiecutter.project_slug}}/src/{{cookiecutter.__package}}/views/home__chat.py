"""The page that people see."""

from __future__ import annotations

from pathlib import Path

from flask import current_app, render_template

from ..flask_view import FlaskView
from ..serving.service import service_of

TITLE = (Path(__file__).parents[1] / "templates" / "title.txt").read_text(encoding="utf-8").strip()
# The browsers that can show the page count WebSockets to the same host to 'self'.
CONTENT_SECURITY_POLICY = "; ".join(
    [
        "default-src 'self'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    ]
)


class HomeView(FlaskView):
    """Answers at /, with a page whose script talks to the other views."""

    route_base = "/"

    def index(self) -> tuple[str, dict[str, str]]:
        """GET /: the page, which may load nothing but the service's own files."""
        in_development = service_of(current_app).settings.environment == "development"
        page = render_template("home.html", title=TITLE, in_development=in_development)
        return page, {"Content-Security-Policy": CONTENT_SECURITY_POLICY}
