# Owned by the template: an update may change this file.
"""What is known of a client while its views serve it, on one object for each connection."""

from __future__ import annotations

from typing import Any

CLIENT = "flask_view.client"
"""Where the environment of a connection has its client."""
CHARGE = "flask_view.charge"
"""Where the environment of a request has a function ``(environ, user, tokens)`` that counts it."""


class Client:
    """Whoever is at the other end of a Socket.IO connection."""

    refusal: tuple[int, str] | None = None
    """Why nothing of this client is served at the moment: a status and a sentence."""

    def __init__(self, *args: Any) -> None:
        """Know nothing of the client yet."""
        # What comes next in the order of classes is the connection's own.
        super().__init__(*args)
        self.running: list[None] = []
        """An entry for each event that is being handled: threads may change a list at once."""
        self.auth: dict[str, Any] = {}
        """What the client sent along, by namespace: while it asks, and when it is accepted."""
        self.users: dict[str, Any] = {}
        """Who the client is, by namespace."""

    def accept(self, namespace: str, user: Any) -> None:
        """Hear that the client is accepted.

        :param namespace: by the views of this namespace.
        :param user: the id that a view named in ``g.user``, or ``None``.
        """
        self.users[namespace] = user

    def charge(self, tokens: int) -> None:
        """Count what is being handled as so many events.

        :raises Problem: 429, the client may not send as many.
        """

    def forget(self, namespace: str) -> None:
        """Hear that the client was refused, or left.

        :param namespace: by the views of this namespace, or left it.
        """
        self.auth.pop(namespace, None)
        self.users.pop(namespace, None)


def client_of(environ: dict[str, Any]) -> Client:
    """Return the client of a connection.

    :param environ: the WSGI environment of the request that opened it.
    """
    client: Client | None = environ.get(CLIENT)
    if client is None:
        # A test client of Flask-SocketIO has no connection.
        client = environ[CLIENT] = Client()
    return client
