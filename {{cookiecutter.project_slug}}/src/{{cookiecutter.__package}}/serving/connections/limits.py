# Owned by the template: an update may change this file.
"""Limits: connections, requests and events per second, and memory, by client and by address."""

from __future__ import annotations

import logging
import sys
import threading
import time
from collections.abc import Callable, Hashable, Iterable
from typing import Any
from uuid import UUID

import click
from prometheus_client import Gauge
from socketio import Server

from ...flask_view import Problem
from ...flask_view.handling.client import CHARGE, CLIENT
from ...flask_view.handling.limiting import CLIENT_ADDRESS
from ..async_mode import balance
from ..settings import ServingSettings
from .budget import BURST_SECONDS, Budget, client_network, cost, has_limits
from .connection import Connection
from .engine import Engine

if sys.platform != "win32":
    import resource

logger = logging.getLogger(__name__)

SPARE_PLACES = 1_000
"""Connections beyond ``MAX_CONNECTIONS`` that the server accepts: short requests need a place too,
and whoever is refused has to hear why."""

_CONNECTIONS = Gauge("socketio_connections", "Socket.IO connections that are open.")
# Files that a process has open besides its connections.
_OTHER_FILES = 100
# Connections of one address beyond its bound that are told why they are refused.
_EXPLAINED = 10
# A connection that belongs to no namespace for so long serves nobody. It is what the option
# connectTimeout of Socket.IO's own server is by default.
_JOIN_SECONDS = 45
# Whoever is refused for good has this long to read why.
_REFUSED_SECONDS = 5
# All connections of an address may hold as many messages of the largest size that are not complete,
# and have as many times the bound of one connection wait to be sent.
_ADDRESS_FACTOR = 10
# What a handshake may have in headers: they are kept for as long as the connection.
_LARGEST_HEADERS = 32_768

_FULL = (503, "The server is full. Connect again later.")
_TOO_MANY = (429, "There are too many connections from this address.")
_FINAL = (_FULL, _TOO_MANY)


def with_open_files(settings: ServingSettings) -> ServingSettings:
    """Allow this process as many open files as it may need; each connection is one.

    :param settings: the settings of the service.
    :return: the same, or with fewer connections where the system allows no more.
    """
    if sys.platform == "win32":
        return settings
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    others = SPARE_PLACES + _OTHER_FILES
    needed = settings.max_connections + others
    if soft == unlimited or soft >= needed:
        return settings
    if hard == unlimited or hard >= needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
        return settings
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    possible = max(hard - others, hard // 2)
    click.echo(
        f"MAX_CONNECTIONS={settings.max_connections} needs {needed} open files, and the system "
        f"allows {hard}: the service holds {possible} clients. Raise the limit (ulimit -n).",
        err=True,
    )
    return settings.model_copy(update={"max_connections": possible})


class Address:
    """What all clients of one address use."""

    def __init__(self, name: str, settings: ServingSettings) -> None:
        """Create the counters.

        :param name: the address, or the network of one customer.
        :param settings: the limits.
        """
        self.name = name
        self.has_limits = has_limits(name, settings)
        """Whether there are limits at all; not for this machine in development."""
        self.budget = Budget(settings.max_events_per_second * settings.address_events_factor)
        self.connections = 0
        self.next_line = 0.0
        self.waiting: dict[str, int] = {}
        """How many bytes wait to be read by those of its clients that are slow, by connection."""
        self._most_kept = settings.max_message_bytes * _ADDRESS_FACTOR
        self._most_waiting = settings.max_unsent_bytes * _ADDRESS_FACTOR // 2
        self._kept = 0
        self._lock = threading.Lock()

    def count(self, change: int) -> None:
        """Count a connection that comes or goes."""
        with self._lock:
            self.connections += change

    def reserve(self, size: int) -> bool:
        """Count bytes that stay in memory; return whether there may be as many."""
        with self._lock:
            self._kept += size
        return not self.has_limits or self._kept <= self._most_kept

    def may_queue(self, sid: str, size: int) -> bool:
        """Note how many bytes wait for a slow client; return whether more may be made for it."""
        with self._lock:
            if size:
                self.waiting[sid] = size
            else:
                self.waiting.pop(sid, None)
            return not self.has_limits or sum(self.waiting.values()) <= self._most_waiting


class Limits:
    """The limits of all clients, and what they use."""

    def __init__(
        self, server: Server, settings: ServingSettings, connection_class: type[Connection]
    ) -> None:
        """Apply the limits to the connections of a server.

        :param server: the Socket.IO server.
        :param settings: the limits.
        :param connection_class: the class of the connections.
        """
        self.server = server
        self.max_unsent = settings.max_unsent_bytes
        self._settings = settings
        self._is_full = False
        self._addresses: dict[str, Address] = {}
        self._users: dict[Hashable, Budget] = {}
        engine = connection_class.engine_class.adopt(server.eio)
        engine.open = self._open
        self._connection_class = connection_class
        engine.max_polling_packets = settings.max_polling_packets
        self._connections: dict[str, Connection] = engine.sockets
        _CONNECTIONS.set_function(lambda: len(self._connections))

    def layer(self, serve: Callable[..., Iterable[bytes]]) -> Callable[..., Iterable[bytes]]:
        """Count requests, those of Socket.IO included.

        :param serve: the WSGI application that answers those which are not too many.
        """

        def wsgi_app(
            environ: dict[str, Any], start_response: Callable[..., Any]
        ) -> Iterable[bytes]:
            address = self._address(environ)
            if address.has_limits:
                try:
                    address.budget.take(cost(_length(environ)))
                except Problem as problem:
                    self._log_refusal(address, "requests")
                    return problem(environ, start_response)
            environ[CHARGE] = self._charge
            environ[CLIENT_ADDRESS] = address.name
            return serve(environ, start_response)

        return wsgi_app

    def connections(self) -> list[Connection]:
        """Return the connections that are open."""
        return list(self._connections.values())

    def budget_of(self, user: Hashable) -> Budget:
        """Return the budget of a user, which is one for all connections and requests.

        :param user: the id that a view has put into ``g.user``.
        """
        budget = self._users.get(user)
        if budget is None:
            budget = self._users.setdefault(user, Budget(self._settings.max_events_per_second))
        return budget

    def anonymous_budgets(self, address: Address) -> tuple[Budget, ...]:
        """Return the budgets of a client that nobody has named yet: its own, and its address's."""
        own = Budget(self._settings.max_events_per_second)
        return (own, address.budget) if address.has_limits else (own,)

    def sweep_forever(self) -> None:
        """Sweep every second, from now on."""
        while True:
            self.server.sleep(1)
            self.sweep()

    def sweep(self) -> None:
        """Drop clients that do not read or join no namespace, and forget those that are gone."""
        now = time.monotonic()
        unsent: dict[str, int] = {}
        connections = self.connections()
        balance(sum(now - connection.sent_at < 1 for connection in connections))
        for connection in connections:
            size = connection.unsent
            address = connection.address
            unsent[address.name] = unsent.get(address.name, 0) + size
            too_much = size > self.max_unsent or (
                size
                and address.has_limits
                and unsent[address.name] > _ADDRESS_FACTOR * self.max_unsent
            )
            # Much may have been sent just now, to somebody who is about to read it.
            if (too_much and connection.was_over_limit) or connection.is_stuck(now):
                connection.cut("does not read")
            elif not connection.namespaces:
                patience = _REFUSED_SECONDS if connection.refusal in _FINAL else _JOIN_SECONDS
                if now - connection.without_namespace_since > patience:
                    connection.cut("joined no namespace")
            # An attribute that few connections have: see Connection.
            if connection.was_over_limit != bool(too_much):
                connection.was_over_limit = bool(too_much)
        for name, known in list(self._addresses.items()):
            if not known.connections and known.budget.is_full:
                del self._addresses[name]
        for user, budget in list(self._users.items()):
            if budget.is_full:
                del self._users[user]

    def share(self, add: Callable[[dict[str, int], int], dict[str, int]]) -> None:
        """Share the budgets among all processes, every second.

        :param add: adds to counters that the processes share, as ``RedisManager.add`` does.
        """
        while True:
            self.server.sleep(1)
            self.share_once(add)

    def share_once(self, add: Callable[[dict[str, int], int], dict[str, int]]) -> None:
        """Exchange with the other processes what was spent since the last time."""
        budgets = {f"user:{user}": budget for user, budget in list(self._users.items())}
        for name, address in list(self._addresses.items()):
            if address.has_limits:
                budgets[f"address:{name}"] = address.budget
        spent = {name: own for name, budget in budgets.items() if (own := budget.pop_unshared())}
        for name, total in add(spent, 2 * BURST_SECONDS).items():
            budgets[name].merge(total, spent[name])

    def connection_closed(self, connection: Connection) -> None:
        """Handle the end of a connection."""
        connection.address.count(-1)

    def _open(self, engine: Engine, sid: str, environ: dict[str, Any]) -> Connection:
        """Return a connection that is opened by a request.

        :raises Problem: there is not even a place to be told why.
        """
        address, settings = self._address(environ), self._settings
        most = settings.max_connections_per_address
        if len(self._connections) >= settings.max_connections + SPARE_PLACES // 2:
            raise Problem(*_FULL)
        if address.has_limits and address.connections >= most + _EXPLAINED:
            self._log_refusal(address, "connections")
            raise Problem(*_TOO_MANY)
        if _size_of_headers(environ) > _LARGEST_HEADERS:
            raise Problem(431, f"A handshake has at most {_LARGEST_HEADERS} characters of headers.")
        connection = self._connection_class(engine, sid, self, address)
        environ[CLIENT] = connection
        address.count(+1)
        was_full, self._is_full = self._is_full, len(self._connections) >= settings.max_connections
        if self._is_full:
            connection.refusal = _FULL
            if not was_full:
                logger.warning(
                    "Full: MAX_CONNECTIONS=%d are open; refusing more", settings.max_connections
                )
        elif address.has_limits and address.connections > most:
            connection.refusal = _TOO_MANY
            self._log_refusal(address, "connections")
        return connection

    def _address(self, environ: dict[str, Any]) -> Address:
        """Return the address of a client: the one that the last trusted proxy has seen."""
        name = client_network(environ.get("REMOTE_ADDR") or "")
        address = self._addresses.get(name)
        if address is None:
            address = self._addresses.setdefault(name, Address(name, self._settings))
        return address

    def _charge(self, environ: dict[str, Any], user: Any, tokens: int) -> None:
        """Take tokens from the budget of a request's user, or else of its address.

        :raises Problem: 429, they are not there.
        """
        if isinstance(user, str | int | UUID):
            self.budget_of(user).charge(tokens)
        elif (address := self._address(environ)).has_limits:
            address.budget.charge(tokens)

    def _log_refusal(self, address: Address, what: str) -> None:
        """Log that an address exceeds a limit, at most once in ten seconds."""
        now = time.monotonic()
        if now >= address.next_line:
            address.next_line = now + 10
            logger.warning(
                "Refusing: too many %s from %s. If that is a proxy of yours, set TRUSTED_PROXIES",
                what,
                address.name,
            )


def _length(environ: dict[str, Any]) -> int:
    length = environ.get("CONTENT_LENGTH") or "0"
    return int(length) if length.isdecimal() else 0


def _size_of_headers(environ: dict[str, Any]) -> int:
    texts = ((name, text) for name, text in environ.items() if isinstance(text, str))
    return sum(len(name) + len(text) for name, text in texts)
