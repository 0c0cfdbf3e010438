"""What is counted, for Prometheus."""

from __future__ import annotations

import logging

from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from ..flask_view import FlaskView


class MetricsView(FlaskView):
    """Answers at /metrics, without a login: it must not be reachable from outside.

    The proxy in `deploy/` answers 404 in its place; Prometheus asks each process itself.
    """

    # It is asked every few seconds.
    log_level = logging.DEBUG

    def index(self) -> tuple[bytes, dict[str, str]]:
        """GET /metrics: everything that is counted, in the text format of Prometheus."""
        return generate_latest(), {"Content-Type": CONTENT_TYPE_LATEST}
