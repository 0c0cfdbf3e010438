"""The chat: rooms that people talk in."""

from __future__ import annotations

from typing import Literal

from flask import g, request
from flask_socketio import join_room, leave_room, rooms

from ..chat import identity, presence
from ..chat.identity import Credentials, Ended, Person
from ..chat.presence import InRoom, Presence
from ..chat.rooms import (
    Before,
    ChatMessage,
    History,
    Joined,
    Limit,
    NewMessage,
    NewRoom,
    RoomName,
    RoomSummary,
    Since,
    check,
    create,
    history,
    store,
    summaries,
    summary,
)
from ..extensions import db
from ..flask_view import FlaskView, Problem, limit, on, route


class ChatView(FlaskView):
    """Answers at /chat over HTTP, and in the namespace /chat over Socket.IO.

    The clients in a room are in the Socket.IO room "room:<name>", those of one session in
    "session:<id>". No client names such a room itself, and nothing is sent to all of them.
    """

    sends = {
        "message": ChatMessage,
        "joined": InRoom,
        "left": InRoom,
        "typing": InRoom,
        "session.ended": Ended,
    }

    def __init__(self) -> None:
        """Start without clients."""
        self._presence = Presence(self)

    def authorize(self, action: str) -> None:
        """Let in whoever is signed in; a client says so once, when it connects.

        :raises Unauthorized: the token is none, or its session has ended.
        """
        if action != "connect":
            sid = getattr(request, "sid", None)
            g.identity = self._presence.identity(sid) if sid else identity.of_request()
            g.user = g.identity.id

    @on("rooms")
    def index(self, after: RoomName | None = None, limit: Limit = 100) -> list[RoomSummary]:
        """GET /chat, and the event "rooms": the first rooms by name, or those `after` one."""
        with db.read() as session:
            return summaries(session, after=after, limit=limit)

    @on("room")
    def get(self, room: RoomName) -> RoomSummary:
        """GET /chat/<room>, and the event "room": one room.

        :raises NotFound: there is none of that name.
        """
        with db.read() as session:
            return summary(session, room)

    @on("create")
    @limit("20/minute")
    def post(self, room: NewRoom) -> tuple[RoomSummary, Literal[201]]:
        """POST /chat, and the event "create": make a room.

        :raises Problem: 409, there is one of that name.
        """
        with db.write() as session:
            return create(session, room.name), 201

    @route("<room>/messages", methods=["GET"])
    def messages(
        self,
        room: RoomName,
        since: Since | None = None,
        before: Before | None = None,
        limit: Limit = 100,
    ) -> History:
        """GET /chat/<room>/messages: what was said last, or `since` an id, or `before` one.

        :raises NotFound: there is no such room.
        """
        with db.read() as session:
            return history(session, room, since=since, before=before, limit=limit)

    @route("<room>/messages", methods=["POST"])
    @on("send")
    def send(self, room: RoomName, message: NewMessage) -> tuple[ChatMessage, Literal[200, 201]]:
        """POST /chat/<room>/messages, and the event "send": say something, and tell the room.

        :raises NotFound: there is no such room.
        :raises Problem: 409, another message was sent with this client_id.
        """
        with db.write() as session:
            sent, is_new = store(session, room, g.identity, message)
        # Also of a message that is sent again: the process may have ended before it told the room.
        self.emit("message", sent, to=f"room:{room}")
        return sent, 201 if is_new else 200

    @route("<room>/people", methods=["GET"])
    @on("people")
    def people(self, room: RoomName) -> list[Person]:
        """GET /chat/<room>/people, and the event "people": who is here.

        :raises NotFound: there is no such room.
        """
        with db.read() as session:
            check(session, room)
            return presence.people(session, room)

    def socket_join(self, room: RoomName, since: Since | None = None) -> Joined:
        """Answer the event "join": what is said from now on, and what was said since or last.

        :raises NotFound: there is no such room.
        :raises Problem: 409, the client is in too many rooms; 503, its connection has ended.
        """
        with db.write() as session:
            check(session, room)
            is_new = presence.enter(session, _sid(), g.identity, room)
        if is_new:
            self._presence.tell("joined", room, g.identity.person)
        # Before the history is read: what is sent meanwhile comes twice rather than never.
        _enter(f"room:{room}")
        with db.read() as session:
            past = history(session, room, since=since, before=None, limit=100)
            return Joined(past.messages, past.more, presence.people(session, room))

    def socket_leave(self, room: RoomName) -> None:
        """Answer the event "leave": get nothing more of a room."""
        leave_room(f"room:{room}")
        with db.write() as session:
            is_gone = presence.leave(session, _sid(), g.identity, room)
        if is_gone:
            self._presence.tell("left", room, g.identity.person)

    @limit("5/second")
    def socket_typing(self, room: RoomName) -> None:
        """Answer the event "typing": tell the others in a room.

        :raises Problem: 409, the client has not joined it.
        """
        if f"room:{room}" not in rooms():
            raise Problem(409, f"Join {room} first.")
        self._presence.tell("typing", room, g.identity.person, skip=_sid())

    def socket_connect(self, auth: Credentials | None) -> None:
        """Let a client in that brings a token."""
        me = identity.of_token(auth.token if auth else None)
        g.user = me.id
        _enter(f"session:{me.id}")
        self._presence.arrive(_sid(), me)

    def socket_disconnect(self) -> None:
        """Tell the others in its rooms that a client left."""
        self._presence.depart(_sid())


def _enter(room: str) -> None:
    """Let the client hear what is sent to a Socket.IO room."""
    try:
        join_room(room)
    except (KeyError, ValueError) as error:
        # It is disconnected meanwhile, which another thread does.
        raise presence.closing() from error


def _sid() -> str:
    sid: str = request.sid  # type: ignore[attr-defined]
    return sid
