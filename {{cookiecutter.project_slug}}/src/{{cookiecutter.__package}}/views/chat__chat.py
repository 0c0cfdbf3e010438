"""The chat: rooms that people talk in."""

from __future__ import annotations

from operator import attrgetter
from typing import Literal
from uuid import UUID

from flask import g, request

from ..chat import identity, rooms
from ..chat.clients import Clients
from ..chat.identity import Credentials, Ended, Person, checked
from ..chat.rooms import (
    Before,
    ChatMessage,
    Here,
    History,
    InRoom,
    Joined,
    Limit,
    NewMessage,
    NewRoom,
    RoomName,
    RoomSummary,
    Since,
)
from ..extensions import db
from ..flask_view import FlaskView, PresenceDiff, PresenceState, Problem, limit, on, route
from ..models import Room, UserSession

_MOST_PEOPLE = 100


class ChatView(FlaskView):
    """Answers at /chat over HTTP, and in the namespace /chat over Socket.IO."""

    sends = {
        "message": ChatMessage,
        "typing": InRoom,
        "presence_state": PresenceState[Here],
        "presence_diff": PresenceDiff[Here],
        "session.ended": Ended,
    }

    def __init__(self) -> None:
        """Start without clients."""
        self._clients = Clients(self)

    def authorize(self, action: str) -> None:
        """Let in whoever is signed in; a client says so once, when it connects.

        :raises Unauthorized: the token is none, or its session has ended.
        """
        if action != "connect":
            is_event = hasattr(request, "sid")
            g.identity = self._clients.identity() if is_event else identity.of_request()
            g.user = g.identity.id

    @on("rooms")
    def index(self, after: RoomName | None = None, limit: Limit = 100) -> list[RoomSummary]:
        """GET /chat, and the event "rooms": the first rooms by name, or those `after` one."""
        with db.read() as session:
            found = rooms.some(session, after=after, limit=limit)
        return self._summaries(*found)

    @on("room")
    def get(self, room: RoomName) -> RoomSummary:
        """GET /chat/<room>, and the event "room": one room.

        :raises NotFound: there is none of that name.
        """
        with db.read() as session:
            found = rooms.find(session, room)
        return self._summaries(found)[0]

    @on("create")
    @limit("20/minute")
    def post(self, room: NewRoom) -> tuple[RoomSummary, Literal[201]]:
        """POST /chat, and the event "create": make a room.

        :raises Problem: 409, there is one of that name.
        """
        with db.write() as session:
            rooms.create(session, room.name)
        return RoomSummary(room.name, 0, 0), 201

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
            return rooms.history(session, room, since=since, before=before, limit=limit)

    @route("<room>/messages", methods=["POST"])
    @on("send")
    def send(self, room: RoomName, message: NewMessage) -> tuple[ChatMessage, Literal[200, 201]]:
        """POST /chat/<room>/messages, and the event "send": say something, and tell the room.

        :raises NotFound: there is no such room.
        :raises Problem: 409, another message was sent with this client_id.
        """
        with db.write() as session:
            sent, is_new = rooms.store(session, room, g.identity, message)
        # Also of a message that is sent again: the process may have ended before it told the room.
        self.emit("message", sent, to=room)
        return sent, 201 if is_new else 200

    @route("<room>/people", methods=["GET"])
    @on("people")
    def people(self, room: RoomName) -> list[Person]:
        """GET /chat/<room>/people, and the event "people": who is here.

        :raises NotFound: there is no such room.
        """
        with db.read() as session:
            rooms.find(session, room)
        return self._people(room)

    def socket_join(self, room: RoomName, since: Since | None = None, away: bool = False) -> Joined:
        """Answer the event "join": what is said from now on, and what was said since or last.

        :raises NotFound: there is no such room.
        :raises Unauthorized: the session of the client has ended.
        :raises Problem: 409, the client is in too many rooms; 503, its connection has ended.
        """
        me = g.identity
        with db.read() as session:
            checked(session.get(UserSession, me.id))
            rooms.find(session, room)
        # Before the history is read: what is sent meanwhile comes twice rather than never.
        self.join(room)
        self.presence.track(room, me.id, name=me.name, away=away)
        with db.read() as session:
            past = rooms.history(session, room, since=since, before=None, limit=100)
        return Joined(past.messages, past.more, self._people(room))

    def socket_leave(self, room: RoomName) -> None:
        """Answer the event "leave": get nothing more of a room."""
        self.leave(room)

    @limit("5/second")
    def socket_away(self, away: bool) -> None:
        """Answer the event "away": tell the rooms of the client whether it is out of sight."""
        for room in self.rooms():
            self.presence.update(room, g.identity.id, away=away)

    @limit("5/second")
    def socket_typing(self, room: RoomName) -> None:
        """Answer the event "typing": tell the others in a room.

        :raises Problem: 409, the client has not joined it.
        """
        if room not in self.rooms():
            raise Problem(409, f"Join {room} first.")
        told = InRoom(room, Person(g.identity.id, g.identity.name))
        self.emit("typing", told, to=room, skip=request.sid)  # type: ignore[attr-defined]

    def socket_connect(self, auth: Credentials | None) -> None:
        """Let a client in that brings a token."""
        me = identity.of_token(auth.token if auth else None)
        g.user = me.id
        self._clients.add(me)

    def socket_disconnect(self) -> None:
        """Forget a client that has left; its rooms hear of it by themselves."""
        self._clients.remove()

    def _people(self, room: str) -> list[Person]:
        here = self.presence.list(room)
        found = [Person(UUID(key), metas[0]["name"]) for key, metas in here.items()]
        return sorted(found, key=attrgetter("name", "id"))[:_MOST_PEOPLE]

    def _summaries(self, *rooms: Room) -> list[RoomSummary]:
        counts = self.presence.count(*(room.name for room in rooms))
        return [RoomSummary(room.name, room.last_id, counts[room.name]) for room in rooms]
