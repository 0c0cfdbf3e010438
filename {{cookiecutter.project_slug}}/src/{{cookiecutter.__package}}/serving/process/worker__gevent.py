# Owned by the template: an update may change this file.
"""The worker of gunicorn, which tells the service of its connections."""

from __future__ import annotations

from typing import Any

from gunicorn.workers.ggevent import GeventWorker


class Worker(GeventWorker):  # type: ignore[misc]
    """Gunicorn's own, except that the service knows of connections without a request."""

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve a connection, if its address may have one more."""
        if self.wsgi.admit(client, addr[0]):
            super().handle(listener, client, addr)
        else:
            client.close()
