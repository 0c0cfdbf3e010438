# Owned by the template: an update may change this file.
"""What the views know of a client: one object for each Socket.IO connection."""

from __future__ import annotations

from typing import Any

CLIENT = "flask_view.client"
"""The key of the client in the WSGI environment of its connection."""
CHARGE = "flask_view.charge"
"""The key, there too, of a function ``(environ, user, tokens)`` that counts a request."""


class Client:
    """The client of one Socket.IO connection."""

    closing = False
    """Whether the whole connection is ending, and not only the stay in a namespace."""
    refusal: tuple[int, str] | None = None
    """A status and a sentence with which all events are refused at the moment."""

    def __init__(self, *args: Any) -> None:
        """Start without a namespace."""
        # A subclass puts the connection's own class behind this one.
        super().__init__(*args)
        self.running: list[None] = []
        """An entry for each event that is being handled; several threads may change the list."""
        self.auth: dict[str, Any] = {}
        """What the client sent in its CONNECT packets, by namespace, where it sent anything."""
        self.users: dict[str, Any] = {}
        """The ids of the client's user, by namespace, where it has one."""

    def entering(self) -> None:
        """Take note that the client asks to be let into a namespace, before a view decides."""

    def accept(self, namespace: str, user: Any) -> None:
        """Take note that a namespace has accepted the client.

        :param namespace: the namespace.
        :param user: the id that a view named in ``g.user``, or ``None``.
        """
        # A dictionary of one entry takes a quarter of a kilobyte.
        if user is not None:
            self.users[namespace] = user

    def charge(self, tokens: int) -> None:
        """Count what is being handled as so many events.

        :raises Problem: 429, the client may not send as many.
        """

    def discard(self, namespace: str) -> None:
        """Drop what belongs to a namespace that refused the client, or that the client has left.

        :param namespace: the namespace.
        """
        self.auth.pop(namespace, None)
        self.users.pop(namespace, None)


def client_of(environ: dict[str, Any]) -> Client:
    """Return the client of a connection.

    :param environ: the WSGI environment of the request that opened it.
    """
    client: Client | None = environ.get(CLIENT)
    if client is None:
        # The test client of Flask-SocketIO has no connection.
        client = environ[CLIENT] = Client()
    return client
