# Owned by the template: an update may change this file.
"""A connection of eventlet's server, which tells the service of itself."""

from __future__ import annotations

from eventlet.wsgi import HttpProtocol


class Worker(HttpProtocol):  # type: ignore[misc]
    """Eventlet's own, except that the service knows of connections without a request."""

    # A websocket keeps the buffers of its handshake, of 8 and 16 KiB in eventlet's own.
    rbufsize = wbufsize = 2_048

    def handle(self) -> None:
        """Serve the connection, if its address may have one more."""
        # To change the capitals of response headers takes 3 % of the time of a small GET, and
        # clients ignore them (RFC 9110, section 5.1).
        self.capitalize_response_headers = False
        if self.server.app.admit(self.connection, self.client_address[0]):
            super().handle()
