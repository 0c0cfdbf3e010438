# Owned by the template: an update may change this file.
"""Reaching clients of other processes, through a broker that joins them."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import socketio

from .settings import SettingsError

CHANNEL = "flask-socketio"
"""The channel of the broker; whoever else emits to the clients must name the same."""

# A broker that does not answer must not hold up a handler for longer, in seconds.
_REDIS_OPTIONS = {"socket_timeout": 3, "socket_connect_timeout": 3, "health_check_interval": 30}


def client_manager(url: str, *, serves_clients: bool) -> socketio.Manager:
    """Return what keeps the list of clients and sends to them.

    :param url: where the broker is, as ``redis://localhost:6379``; empty without one.
    :param serves_clients: whether clients connect to this process; a command has none.
    :raises SettingsError: the package for this broker is not installed.
    """
    if not url:
        return _LocalManager() if serves_clients else _NoClients()
    scheme = urlsplit(url).scheme
    try:
        if scheme in ("redis", "rediss"):
            return _RedisManager(url, channel=CHANNEL, redis_options=_REDIS_OPTIONS)
        if scheme == "kafka":
            return _KafkaManager(url, channel=CHANNEL)
        if scheme.startswith("zmq"):
            return _ZmqManager(url, channel=CHANNEL)
        return _KombuManager(url, channel=CHANNEL)
    except RuntimeError as error:
        raise SettingsError(
            f"MESSAGE_QUEUE_URL is no redis:// URL, and for another broker: {error}"
        ) from error


class _LocalManager(socketio.Manager):  # type: ignore[misc]
    """The clients of one process, of which any can be dropped."""

    def drop(self, sid: str, namespace: str) -> None:
        """Cut the connection of a client; its library takes that for a fault and reconnects.

        :param sid: the client's ``request.sid``.
        :param namespace: the namespace that the sid belongs to.
        """
        eio_sid = self.eio_sid_from_sid(sid, namespace)
        connection = self.server.eio.sockets.get(eio_sid)
        if connection:
            # A regular close would tell the client that it is not wanted any more.
            connection.close(wait=False, abort=True)


class _NoClients(socketio.Manager):  # type: ignore[misc]
    """The clients of a command, which has none."""

    def emit(self, *_: Any, **__: Any) -> None:
        raise RuntimeError(
            "Clients are connected to the service, not to this command. With a broker "
            "(MESSAGE_QUEUE_URL), what a command emits reaches them."
        )

    can_disconnect = drop = emit


class _Dropping(_LocalManager):
    """Lets a client be dropped that is connected to another process."""

    def drop(self, sid: str, namespace: str) -> None:
        if self.eio_sid_from_sid(sid, namespace):
            super().drop(sid, namespace)
            return
        message = {"method": "disconnect", "drop": True, "sid": sid, "namespace": namespace}
        self._publish({**message, "host_id": self.host_id})

    def _handle_disconnect(self, message: dict[str, Any]) -> None:
        if message.get("drop"):
            super().drop(message["sid"], message["namespace"])
        else:
            super()._handle_disconnect(message)


class _RedisManager(_Dropping, socketio.RedisManager):  # type: ignore[misc]
    """Redis, and what speaks its protocol."""


class _KafkaManager(_Dropping, socketio.KafkaManager):  # type: ignore[misc]
    """Kafka."""


class _ZmqManager(_Dropping, socketio.ZmqManager):  # type: ignore[misc]
    """ZeroMQ."""


class _KombuManager(_Dropping, socketio.KombuManager):  # type: ignore[misc]
    """RabbitMQ, and the others that Kombu knows."""
