# Owned by the template: an update may change this file.
"""A Socket.IO client for tests, which tells what did arrive when it waited for something else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from flask import Flask
from socketio.exceptions import ConnectionError, TimeoutError

from .answers import assert_agree, call_of
from .matching import has, named, unpacked
from .network import Client
from .promised import Watch


class LiveClient:
    """A client in one namespace of a running server."""

    def __init__(
        self,
        url: str,
        namespace: str,
        auth: Any = None,
        transports: Sequence[str] = ("websocket",),
        headers: Mapping[str, str] | None = None,
        *,
        app: Flask | None = None,
        watch: Watch | None = None,
    ) -> None:
        """Connect to a server.

        :param url: the URL of the server.
        :param namespace: the namespace.
        :param auth: what to send along for the ``connect`` handler.
        :param transports: ``"polling"``, ``"websocket"``, or both to begin with the first one.
        :param headers: what to send along with the handshake, and with the requests of ``answer``.
        :param app: the application that the server serves, for ``answer``.
        :param watch: what checks whatever arrives.
        :raises socketio.exceptions.ConnectionError: the server refuses; it carries the answer.
        """
        self.namespace = namespace
        self._url, self._auth, self._transports = url, auth, list(transports)
        self._headers = dict(headers or {})
        self._app, self._watch = app, watch
        self._arrived: list[tuple[str, Any]] = []
        self._arrival = threading.Condition()
        self._connect()

    def emit(self, event: str, *arguments: Any) -> None:
        """Send an event, and do not wait for its ack."""
        self._client.emit(event, arguments, namespace=self.namespace)

    def call(self, event: str, *arguments: Any, timeout: float = 2) -> Any:
        """Send an event and return its ack."""
        __tracebackhide__ = True
        try:
            ack = self._client.call(event, arguments, namespace=self.namespace, timeout=timeout)
        except TimeoutError:
            self._check()
        else:
            self._check()
            return ack
        raise AssertionError(f"No ack of {event!r} came in {timeout} s. {self._what_arrived()}")

    def answer(self, event: str, *arguments: Any, timeout: float = 2) -> Any:
        """Send an event, make the request of the same method, and return what both answer.

        The method runs twice, so this is for what may be done twice. The request carries the
        headers of this client; without any, the token of its ``auth`` as ``Authorization``.

        :param event: the name of the event, followed by its arguments.
        :param timeout: how many seconds to wait for the ack.
        :raises AssertionError: the answers differ. Of a 500, the id may.
        :raises ValueError: no request calls this method, or none can say the same.
        """
        __tracebackhide__ = True
        if self._app is None:
            raise ValueError("Only a client of the fixture `connect` knows which request to make")
        call = call_of(self._app, self.namespace, event, arguments)
        ack = self.call(event, *arguments, timeout=timeout)
        assert_agree(self._app, event, ack, call, call.send(self._app, self._identity()))
        return ack

    def expect(self, event: str, /, *, timeout: float = 2, **members: Any) -> Any:
        """Return what the next such event carries; several arguments are a tuple.

        :param event: the name of the event.
        :param timeout: how many seconds to wait for it.
        :param members: what its payload has; it may have more. Others are left for later.
        :raises AssertionError: none came; it shows what did.
        """
        __tracebackhide__ = True
        if found := self._next(event, members, timeout):
            return found[1]
        wanted = named(event, members)
        raise AssertionError(f"No {wanted} came in {timeout} s. {self._what_arrived()}")

    def refute(self, event: str, /, *, within: float = 0.2, **members: Any) -> None:
        """Fail if such an event has come since the last one expected, or still comes.

        :param event: the name of the event.
        :param within: how many seconds to wait for it.
        :param members: what its payload has; others may come.
        """
        __tracebackhide__ = True
        if found := self._next(event, members, within):
            raise AssertionError(f"{event!r} came, with {found[1]!r}. {self._what_arrived()}")

    def disconnect(self) -> None:
        """Leave."""
        self._client.disconnect()

    def cut(self) -> None:
        """Lose the connection without a goodbye, as if the network went away."""
        self._forget_the_end()
        self._client.eio.cut()

    def reconnect(self) -> None:
        """Connect again, as a new client with the same auth and headers; what arrived stays.

        :raises socketio.exceptions.ConnectionError: the server refuses; it carries the answer.
        """
        self._forget_the_end()
        self.disconnect()
        self._connect()

    def _connect(self) -> None:
        self._client = Client(reconnection=False, handle_sigint=False)
        self._client.on("*", self._receive, self.namespace)
        self._client.on("disconnect", partial(self._keep, "disconnect"), self.namespace)
        refusal: list[Any] = []
        self._client.on("connect_error", lambda *answer: refusal.extend(answer), self.namespace)
        try:
            self._client.connect(
                self._url,
                headers=dict(self._headers),
                namespaces=[self.namespace],
                auth=self._auth,
                transports=self._transports,
                wait_timeout=5,
            )
        except ConnectionError as error:
            raise ConnectionError(*refusal or error.args) from error

    def _identity(self) -> dict[str, str]:
        """Return the headers that say in a request who this is."""
        token = self._auth.get("token") if isinstance(self._auth, Mapping) else None
        return self._headers or ({"Authorization": f"Bearer {token}"} if token else {})

    def _forget_the_end(self) -> None:
        """Keep out of what arrives that the client itself ends its connection."""
        self._client.on("disconnect", lambda reason: None, self.namespace)

    def _receive(self, event: str, *arguments: Any) -> None:
        if self._watch:
            self._watch.arrived(self.namespace, event, arguments)
        self._keep(event, *arguments)

    def _keep(self, event: str, *arguments: Any) -> None:
        with self._arrival:
            self._arrived.append((event, unpacked(arguments)))
            self._arrival.notify_all()

    def _next(
        self, event: str, members: Mapping[str, Any], timeout: float
    ) -> tuple[str, Any] | None:
        """Take the oldest such event out of those that arrived, or wait for one."""
        __tracebackhide__ = True

        def oldest() -> tuple[str, Any] | None:
            such = (one for one in self._arrived if one[0] == event and has(one[1], members))
            return next(such, None)

        with self._arrival:
            self._arrival.wait_for(lambda: oldest() or self._is_broken(), timeout)
            self._check()
            found = oldest()
            if found:
                self._arrived.remove(found)
        return found

    def _is_broken(self) -> bool:
        return bool(self._watch and self._watch.is_broken)

    def _check(self) -> None:
        """Fail for what has arrived although no view declares to send it."""
        __tracebackhide__ = True
        if self._watch:
            self._watch.check()

    def _what_arrived(self) -> str:
        arrived = "".join(f"\n  {event!r}: {payload!r}" for event, payload in self._arrived)
        return f"What else arrived in {self.namespace}:{arrived or ' nothing'}"


Connect = Callable[..., LiveClient]
"""The type of the fixture ``connect``."""
Refused = Callable[..., Any]
"""The type of the fixture ``refused``."""
