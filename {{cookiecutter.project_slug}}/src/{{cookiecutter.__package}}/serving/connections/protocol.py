# Owned by the template: an update may change this file.
"""Socket.IO: the messages of clients are parsed and checked before anything acts on them.

What the service uses of python-socketio beyond its documentation is used in this module, and in
``broker.py`` and ``clients.py``: the library trusts the names and numbers that a client sends.
"""

from __future__ import annotations

import re
from typing import Any

from socketio import Server
from socketio.packet import (
    ACK,
    BINARY_ACK,
    BINARY_EVENT,
    CONNECT,
    CONNECT_ERROR,
    DISCONNECT,
    EVENT,
    Packet,
)

from ...flask_view import Problem
from ...flask_view.decorators import RESERVED

MAX_ATTACHMENTS = 100
"""How many binary parts a message has at most. Whoever announces more ends the connection."""

_LONGEST_NAME = 200
# What a client sends along when it connects is kept for as long as it stays.
_LARGEST_AUTH = 8_192
_WITH_ATTACHMENTS = (BINARY_EVENT, BINARY_ACK)
# An event without attachments, up to its data: what nearly all messages are.
_PLAIN_EVENT = re.compile(r"2(?:(/[^,?]*),)?(\d{1,18})?(?=\[)", re.ASCII)
_KIND = re.compile(r"(\d)(?:\d+-)?(/[^,]*)?", re.ASCII)


class MalformedError(Exception):
    """A message that is malformed, or that no client may send."""

    def __init__(self, status: int, detail: str, packet: Packet | None = None) -> None:
        """Describe what is wrong.

        :param status: the status of the problem.
        :param detail: a sentence that repeats nothing of the message.
        :param packet: as much of it as could be read.
        """
        super().__init__(detail)
        self.problem = Problem(status, detail)
        self.packet = packet


def parse(text: str) -> Packet:
    """Parse a message (Socket.IO protocol 5, "Packet encoding").

    :param text: the message, without its attachments, which follow it.
    :raises MalformedError: the client may not send it.
    """
    if (found := _PLAIN_EVENT.match(text)) and (packet := _event(text, found)):
        return packet
    if text.startswith(str(CONNECT)) and len(text) > _LARGEST_AUTH:
        # It is not even looked into.
        packet = Packet(CONNECT, namespace=kind_of(text)[1][:_LONGEST_NAME])
        rule = f"What is sent along to connect has at most {_LARGEST_AUTH} characters."
        raise MalformedError(413, rule, packet)
    packet = Packet()
    try:
        packet.attachment_count = packet.decode(text)
    except ValueError as error:
        # An id that is too long is not the client's any more.
        known = packet if packet.id is None or "too long" not in str(error) else None
        raise MalformedError(400, "This is no message of Socket.IO.", known) from None
    packet.namespace = packet.namespace or "/"
    if len(packet.namespace) > _LONGEST_NAME:
        packet.namespace = packet.namespace[:_LONGEST_NAME]
        raise MalformedError(400, f"A namespace has at most {_LONGEST_NAME} characters.", packet)
    if rule := _violation(packet):
        raise MalformedError(400, rule, packet)
    return packet


def _event(text: str, found: re.Match[str]) -> Packet | None:
    """Return an event without attachments, or ``None`` if it has to be looked at more closely."""
    namespace, number = found.groups()
    try:
        data = Packet.json.loads(text[found.end() :])
    except ValueError:
        return None
    if namespace and len(namespace) > _LONGEST_NAME:
        return None
    packet = Packet(EVENT, data, namespace or "/", number and int(number), binary=False)
    return None if _violation(packet) else packet


def _violation(packet: Packet) -> str:
    """Return the rule that a message breaks, or an empty text."""
    kind, data = packet.packet_type, packet.data
    if kind in _WITH_ATTACHMENTS:
        if packet.attachment_count > MAX_ATTACHMENTS:
            return f"A message has at most {MAX_ATTACHMENTS} attachments."
    elif packet.attachment_count:
        return "This kind of message has no attachments."
    if kind in (EVENT, BINARY_EVENT):
        if not isinstance(data, list) or not data or not isinstance(data[0], str):
            return "An event begins with its name, which is a text."
        if data[0] in RESERVED:
            return "Socket.IO keeps the name of this event for itself."
    elif kind in (ACK, BINARY_ACK):
        if not isinstance(data, list) or not packet.id:
            return "An ack has the id of an event, and a list."
    elif kind not in (CONNECT, DISCONNECT):
        return "A client sends no message of this kind."
    return ""


def kind_of(text: str) -> tuple[int, str]:
    """Return the kind and the namespace of a message that this service sends.

    :param text: the message, as it is encoded.
    """
    found = _KIND.match(text)
    return (int(found[1]), found[2] or "/") if found else (-1, "")


def attach(packet: Packet, attachments: list[bytes]) -> None:
    """Put the attachments of a message in place of their placeholders.

    :raises MalformedError: they do not fit.
    """
    left = dict(enumerate(attachments))
    try:
        packet.data = _attached(packet.data, left)
    except KeyError:
        raise MalformedError(400, "A place names no attachment of its own.", packet) from None
    if left:
        raise MalformedError(400, "An attachment has no place.", packet)


def _attached(value: Any, left: dict[Any, bytes]) -> Any:
    if isinstance(value, list):
        return [_attached(item, left) for item in value]
    if isinstance(value, dict):
        if value.get("_placeholder") is True:
            number = value.get("num")
            # A list or an object is no key, and True is none of these.
            return left.pop(number if type(number) is int else None)
        return {key: _attached(item, left) for key, item in value.items()}
    return value


def dispatch(server: Server, eio_sid: str, packet: Packet) -> None:
    """Pass a message on to the library.

    :param server: the Socket.IO server.
    :param eio_sid: the id of the connection.
    :param packet: the message, complete.
    """
    kind, namespace = packet.packet_type, packet.namespace
    if kind == CONNECT:
        server._handle_connect(eio_sid, namespace, packet.data)
    elif kind == DISCONNECT:
        server._handle_disconnect(eio_sid, namespace, server.reason.CLIENT_DISCONNECT)
    elif kind in (ACK, BINARY_ACK):
        sid = server.manager.sid_from_eio_sid(eio_sid, namespace)
        # One that nobody waits for would be a line in the log each time.
        if packet.id in server.manager.callbacks.get(sid, ()):
            server._handle_ack(eio_sid, namespace, packet.id, packet.data)
    else:
        server._handle_event(eio_sid, namespace, packet.id, packet.data)


def sid_in(server: Server, eio_sid: str, namespace: str) -> str | None:
    """Return the id of a client in a namespace that has let it in, or ``None``."""
    sid: str | None = server.manager.sid_from_eio_sid(eio_sid, namespace)
    return sid if sid and server.manager.is_connected(sid, namespace) else None


def has_joined(server: Server, eio_sid: str, namespace: str) -> bool:
    """Tell whether a client has joined a namespace, or has asked to."""
    return server.manager.sid_from_eio_sid(eio_sid, namespace) is not None


def has_views(server: Server, namespace: str) -> bool:
    """Tell whether the service has a view for a namespace."""
    return namespace in server.handlers


def send_ack(server: Server, eio_sid: str, packet: Packet, *answer: Any) -> None:
    """Answer an event past the library."""
    ack = Packet(ACK, namespace=packet.namespace or "/", id=packet.id, data=[*answer])
    server._send_packet(eio_sid, ack)


def refuse_connect(server: Server, eio_sid: str, packet: Packet, problem: Problem) -> None:
    """Refuse a CONNECT that is malformed."""
    reason = {"message": problem.document["detail"], "data": problem.document}
    refusal = Packet(CONNECT_ERROR, namespace=packet.namespace, data=reason)
    server._send_packet(eio_sid, refusal)
