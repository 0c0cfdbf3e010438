# Owned by the template: an update may change this file.
"""A connection of eventlet's server, which tells the service of itself."""

from __future__ import annotations

from eventlet.wsgi import HttpProtocol


class Worker(HttpProtocol):  # type: ignore[misc]
    """Eventlet's own, except that the service knows of connections without a request."""

    def handle(self) -> None:
        """Serve the connection, if its address may have one more."""
        if self.server.app.admit(self.connection, self.client_address[0]):
            super().handle()
