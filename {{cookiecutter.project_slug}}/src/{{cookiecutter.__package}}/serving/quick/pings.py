# Owned by the template: an update may change this file.
"""Pings (Engine.IO protocol 4, "Heartbeat"): one task for all clients, in place of one for each.

Without a task for its pings and one that writes, an idle client takes a quarter to a third less
memory.
"""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..connections.engine import Engine
    from .connection import QuickConnection

_Queue = OrderedDict["QuickConnection", float]


class Pings:
    """Knows which client is to be pinged next, and which should have answered."""

    def __init__(self, engine: Engine) -> None:
        """Start without clients.

        :param engine: the server, which has the interval and the time-out.
        """
        self._engine = engine
        # When each is due, in this order: all wait for the same time.
        self._to_ping: _Queue = OrderedDict()
        self._to_answer: _Queue = OrderedDict()
        self._lock = threading.Lock()

    def schedule(self, connection: QuickConnection) -> None:
        """Ping a client that has just come, or has answered; it need not answer any more."""
        with self._lock:
            self._to_answer.pop(connection, None)
            if connection not in self._to_ping:
                self._to_ping[connection] = time.monotonic() + self._engine.ping_interval

    def forget(self, connection: QuickConnection) -> None:
        """Ping a client no more."""
        with self._lock:
            self._to_ping.pop(connection, None)
            self._to_answer.pop(connection, None)

    def has_expired(self, connection: QuickConnection) -> bool:
        """Tell whether a client should have answered by now."""
        with self._lock:
            return self._to_answer.get(connection, math.inf) < time.monotonic()

    def run(self) -> None:
        """Ping the clients in time, and end the connections of those that do not answer."""
        engine = self._engine
        # Whoever comes meanwhile is not due before.
        longest = min(1.0, engine.ping_interval / 4, engine.ping_timeout / 4)
        while True:
            now = time.monotonic()
            for connection in self._due(self._to_answer, now):
                connection.end_unanswered()
            for connection in self._due(self._to_ping, now):
                with self._lock:
                    self._to_answer[connection] = now + engine.ping_timeout
                connection.ping()
            engine.sleep(max(0.0, min(longest, self._next() - time.monotonic())))

    def _next(self) -> float:
        """Return when the next client is due."""
        with self._lock:
            queues = (self._to_ping, self._to_answer)
            return min((next(iter(queue.values())) for queue in queues if queue), default=math.inf)

    def _due(self, queue: _Queue, now: float) -> list[QuickConnection]:
        """Take those whose time has come from a queue."""
        due = []
        with self._lock:
            while queue and next(iter(queue.values())) <= now:
                due.append(queue.popitem(last=False)[0])
        return due
