# Owned by the template: an update may change this file.
"""One connection: everything that is known of a client, and everything that it sends and gets.

What a client sends is counted, bounded and checked here, and other clients get their turn. What is
sent to it is counted, and held back until the client is accepted.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any
from uuid import UUID

from engineio.exceptions import EngineIOError
from engineio.packet import MESSAGE
from engineio.packet import Packet as EnginePacket
from prometheus_client import Counter
from socketio.packet import BINARY_EVENT, CONNECT, CONNECT_ERROR, DISCONNECT, Packet

from ...flask_view import Problem
from ...flask_view.handling.client import Client
from ..async_mode import native
from . import protocol
from .budget import cost, too_many
from .engine import CLIENT_LEFT, Engine, EngineSocket
from .protocol import MalformedError

if TYPE_CHECKING:
    from .limits import Address, Limits

logger = logging.getLogger(__name__)

NativeLock = native("_thread", "allocate_lock")
"""A lock for what takes no time: while one is held, nothing waits, nor lets anybody else run."""

_DROPPED = Counter(
    "socketio_clients_dropped_total", "Clients whose connection was cut, by reason.", ("reason",)
)
# After this time over its budget, a client is told; after as long again, it is dropped.
_PATIENCE_SECONDS = 5
# How many malformed messages a client may send.
_MAX_MALFORMED = 20
# Up to this many unsent bytes, no backpressure is applied.
_SMALL_BACKLOG = 65_536
# Seconds after which a client that keeps sending lets others run.
_YIELD_AFTER = 0.005

TOO_FAST = (429, too_many("events").document["detail"])


class Connection(Client, EngineSocket):
    """A client's connection, over any transport."""

    engine_class = Engine
    """The class of the server that has such connections."""
    was_over_limit = False
    """Whether too much waited for it at the last look."""
    sent_at = 0.0
    """When the client last sent something, by ``time.monotonic()``."""

    # With these, it begins. What few connections need is set when one does: from 30 attributes on,
    # Python keeps those of an object in a dictionary of its own, of 1.5 KiB.
    _waited = 0.0
    _last_yield = 0.0
    _unsent = 0
    _kept = 0
    _is_cut = False
    _has_ended = False
    # How it ends when the client has been let in or refused: see close.
    _ends_by: tuple[bool, str | None] | None = None
    _held_size = 0
    _sent_to = ""
    # A message whose attachments are still to come, and those that are there.
    _incomplete: Packet | None = None
    _attachments: list[bytes]
    # How many more attachments belong to a message that was refused.
    _unwanted = 0
    _malformed = 0
    _next_line = 0.0

    def __init__(self, server: Engine, sid: str, limits: Limits, address: Address) -> None:
        """Create a connection.

        :param server: the Engine.IO server.
        :param sid: the id of the connection.
        :param limits: what clients may take.
        :param address: where the client is.
        """
        super().__init__(server, sid)
        self.address = address
        self.namespaces: list[str] = []
        """The namespaces with views that the client is in."""
        self.without_namespace_since = time.monotonic()
        """When it last left such a namespace, or came."""
        self._limits = limits
        self._budgets = limits.anonymous_budgets(address)
        self._lock = NativeLock()
        # Messages for a client that asks to be let in, by namespace, until that is decided.
        self._held: dict[str, list[EnginePacket]] = {}
        self._holding = NativeLock()

    @property
    def max_message_bytes(self) -> int:
        """The size of the largest message."""
        size: int = self.server.max_http_buffer_size
        return size

    # What comes in

    def count(self, size: int) -> bool:
        """Count what the client has sent, and slow it down if that is too much.

        :param size: how many bytes it is.
        :return: whether the connection goes on.
        """
        self.sent_at = now = time.monotonic()
        tokens = cost(size)
        wait = 0.0
        for budget in self._budgets:
            wait = max(wait, budget.spend(tokens, now))
        if wait:
            self._slow_down(wait)
        elif self._waited and all(budget.has_recovered for budget in self._budgets):
            self._waited = 0.0
            if self.refusal is TOO_FAST:
                self.refusal = None
        elif time.perf_counter() - self._last_yield > _YIELD_AFTER:
            self.server.sleep(0)
            self._last_yield = time.perf_counter()
        return not (self.closed or self._is_cut)

    def has_yielded(self, now: float) -> None:
        """Note that other clients have had their turn.

        :param now: the time, by ``time.perf_counter()``.
        """
        self._last_yield = now

    def apply_backpressure(self) -> None:
        """Stop reading while the client does not read, so that its acks cannot fill the memory."""
        while (unsent := self.unsent) > _SMALL_BACKLOG and not (self.closed or self._is_cut):
            enough = unsent > self._limits.max_unsent // 2
            if not self.address.may_queue(self.sid, unsent) or enough:
                self.server.sleep(0.05)
            else:
                return
        if self.address.waiting:
            self.address.may_queue(self.sid, 0)

    def reserve(self, size: int) -> bool:
        """Count bytes that stay in memory until a message is complete.

        :param size: how many more; below zero, how many fewer.
        :return: whether the client may have as much.
        """
        with self._lock:
            self._kept += size
        return self.address.reserve(size)

    def receive_packet(self, packet: str | bytes) -> None:
        """Handle one packet of Engine.IO (protocol 4), or a binary message.

        :raises EngineIOError: it is no packet that a client sends; the connection ends.
        """
        if self.websocket is None:
            # A websocket counts its frames itself.
            self.apply_backpressure()
            if not self.count(len(packet)):
                return
        kind = packet[:1]
        if isinstance(packet, bytes):
            self._receive_attachment(packet)
        elif kind == "4":
            self._receive_message(packet[1:])
        elif kind == "3":
            self.schedule_ping()
        elif kind == "1":
            # A request that waits for packets ends with one.
            self.queue.put(EnginePacket())
            self.close(abort=True, reason=CLIENT_LEFT)
        elif kind not in ("5", "6") or len(packet) > 1:
            # These two have no effect, and may come late.
            self.cut("no packet of Engine.IO")
            raise EngineIOError("no packet")

    def _receive_message(self, text: str) -> None:
        if incomplete := self._incomplete:
            self._forget_incomplete()
            self._refuse(MalformedError(400, "Attachments are missing.", incomplete))
        try:
            packet = protocol.parse(text)
        except MalformedError as error:
            self._unwanted = error.packet.attachment_count if error.packet else 0
            self._refuse(error)
            if self._unwanted > protocol.MAX_ATTACHMENTS:
                raise EngineIOError("too many attachments") from None
            return
        if self._unwanted:
            self._unwanted = 0
        if packet.attachment_count:
            self._incomplete, self._attachments = packet, []
        else:
            self._deliver(packet)

    def _receive_attachment(self, data: bytes) -> None:
        packet = self._incomplete
        if self._unwanted:
            self._unwanted -= 1
            return
        if packet is None:
            self._refuse(MalformedError(400, "This attachment belongs to no message.", None))
            return
        self._attachments.append(data)
        if not self.reserve(len(data)) or self._kept > self.max_message_bytes:
            self.cut("too large a message")
            return
        if len(self._attachments) < packet.attachment_count:
            return
        try:
            protocol.attach(packet, self._attachments)
        except MalformedError as error:
            self._refuse(error)
        else:
            self._deliver(packet)
        finally:
            self._forget_incomplete()

    def _forget_incomplete(self) -> None:
        if self._incomplete:
            self.reserve(-sum(map(len, self._attachments)))
            self._incomplete, self._attachments = None, []

    def _deliver(self, packet: Packet) -> None:
        server, namespace = self._limits.server, packet.namespace
        joined = protocol.has_joined(server, self.sid, namespace)
        asks = packet.packet_type == CONNECT and not joined
        if asks:
            with self._lock:
                if self._has_ended:
                    return
                self._held[namespace] = []
        elif not joined:
            if packet.id is not None:
                problem = Problem(403, f"Connect to the namespace {namespace} first.")
                protocol.send_ack(server, self.sid, packet, {"error": problem.document})
            return
        elif packet.packet_type == DISCONNECT:
            self._left_namespace(namespace)
        elif protocol.sid_in(server, self.sid, namespace) is None:
            # It is about to leave, and gets no answer any more.
            return
        try:
            protocol.dispatch(server, self.sid, packet)
        except Exception:
            # Nothing of a view raises: it would be the library, or a callback of emit.
            logger.exception("A message of Socket.IO could not be handled, sid %s", self.sid)
        finally:
            if asks:
                self._release(namespace)
                with self._lock:
                    ends_by = None if self._held else self._ends_by
                if ends_by:
                    self.close(abort=ends_by[0], reason=ends_by[1])

    def _refuse(self, error: MalformedError) -> None:
        """Answer a malformed message if it asks for an ack; cut the connection after too many."""
        self._malformed += 1
        packet, server = error.packet, self._limits.server
        self._log(f"Refused: {error}")
        if packet and packet.packet_type == CONNECT:
            protocol.refuse_connect(server, self.sid, packet, error.problem)
        elif packet and packet.id is not None:
            protocol.send_ack(server, self.sid, packet, {"error": error.problem.document})
        if self._malformed > _MAX_MALFORMED:
            self.cut("malformed messages")

    def _slow_down(self, wait: float) -> None:
        """Stop reading for a moment; later refuse the events, and at last cut the connection."""
        if self._waited > 2 * _PATIENCE_SECONDS:
            self.cut(f"more than {self._budgets[0].rate} events a second")
            return
        if self._waited > _PATIENCE_SECONDS and self.refusal is None:
            self.refusal = TOO_FAST
            self._log(f"Refusing: more than {self._budgets[0].rate} events a second")
        began = time.monotonic()
        self.server.sleep(wait)
        self._waited += time.monotonic() - began
        self._last_yield = time.perf_counter()

    def _log(self, line: str) -> None:
        """Write a line about the client, at most one a second."""
        now = time.monotonic()
        if now >= self._next_line:
            self._next_line = now + 1
            logger.warning("%s, sid %s", line, self.sid)

    # What goes out

    def send(self, pkt: EnginePacket) -> None:
        """Send a packet, now or when the client is accepted in the namespace that it is for."""
        if pkt.packet_type == MESSAGE and self._is_held_back(pkt):
            return
        self._put(pkt)

    def packets_sent(self, packets: Iterable[EnginePacket]) -> None:
        """Note that packets have been sent."""
        size = sum(map(_size, packets))
        with self._lock:
            self._unsent -= size

    @property
    def unsent(self) -> int:
        """How many bytes wait to be sent, or are being sent."""
        return self._unsent

    def is_stuck(self, now: float) -> bool:
        """Whether the client has taken nothing for too long, though something waits for it.

        :param now: the time, by ``time.monotonic()``.
        """
        # The time-out of the websocket finds that.
        return False

    @property
    def is_idle(self) -> bool:
        """Whether none of its events is being handled, and nothing waits to be sent."""
        return not self.running and not self.unsent

    def _put(self, packet: EnginePacket) -> None:
        if self.check_ping_timeout():
            with self._lock:
                self._unsent += _size(packet)
            self.queue.put(packet)

    def _is_held_back(self, packet: EnginePacket) -> bool:
        """Tell whether a message is not to be sent at once.

        It is kept while the client waits to be let into the namespace. Even the message by which
        the library lets it in is, until the library has finished: somebody may answer it at once.
        """
        data = packet.data
        if not self._held:
            if data[:1] == "1":
                self._left_namespace(protocol.kind_of(data)[1])
            return False
        with self._holding:
            if isinstance(data, str):
                kind, self._sent_to = protocol.kind_of(data)
            else:
                # An attachment goes the way of the message before it.
                kind = BINARY_EVENT
            namespace = self._sent_to
            if namespace not in self._held:
                return False
            if kind == CONNECT:
                self._held[namespace].insert(0, packet)
                return True
            if kind == CONNECT_ERROR:
                del self._held[namespace]
                return False
            self._held[namespace].append(packet)
            self._held_size += _size(packet)
        if self._held_size > self._limits.max_unsent:
            self.cut("too much before it was accepted")
        return True

    def _release(self, namespace: str) -> None:
        """Send what was kept to a client that has been let in; drop it otherwise."""
        with self._holding:
            waiting = self._held.get(namespace, [])
            if waiting and protocol.kind_of(waiting[0].data)[0] == CONNECT:
                if protocol.has_views(self._limits.server, namespace):
                    self.namespaces.append(namespace)
                for packet in waiting:
                    self._put(packet)
            # Only now may others send past these.
            self._held.pop(namespace, None)
            if self._held_size:
                self._held_size = 0

    # Who the client is, and its end

    def accept(self, namespace: str, user: Any) -> None:
        """Handle that a namespace has accepted the client; a user has one budget in total."""
        super().accept(namespace, user)
        if isinstance(user, str | int | UUID):
            self._budgets = (self._limits.budget_of(user),)

    def charge(self, tokens: int) -> None:
        """Take tokens for an event that costs more than others.

        :raises Problem: 429, they are not there.
        """
        for budget in self._budgets:
            budget.charge(tokens)

    def drop(self) -> None:
        """End the connection in such a way that the client takes it for a fault, and reconnects."""
        self.close(abort=True)

    def cut(self, reason: str) -> None:
        """End the connection at once, whoever holds it up.

        :param reason: why, for the log and the metric.
        """
        if self._is_cut:
            return
        self._is_cut = True
        _DROPPED.labels(reason).inc()
        logger.warning("Dropped: %s, sid %s", reason, self.sid)
        if self.websocket:
            # Who reads from it finds that out, and ends the connection.
            self.websocket.cut()
        else:
            self.server.start_background_task(self.drop)

    def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:
        """End the connection, as soon as its client is no longer being let in.

        Of one that it lets in at that moment, the library would never say that it has left.
        """
        with self._lock:
            if self._held:
                self._ends_by = (abort, reason)
                return
            is_first = not self._has_ended
            self._has_ended = True
        super().close(abort=abort, reason=reason)
        if is_first:
            self.on_close()

    def on_close(self) -> None:
        """Release what the connection has reserved."""
        self._forget_incomplete()
        self.reserve(-self._kept)
        self.address.may_queue(self.sid, 0)
        self._limits.connection_closed(self)

    def _left_namespace(self, namespace: str) -> None:
        if namespace in self.namespaces:
            self.namespaces.remove(namespace)
        self.without_namespace_since = time.monotonic()


def _size(packet: EnginePacket) -> int:
    """Return how much of memory a packet takes, about."""
    return len(packet.data or "")
