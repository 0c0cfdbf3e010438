# Owned by the template: an update may change this file.
"""The worker of gunicorn, which tells the service of its connections."""

from __future__ import annotations

from typing import Any

from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's own, except that the service knows of connections without a request."""

    def handle(self, conn: Any) -> Any:
        """Serve a connection, if its address may have one more."""
        if conn.initialized or self.wsgi.enter(conn.sock, conn.client[0]):
            return super().handle(conn)
        return False
