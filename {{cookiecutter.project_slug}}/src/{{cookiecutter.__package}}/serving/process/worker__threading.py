# Owned by the template: an update may change this file.
"""The worker of gunicorn, which tells the service of its connections."""

from __future__ import annotations

from typing import Any

from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):  # type: ignore[misc]
    """Gunicorn's own, except for connections that have no request, and for how one ends.

    Gunicorn waits up to two seconds for a client to close its side, in the thread that accepts all
    others. Here the thread waits that has served the client.
    """

    def handle(self, conn: Any) -> Any:
        """Serve a connection, if its address may have one more."""
        stays: Any = False
        if conn.initialized or self.wsgi.admit(conn.sock, conn.client[0]):
            stays = super().handle(conn)
        if not stays:
            conn.close(graceful=conn.initialized)
            conn.close = _closed
        return stays


def _closed(graceful: bool = False) -> None:
    """Do nothing for a connection that is closed."""
