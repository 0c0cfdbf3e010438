# Owned by the template: an update may change this file.
"""A Socket.IO client for tests, which tells what did arrive when it waited for something else."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import engineio
import socketio
from socketio.exceptions import ConnectionError, TimeoutError


class LiveClient:
    """A client in one namespace of a running server."""

    def __init__(
        self,
        url: str,
        namespace: str,
        auth: Any = None,
        transports: Sequence[str] = ("websocket",),
    ) -> None:
        """Connect to a server.

        :param url: the URL of the server.
        :param namespace: the namespace.
        :param auth: what to send along for the ``connect`` handler.
        :param transports: ``"polling"``, ``"websocket"``, or both to begin with the first one.
        :raises socketio.exceptions.ConnectionError: the server refuses; it carries the answer.
        """
        self.namespace = namespace
        self._arrived: list[tuple[str, Any]] = []
        self._arrival = threading.Condition()
        self._client = _Client(reconnection=False, handle_sigint=False)
        self._client.on("*", self._keep, namespace)
        self._client.on("disconnect", lambda reason: self._keep("disconnect", reason), namespace)
        refusal: list[Any] = []
        self._client.on("connect_error", lambda *answer: refusal.extend(answer), namespace)
        try:
            self._client.connect(
                url, namespaces=[namespace], auth=auth, transports=list(transports), wait_timeout=5
            )
        except ConnectionError as error:
            raise ConnectionError(*refusal or error.args) from error

    def emit(self, event: str, *arguments: Any) -> None:
        """Send an event, and do not wait for its ack."""
        self._client.emit(event, arguments, namespace=self.namespace)

    def call(self, event: str, *arguments: Any, timeout: float = 2) -> Any:
        """Send an event and return its ack."""
        __tracebackhide__ = True
        try:
            return self._client.call(event, arguments, namespace=self.namespace, timeout=timeout)
        except TimeoutError:
            pass
        raise AssertionError(f"No ack of {event!r} came in {timeout} s. {self._what_arrived()}")

    def expect(self, event: str, *, timeout: float = 2) -> Any:
        """Return what the next such event carries; several arguments are a tuple."""
        __tracebackhide__ = True
        if found := self._next(event, timeout):
            return found[1]
        raise AssertionError(f"No {event!r} came in {timeout} s. {self._what_arrived()}")

    def refute(self, event: str, *, within: float = 0.2) -> None:
        """Fail if such an event has come since the last one expected, or still comes."""
        __tracebackhide__ = True
        if found := self._next(event, within):
            raise AssertionError(f"{event!r} came, with {found[1]!r}. {self._what_arrived()}")

    def disconnect(self) -> None:
        """Leave."""
        self._client.disconnect()

    def _keep(self, event: str, *arguments: Any) -> None:
        payload = arguments[0] if len(arguments) == 1 else arguments or None
        with self._arrival:
            self._arrived.append((event, payload))
            self._arrival.notify_all()

    def _next(self, event: str, timeout: float) -> tuple[str, Any] | None:
        """Take the oldest such event out of those that arrived, or wait for one."""

        def oldest() -> tuple[str, Any] | None:
            return next((arrived for arrived in self._arrived if arrived[0] == event), None)

        with self._arrival:
            found = self._arrival.wait_for(oldest, timeout)
            if found:
                self._arrived.remove(found)
        return found

    def _what_arrived(self) -> str:
        arrived = "".join(f"\n  {event!r}: {payload!r}" for event, payload in self._arrived)
        return f"What else arrived in {self.namespace}:{arrived or ' nothing'}"


Connect = Callable[..., LiveClient]
"""The type of the fixture ``connect``."""


class _Engine(engineio.Client):  # type: ignore[misc]
    """The library's connection, except for two things that tests stumble over."""

    def start_background_task(self, target: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Handle messages in the order they come; in threads of their own, they overtake."""
        if target is self.handlers.get("message"):
            return target(*args, **kwargs)
        return super().start_background_task(target, *args, **kwargs)

    def disconnect(self, abort: bool = False, reason: str | None = None) -> None:
        """Leave at once, but let the server hear all that was sent before."""
        _wait_while(lambda: self.write_loop_task and self.queue.unfinished_tasks)
        websocket = self.ws
        if websocket:
            websocket.close = self._hang_up
        super().disconnect(abort or self._is_reading(), reason)
        # Once more, for a writer that was still asleep when the library emptied the queue.
        self.queue.put(None)
        if websocket:
            websocket.shutdown()

    def _hang_up(self) -> None:
        """End a websocket without the three seconds that its own ``close`` waits for the server."""
        # The server may have been faster.
        with suppress(OSError, AttributeError):
            self.ws.sock.shutdown(socket.SHUT_WR)
        if not self._is_reading():
            _wait_while(self.read_loop_task.is_alive)
        # A server that is still busy with a message has not read the end yet.
        self.ws.abort()

    def _is_reading(self) -> bool:
        """Tell whether this is the thread that reads: a message of the server ends it all."""
        return self.read_loop_task is threading.current_thread()


class _Client(socketio.Client):  # type: ignore[misc]
    """The library's client, on the connection above."""

    def _engineio_client_class(self) -> type[_Engine]:
        return _Engine


def _wait_while(condition: Callable[[], Any], timeout: float = 1) -> None:
    """Wait for another thread; not every library has threads that can be joined with a timeout."""
    end = time.monotonic() + timeout
    while condition() and time.monotonic() < end:
        time.sleep(0.001)
