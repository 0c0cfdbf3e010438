"""What a load balancer asks."""

from __future__ import annotations

import logging

from flask import abort

from ..drain import drain
from ..flask_view import FlaskView


class HealthView(FlaskView):
    """Answers at /health; nothing here needs a login or changes anything."""

    # It is asked every second.
    log_level = logging.DEBUG

    def live(self) -> dict[str, str]:
        """GET /health/live: the process answers at all; if not, it should be started again."""
        return {"status": "ok"}

    def ready(self) -> dict[str, str]:
        """GET /health/ready: the process can take requests; if not, none should be sent to it."""
        if drain.draining:
            abort(503, "This process is about to stop.")
        return {"status": "ok"}
