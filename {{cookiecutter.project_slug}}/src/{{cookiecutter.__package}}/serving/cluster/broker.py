# Owned by the template: an update may change this file.
"""Reaching clients of other processes, through a broker that joins them.

Imported only where there is one: Redis's library takes as long to import as Flask.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import redis
import socketio
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from ...flask_view.rooms.roster import Roster
from ..lookup import addresses
from ..urls import without_password
from . import rosters
from .clients import LOST, UP, BrokerError, LocalManager
from .windows import SharedWindows

logger = logging.getLogger(__name__)

CHANNEL = "flask-socketio"
"""The channel of the broker; whoever else emits to the clients must name the same."""

# How long an answer of the broker may take, in seconds; nothing waits for it longer.
_TIMEOUT = 3
_PAUSE = 1


class RedisManager(LocalManager, socketio.PubSubManager):  # type: ignore[misc]
    """Redis, and what speaks its protocol.

    What is sent while it is away is lost for the clients of other processes, as the broker keeps
    nothing; those of this process get it. A handler waits for a broker that hangs once; from then
    on, until it answers again, it does not wait at all.
    """

    name = "redis"

    def __init__(self, url: str, *, grace: float, serves_clients: bool) -> None:
        """Connect to nothing yet.

        :param url: where Redis is.
        :param grace: how many seconds a client may be away without having left.
        :param serves_clients: whether clients connect to this process. A command learns from an
            exception that it could not send.
        :raises ValueError: it is no URL, or not one of Redis.
        """
        super().__init__(channel=CHANNEL)
        connection_class = _CONNECTIONS.get(url.partition(":")[0])
        if connection_class is None:
            raise ValueError("The scheme is not one of Redis.")
        self.address = without_password(url)
        self.trouble = ""
        """Why the broker cannot be used; empty while it can."""
        self._redis: Any = redis.Redis.from_url(
            url,
            connection_class=connection_class,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            socket_keepalive=True,
            # As many as handlers wait at the same time; redis-py 8 would refuse the hundred and
            # first, as if the broker was away.
            max_connections=2**31,
            # Whoever waits for an answer would wait several times as long.
            retry=Retry(NoBackoff(), 0),
        )
        self._serves_clients = serves_clients
        self._refused = ""
        self.windows = SharedWindows(self)
        """What was let in by limits, in all processes."""
        self._shared = rosters.SharedRosters(self)
        self.roster = Roster(self, grace, self._shared)
        """Who is in which room, of all processes."""
        self._lost = LOST.labels(self.address)
        UP.labels(self.address).set_function(lambda: not self.trouble)

    def check(self) -> None:
        """Ping the broker, and note whether it answers."""
        try:
            self._redis.ping()
        except (RedisError, OSError) as error:
            self._note(str(error) or type(error).__name__)
        else:
            self._note("")

    def watch(self) -> None:
        """Check it again and again, from now on."""
        while True:
            self.server.sleep(_PAUSE)
            self.check()

    def add(self, amounts: dict[str, int], seconds: int) -> dict[str, int]:
        """Add to counters that all processes share, and return what they are at then.

        :param amounts: how much, by the names of the counters.
        :param seconds: how long a counter is kept that nobody adds to.
        :return: nothing while the broker does not answer.
        """
        commands = []
        for name, amount in amounts.items():
            commands += [("INCRBY", f"{self.channel}:{name}", amount)]
            commands += [("EXPIRE", f"{self.channel}:{name}", seconds)]
        answers = self.ask(*commands)
        return dict(zip(amounts, answers[::2], strict=True)) if answers else {}

    def ask(self, *commands: tuple[Any, ...]) -> list[Any] | None:
        """Send commands in one round trip, and return the answers.

        :param commands: the commands of Redis, each with its arguments.
        :return: ``None`` while the broker does not answer, or if it refuses one of them.
        :raises BrokerError: it does not answer, and no clients connect to this process.
        """
        if not commands:
            return []
        if self._serves_clients and self.trouble:
            return None
        try:
            with self._redis.pipeline(transaction=False) as pipeline:
                for command in commands:
                    pipeline.execute_command(*command)
                answers: list[Any] = pipeline.execute(raise_on_error=False)
        except (RedisError, OSError) as error:
            if not self._serves_clients:
                raise self._silent(error) from error
            self._note(str(error) or type(error).__name__)
            return None
        refused = next((str(answer) for answer in answers if isinstance(answer, Exception)), "")
        # It answers, so events get through. It may lack memory, or the right to run a script.
        if refused and refused != self._refused:
            logger.error("The broker %s refuses what it is asked: %s", self.address, refused)
        self._refused = refused
        return None if refused else answers

    def drop(self, sid: str, namespace: str) -> None:
        """Cut the connection of a client, of whichever process it is.

        :param sid: the client's ``request.sid``.
        :param namespace: the namespace that the sid belongs to.
        """
        if self.eio_sid_from_sid(sid, namespace):
            super().drop(sid, namespace)
            return
        message = {"method": "disconnect", "drop": True, "sid": sid, "namespace": namespace}
        self._publish({**message, "host_id": self.host_id})

    def kick(self, rooms: list[str], namespace: str) -> None:
        """Disconnect all clients in some rooms, of whichever processes they are."""
        super().kick(rooms, namespace)
        message = {"method": "disconnect", "rooms": rooms, "namespace": namespace}
        self._publish({**message, "host_id": self.host_id})

    def _handle_disconnect(self, message: dict[str, Any]) -> None:
        if message.get("drop"):
            super().drop(message["sid"], message["namespace"])
        elif "rooms" in message:
            super().kick(message["rooms"], message["namespace"])
        else:
            super()._handle_disconnect(message)

    def _silent(self, error: Exception) -> BrokerError:
        return BrokerError(f"The broker {self.address} does not answer: {error}")

    def _note(self, trouble: str) -> None:
        before, self.trouble = self.trouble, trouble
        if trouble and not before:
            logger.error("The broker %s does not answer: %s", self.address, trouble)
        elif before and not trouble:
            logger.warning("The broker %s answers again", self.address)

    def _publish(self, message: dict[str, Any]) -> None:
        if self._serves_clients and self.trouble:
            self._lost.inc()
            return
        try:
            heard = self._redis.publish(self.channel, self.json.dumps(message))
        except (RedisError, OSError) as error:
            if not self._serves_clients:
                raise self._silent(error) from error
            self._note(str(error) or type(error).__name__)
            self._lost.inc()
        else:
            if not heard and not self._serves_clients:
                raise BrokerError(f"No process of the service listens at {self.address}.")

    def _listen(self) -> Iterator[bytes]:
        """Yield what other processes send, for ever."""
        while True:
            try:
                with self._redis.pubsub() as subscription:
                    subscription.subscribe(self.channel, rosters.CHANNEL)
                    while not self.trouble:
                        message = subscription.get_message(timeout=_PAUSE)
                        if not message:
                            continue
                        if message["type"] == "subscribe":
                            # From here on, no message is missed; until here, some may have been.
                            self._shared.is_behind = True
                        elif message["channel"] == rosters.CHANNEL.encode():
                            self._shared.hear(self.roster, message["data"])
                        else:
                            yield message["data"]
            except (RedisError, OSError) as error:
                self._note(str(error) or type(error).__name__)
            self.server.sleep(_PAUSE)


class _Connection(redis.Connection):
    """A connection to Redis, whose host is looked up with an end."""

    def _connect(self) -> Any:
        name, trouble = self.host, OSError()
        try:
            for self.host in addresses(name):
                try:
                    return super()._connect()  # type: ignore[no-untyped-call]
                except OSError as error:
                    trouble = error
            raise trouble
        finally:
            # Which is what a certificate is made out to, and what messages say.
            self.host = name


class _TLSConnection(redis.SSLConnection, _Connection):
    """The same, encrypted."""


_CONNECTIONS = {"redis": _Connection, "rediss": _TLSConnection}
