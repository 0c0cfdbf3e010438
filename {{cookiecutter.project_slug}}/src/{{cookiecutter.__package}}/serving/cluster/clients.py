# Owned by the template: an update may change this file.
"""The clients of this process, and what reaches those of the others."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import socketio
from prometheus_client import Counter, Gauge

from ...flask_view.rooms.roster import Roster
from ..connections.connection import Connection
from ..settings import ServingSettings, SettingsError
from ..urls import without_password

# The metrics of a broker are there without one, too.
UP = Gauge("socketio_broker_up", "Whether the broker answers.", ("broker",))
LOST = Counter(
    "socketio_broker_lost_total",
    "Messages to other processes that were lost because the broker did not answer.",
    ("broker",),
)

# Held while it changes who is where.
_CHANGING = threading.RLock()


class BrokerError(RuntimeError):
    """The broker cannot be reached, so nothing was sent."""


def client_manager(settings: ServingSettings, *, serves_clients: bool) -> socketio.Manager:
    """Return what keeps the list of clients and sends to them.

    :param settings: the settings of the service: where Redis is, if it has any.
    :param serves_clients: whether clients connect to this process; a command has none.
    :raises SettingsError: the URL is not one of Redis.
    """
    url, grace = settings.message_queue_url, settings.presence_grace_seconds
    if not url:
        manager = LocalManager() if serves_clients else _NoClients()
        manager.roster = Roster(manager, grace)
        return manager
    from .broker import RedisManager

    try:
        return RedisManager(url, grace=grace, serves_clients=serves_clients)
    except ValueError:
        # What the library says may hold a part of the password.
        raise SettingsError(
            f"MESSAGE_QUEUE_URL={without_password(url)!r}: must be the URL of a Redis server, or "
            "of one that speaks its protocol, such as redis://user:password@host:6379/0; with "
            "rediss:// for TLS, and %40 for an @ in the password, and the like"
        ) from None


def _alone(method: Callable[..., Any]) -> Callable[..., Any]:
    """Return a method of the library that changes who is where, in one thread at a time.

    It removes a room with its last client, and a list of those that are coming or leaving, even
    while another thread adds one.
    """

    @functools.wraps(method)
    def call(*args: Any, **kwargs: Any) -> Any:
        with _CHANGING:
            return method(*args, **kwargs)

    return call


def _retried(method: Callable[[Any, str, str], Any]) -> Callable[[Any, str, str], Any]:
    """Return a method that looks where a client is, and looks again if that has just changed."""

    @functools.wraps(method)
    def call(manager: Any, sid: str, namespace: str) -> Any:
        try:
            return method(manager, sid, namespace)
        except KeyError:
            # To wait for those that change something would be dear for each event.
            with _CHANGING:
                return method(manager, sid, namespace)

    return call


class LocalManager(socketio.Manager):  # type: ignore[misc]
    """The clients of one process, of which any can be dropped."""

    connect = _alone(socketio.Manager.connect)
    pre_disconnect = _alone(socketio.Manager.pre_disconnect)
    basic_disconnect = _alone(socketio.Manager.basic_disconnect)
    basic_leave_room = _alone(socketio.Manager.basic_leave_room)
    get_rooms = _alone(socketio.Manager.get_rooms)
    is_connected = _retried(socketio.Manager.is_connected)
    eio_sid_from_sid = _retried(socketio.Manager.eio_sid_from_sid)

    def pre_connect(self, eio_sid: str, namespace: str) -> str | None:
        """Note that a client asks to be let in; python-socketio 5.17 does not call this yet."""
        with _CHANGING:
            sid: str | None = super().pre_connect(eio_sid, namespace)
        return sid

    def basic_enter_room(
        self, sid: str, namespace: str, room: str | None, eio_sid: str | None = None
    ) -> None:
        """Put a client into a room; see ``socketio.Manager``."""
        with _CHANGING:
            if eio_sid is None and not self.eio_sid_from_sid(sid, namespace):
                # The library would leave an empty room behind.
                raise KeyError(sid)
            super().basic_enter_room(sid, namespace, room, eio_sid)

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        """Return the clients in a room, or in one of several, each with its connection's id."""
        with _CHANGING:
            return iter([*super().get_participants(namespace, room)])

    def is_pre_connected(self, sid: str, namespace: str) -> bool:
        """Tell whether a client asks to be let in; for python-socketio 5.17, it is in then."""
        is_pre_connected = getattr(super(), "is_pre_connected", self.is_connected)
        return bool(is_pre_connected(sid, namespace))

    def kick(self, rooms: list[str], namespace: str) -> None:
        """Disconnect all clients in some rooms.

        :param rooms: the rooms, as Socket.IO calls them.
        :param namespace: the namespace that they are in.
        """
        for sid, _ in self.get_participants(namespace, rooms):
            self.server.disconnect(sid, namespace, ignore_queue=True)

    def drop(self, sid: str, namespace: str) -> None:
        """Cut the connection of a client; its library takes that for a fault and reconnects.

        :param sid: the client's ``request.sid``.
        :param namespace: the namespace that the sid belongs to.
        """
        connection = self.connection(sid, namespace)
        if connection:
            # A regular close would tell the client that it is not wanted any more.
            connection.drop()

    def connection(self, sid: str, namespace: str) -> Connection | None:
        """Return the connection of a client, if it is one of this process and open.

        :param sid: the client's ``request.sid``.
        :param namespace: the namespace that the sid belongs to.
        """
        found: Connection | None = self.server.eio.sockets.get(
            self.eio_sid_from_sid(sid, namespace)
        )
        return found


class _NoClients(socketio.Manager):  # type: ignore[misc]
    """The clients of a command, which has none."""

    def emit(self, *_: Any, **__: Any) -> None:
        raise BrokerError(
            "Clients are connected to the service, not to this command. With a broker "
            "(MESSAGE_QUEUE_URL), what a command emits reaches them."
        )

    can_disconnect = drop = kick = emit
