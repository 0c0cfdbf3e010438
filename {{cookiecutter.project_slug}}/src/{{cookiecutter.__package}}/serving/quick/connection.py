# Owned by the template: an update may change this file.
"""A connection that answers an event where it reads it, and writes the answer at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engineio.exceptions import EngineIOError
from engineio.packet import MESSAGE, PING
from engineio.packet import Packet as EnginePacket
from flask.globals import request_ctx
from socketio.packet import ACK, BINARY_EVENT, EVENT, Packet

from ...flask_view.handling.events import ANSWER
from ...flask_view.handling.serialization import dumps
from ..connections import protocol
from ..connections.connection import Connection, NativeLock
from ..connections.engine import Engine
from .batches import Batches
from .context import APP, SESSION, EventContexts
from .frames import FrameSocket, encode
from .pings import Pings

_PING = EnginePacket(PING)


class QuickEngine(Engine):
    """The server, with one task for the pings of all clients, and one for their batches."""

    batches: Batches
    pings: Pings

    @classmethod
    def adopt(cls, server: Any) -> QuickEngine:
        """Turn the server that Flask-SocketIO has created into one of this class."""
        engine: Any = super().adopt(server)
        engine.batches = Batches(engine.sleep)
        engine.pings = Pings(engine)
        adopted: QuickEngine = engine
        return adopted

    def watch(self) -> None:
        """Find the clients that do not answer, from now on."""
        self.start_background_task(self.batches.run)
        self.pings.run()


class QuickConnection(Connection):
    """A client's connection, over any transport, without detours through the libraries."""

    engine_class = QuickEngine
    websocket: FrameSocket
    server: QuickEngine
    _contexts: EventContexts | None = None
    _is_direct = False

    def __init__(self, *args: Any) -> None:
        """Create a connection."""
        super().__init__(*args)
        # The pings find who does not answer; the library need not look at each packet.
        self.last_ping = None
        # Held while it turns from a queue to a websocket.
        self._switching = NativeLock()

    # What comes in

    def entering(self) -> None:
        """Keep what the contexts of all its events have in common."""
        context: Any = request_ctx
        environ = context.request.environ
        if self._contexts is None and SESSION in environ:
            self._contexts = EventContexts(context._get_current_object())
            # The events that take the path of Flask-SocketIO get theirs from there, too.
            environ[APP] = self._contexts

    def _deliver(self, packet: Packet) -> None:
        """Answer an event of a view; leave everything else to the library."""
        if packet.packet_type not in (EVENT, BINARY_EVENT):
            super()._deliver(packet)
            return
        server, namespace, name = self._limits.server, packet.namespace, packet.data[0]
        answer = getattr(server.handlers.get(namespace, _NONE).get(name), ANSWER, None)
        sid = protocol.sid_in(server, self.sid, namespace)
        if answer is None or sid is None or self._contexts is None:
            super()._deliver(packet)
        elif server.async_handlers:
            server.start_background_task(self._answer, packet, sid, answer, self._contexts)
        else:
            self._answer(packet, sid, answer, self._contexts)

    def _answer(
        self, packet: Packet, sid: str, answer: Callable[..., Any], contexts: EventContexts
    ) -> None:
        namespace, (name, *arguments) = packet.namespace, packet.data
        event = {"message": name, "args": tuple(arguments)}
        context = contexts.new({"sid": sid, "namespace": namespace, "event": event})
        with context:
            result = answer(self, sid, arguments, context.g)
        if packet.id is None:
            return
        ack = [] if result is None else [*result] if isinstance(result, tuple) else [result]
        if _has_bytes(ack):
            protocol.send_ack(self._limits.server, self.sid, packet, *ack)
            return
        place = "" if namespace == "/" else f"{namespace},"
        text = f"{ACK}{place}{packet.id}{dumps(ack)}"
        if self._is_direct:
            self.websocket.write(encode(f"{MESSAGE}{text}"))
        else:
            self._put(EnginePacket(MESSAGE, text))

    # What goes out

    @property
    def unsent(self) -> int:
        """How many bytes wait to be sent, or are being sent."""
        return self._unsent + (self.websocket.unsent if self._is_direct else 0)

    def is_stuck(self, now: float) -> bool:
        """Whether the client has taken nothing for too long, though something waits for it."""
        if not self._is_direct or not self.websocket.unsent:
            return False
        patience: float = self.server.ping_interval + self.server.ping_timeout
        return now - self.websocket.waits_since > patience

    def open_websocket(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Make a websocket of a request, and serve it until it ends."""
        server = self.server
        websocket = FrameSocket(self, server.start_background_task, server.batches)
        return websocket.run(environ, start_response)

    _upgrade_websocket = open_websocket

    def start_writing(self) -> None:
        """Send over a websocket from now on, beginning with what waits."""
        with self._switching:
            while not self.queue.empty():
                packet = self.queue.get()
                self.websocket.write(_frame_of(packet))
                self.packets_sent((packet,))
            self._is_direct = True
        self.queue = _NO_QUEUE

    def stop_writing(self) -> None:
        """Send what waits, and nothing after that."""
        self.websocket.release()

    def send(self, pkt: EnginePacket) -> None:
        """Send a packet, now or when the client is accepted in the namespace that it is for."""
        frame = vars(pkt).get("frame")
        if frame is not None and self._is_direct and not self._held:
            # It has been sent to somebody else, so it only needs to be sent.
            self.websocket.write(frame)
        else:
            super().send(pkt)

    def _put(self, packet: EnginePacket) -> None:
        if not self._is_direct:
            with self._switching:
                if not self._is_direct:
                    if not self.closed:
                        super()._put(packet)
                    return
        self.websocket.write(_frame_of(packet))

    # Its pings, and its end

    def handle_get_request(
        self, environ: dict[str, Any], start_response: Callable[..., Any]
    ) -> Any:
        """Answer a request for packets, or one to become a websocket.

        :raises EngineIOError: the client has not answered a ping in time.
        """
        if self.server.pings.has_expired(self):
            self.close(reason=self.server.reason.PING_TIMEOUT)
            raise EngineIOError("ping timeout")
        return super().handle_get_request(environ, start_response)

    def schedule_ping(self) -> None:
        """Have the client pinged after the interval."""
        self.server.pings.schedule(self)

    def ping(self) -> None:
        """Ping the client."""
        self._put(_PING)

    def end_unanswered(self) -> None:
        """End the connection of a client that has not answered; its views may take their time."""
        reason = self.server.reason.PING_TIMEOUT
        try:
            self.server.start_background_task(self.close, reason=reason)
        except RuntimeError:
            # The system has no thread left, so the other pings wait for the views.
            self.close(reason=reason)

    def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """End the connection."""
        super().close(wait, abort, reason)
        if self._is_direct:
            self.websocket.close()

    def on_close(self) -> None:
        """Release what the connection has reserved."""
        self.server.pings.forget(self)
        super().on_close()


class _NoQueue:
    """The queue of a connection whose packets do not wait in one."""

    def put(self, packet: Any) -> None:
        """Drop what would end a task that waits for packets: there is none."""

    def empty(self) -> bool:
        """Whether nothing waits."""
        return True


_NO_QUEUE = _NoQueue()
_NONE: dict[str, Any] = {}


def _frame_of(packet: EnginePacket) -> bytes:
    """Return the frame of a packet; one for many clients is made once."""
    known: bytes | None = vars(packet).get("frame")
    if known is None:
        known = packet.frame = encode(packet.encode())
    return known


def _has_bytes(value: Any) -> bool:
    """Tell whether a plain value has bytes, which travel beside it."""
    kind = type(value)
    if kind is dict or kind is list:
        return any(map(_has_bytes, value.values() if kind is dict else value))
    return kind is bytes
