# Owned by the template: an update may change this file.
"""Engine.IO: how packets come from a client, and how they go to it, by polling or by websocket.

What the service uses of python-engineio beyond its documentation is used in this module alone: the
library lets nobody choose the class of its connections, and reads without a bound.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qs

import engineio
from engineio.exceptions import EngineIOError
from engineio.packet import OPEN, Packet
from engineio.socket import Socket
from werkzeug.exceptions import HTTPException

from ...flask_view.rooms.names import sid_of
from .websocket import BaseWebSocket

CLIENT_LEFT = engineio.Server.reason.CLIENT_DISCONNECT
_SEPARATOR = "\x1e"


class Engine(engineio.Server):  # type: ignore[misc]
    """The server of Engine.IO, with connections of another class."""

    open: Callable[[Engine, str, dict[str, Any]], EngineSocket]
    """Returns the connection for an id and a WSGI environment, or raises an ``HTTPException``."""
    max_polling_packets: int
    """How many packets a client may send in one request."""
    start_service_task: bool

    @classmethod
    def adopt(cls, server: engineio.Server) -> Engine:
        """Turn the server that Flask-SocketIO has created into one of this class."""
        server.__class__ = cls
        engine: Engine = server
        return engine

    def _handle_connect(
        self,
        environ: dict[str, Any],
        start_response: Callable[..., Any],
        transport: str,
        jsonp_index: int | None = None,
    ) -> Any:
        """Open a connection. The library's own takes whoever comes, and rounds the ping interval.

        Returns what the library makes a response of: a dictionary, or a finished one.
        """
        if self.start_service_task:
            self.start_service_task = False
            self.service_task_handle = self.start_background_task(self.watch)
        try:
            connection = self.open(self, super().generate_id(), environ)
        except HTTPException as problem:
            response = problem.get_response()
            return {
                "status": response.status,
                "headers": list(response.headers),
                "response": response.get_data(),
            }
        self.sockets[connection.sid] = connection
        can_upgrade = transport == "polling" and "websocket" in self.transports
        announced = {
            "sid": connection.sid,
            "upgrades": ["websocket"] if can_upgrade else [],
            "pingTimeout": round(self.ping_timeout * 1000),
            "pingInterval": round(self.ping_interval * 1000),
            "maxPayload": self.max_http_buffer_size,
        }
        connection.send(Packet(OPEN, announced))
        self._trigger_event("connect", connection.sid, environ, run_async=False)
        connection.schedule_ping()
        if transport == "websocket":
            answer = connection.handle_get_request(environ, start_response)
            if not connection.connected:
                connection.close(abort=True)
            return answer
        connection.connected = True
        # A proxy learns from it which process has the session: see deploy/nginx.conf.
        headers = [("X-Session-ID", connection.sid)]
        return self._ok(connection.poll(), headers, jsonp_index)

    def generate_id(self) -> str:
        """Return the ``sid`` of a client in a namespace, of which there may be several."""
        return sid_of(super().generate_id())

    def watch(self) -> None:
        """Find the clients that do not answer, from now on."""
        self._service_task()

    def send_packet(self, sid: str, pkt: Packet) -> None:
        """Send a packet to a client; one that has left gets none, which is no reason to warn."""
        connection = self.sockets.get(sid)
        if connection and not connection.closed:
            connection.send(pkt)

    def handle_request(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Answer a request, also one for a second websocket of a session, which is closed then."""
        if "HTTP_UPGRADE" in environ:
            sid = parse_qs(environ["QUERY_STRING"]).get("sid", [""])[0]
            connection = self.sockets.get(sid)
            if connection and connection.upgraded:
                return connection.open_websocket(environ, start_response)
        return super().handle_request(environ, start_response)


class EngineSocket(Socket):  # type: ignore[misc]
    """One connection of Engine.IO: what comes in passes ``receive_packet``, what goes out ``send``.

    The library's own decodes packets before anybody has counted them, and leaves the connection in
    its list when that fails.
    """

    server: Engine
    websocket: BaseWebSocket | None = None
    queue: Any
    _posting = False
    connected: bool
    upgrading: bool
    upgraded: bool

    def receive_packet(self, packet: str | bytes) -> None:
        """Handle one packet of Engine.IO, or a binary message.

        :raises EngineIOError: it is no packet; the connection ends.
        """
        raise NotImplementedError

    def packets_sent(self, packets: Iterable[Packet]) -> None:
        """Handle that packets have been sent."""

    def handle_post_request(self, environ: dict[str, Any]) -> None:
        """Receive the packets of a request.

        :raises EngineIOError: they cannot be read, or another request is still being read.
        """
        if self._posting:
            raise EngineIOError("two requests at a time")
        self._posting = True
        try:
            for packet in self._packets(environ):
                if self.closed:
                    break
                self.receive_packet(packet)
        finally:
            self._posting = False

    def _packets(self, environ: dict[str, Any]) -> Iterator[str | bytes]:
        """Yield the packets in the body of a request (Engine.IO protocol 4, HTTP long-polling)."""
        try:
            length = int(environ.get("CONTENT_LENGTH") or 0)
            if not 0 <= length <= self.server.max_http_buffer_size:
                raise EngineIOError("too large")
            body = environ["wsgi.input"].read(length)
            if len(body) < length:
                raise EngineIOError("the body ended early")
            encoded = body.decode().split(_SEPARATOR)
            if len(encoded) > self.server.max_polling_packets:
                raise EngineIOError("too many packets")
            for text in encoded:
                is_binary = text.startswith("b")
                yield base64.b64decode(text[1:], validate=True) if is_binary else text
        except (ValueError, OSError) as error:
            raise EngineIOError("no packets") from error

    def handle_get_request(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Any:
        """Answer a request for packets, or one to become a websocket.

        :raises EngineIOError: the client has not answered a ping in time.
        """
        if not self.check_ping_timeout():
            raise EngineIOError("ping timeout")
        return super().handle_get_request(environ, start_response)

    def poll(self) -> list[Packet]:
        """Return what waits for the client, or wait for it."""
        packets: list[Packet] = super().poll()
        self.packets_sent(packets)
        return packets

    def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """End the connection.

        :param wait: is ignored. The library would wait for a client that may be gone.
        :param abort: tell the client nothing, so that it takes it for a fault and reconnects.
        :param reason: what the views are told.
        """
        super().close(wait=False, abort=abort, reason=reason)
        self.server.sockets.pop(self.sid, None)

    def open_websocket(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Make a websocket of a request, and serve it until it ends."""
        # Its library takes 5 % of a start, and the quick path does without.
        from .frames import WebSocket

        return WebSocket(self).run(environ, start_response)

    _upgrade_websocket = open_websocket

    def serve(self, websocket: BaseWebSocket) -> None:
        """Talk to the client over a websocket that is open, until it ends.

        :param websocket: the websocket; its library has greeted the client.
        """
        if self.upgraded or self.upgrading:
            websocket.close()
            return
        websocket.begin(self.server.ping_interval + self.server.ping_timeout)
        if self.connected:
            # Until this is complete, what is to be sent waits.
            self.upgrading = True
            self.upgraded = self._complete_upgrade(websocket)
            self.upgrading = False
            if not self.upgraded:
                return
        self.websocket = websocket
        self.connected = self.upgraded = True
        self.start_writing()
        try:
            while not self.closed and self._receive_next(websocket):
                pass
        except (EngineIOError, OSError):
            # Whoever is silent for too long is gone; who sends no packets has been told.
            self.server.logger.debug("%s: the websocket has ended", self.sid)
        finally:
            self.stop_writing()
            self.close(abort=True, reason=self.server.reason.TRANSPORT_CLOSE)

    def _receive_next(self, websocket: BaseWebSocket) -> bool:
        """Handle the next message, of which nothing stays; return whether there was one."""
        packet = websocket.wait()
        if packet is None:
            return False
        self.receive_packet(packet)
        return True

    def _complete_upgrade(self, websocket: BaseWebSocket) -> bool:
        """Upgrade a polling client to a websocket; return whether it worked."""
        try:
            if websocket.wait() != "2probe":
                return False
            websocket.send("3probe")
            # It ends the request that is waiting for packets.
            self.queue.put(Packet())
            return websocket.wait() == "5"
        except OSError:
            return False

    def start_writing(self) -> None:
        """Send over the websocket from now on, beginning with what waits."""
        self._writer = self.server.start_background_task(self._write, self.websocket)

    def stop_writing(self) -> None:
        """Send what waits, and nothing after that."""
        self.queue.put(None)
        self._writer.join()
        while not self.queue.empty():
            self.queue.get()

    def _write(self, websocket: BaseWebSocket) -> None:
        """Send what is in the queue, until ``None`` is."""
        try:
            while (packet := self.queue.get()) is not None:
                websocket.send(packet.encode())
                self.packets_sent((packet,))
        except OSError:
            self.server.logger.debug("%s: the client has gone", self.sid)
        websocket.close()
