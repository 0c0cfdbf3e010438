"""What a load balancer asks."""

from __future__ import annotations

import logging

from ..flask_view import FlaskView, Problem
from ..serving.readiness import trouble


class HealthView(FlaskView):
    """Answers at /health; nothing here needs a login or changes anything."""

    # It is asked every second.
    log_level = logging.DEBUG

    def live(self) -> dict[str, str]:
        """GET /health/live: the process answers at all; if not, it should be started again."""
        return {"status": "ok"}

    def ready(self) -> dict[str, str]:
        """GET /health/ready: the process can take requests; if not, none should be sent to it."""
        if reasons := trouble():
            raise Problem(503, "; ".join(reasons.values()), reasons=reasons)
        return {"status": "ok"}
