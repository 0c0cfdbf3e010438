"""Rooms and what was said in them.

The ids of a room's messages count 1, 2, 3 without a gap, in the order in which readers can see
them: the next id is taken with the room's row locked, until the message is committed.
"""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from itertools import accumulate
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from ..flask_view import Problem
from ..models import Message, Room, UserSession, now
from .identity import Identity, Person, checked

RoomName = Annotated[str, StringConstraints(pattern="^[a-z0-9](-?[a-z0-9]){0,39}$")]
"""What a client may call a room."""
Since = Annotated[int, Field(ge=0, lt=2**63)]
"""The id up to which a client has every message of a room; 0 for none."""
Before = Annotated[int, Field(ge=1, lt=2**63)]
"""The id from which on a client has messages of a room."""
Limit = Annotated[int, Field(ge=1, le=500)]
"""How many rooms or messages a client wants at most."""

_PART = 100_000


class NewRoom(BaseModel):
    """What a client sends to make a room."""

    name: RoomName


class NewMessage(BaseModel):
    """What a client sends to say something."""

    # PostgreSQL cannot store the null character.
    text: Annotated[str, StringConstraints(min_length=1, max_length=4000, pattern=r"^[^\x00]*$")]
    client_id: UUID
    """Made by the client, once for each message: it can be sent again and is stored once."""


@dataclass(frozen=True)
class Here:
    """Somebody who is in a room, as one of their clients says it."""

    name: str
    away: bool
    """Whether the client is out of sight."""


@dataclass(frozen=True)
class InRoom:
    """Somebody, and the room in which they do something."""

    room: str
    person: Person


@dataclass(frozen=True)
class RoomSummary:
    """A room in the list of rooms."""

    name: str
    last_id: int
    people: int


@dataclass(frozen=True)
class ChatMessage:
    """A message, as clients get it."""

    id: int
    room: str
    author: Person
    text: str
    client_id: UUID
    sent_at: datetime.datetime


@dataclass(frozen=True)
class History:
    """Messages of a room, the oldest first."""

    messages: list[ChatMessage]
    more: bool
    """Whether there are more: behind the last one for `since`, before the first one otherwise."""


@dataclass(frozen=True)
class Joined(History):
    """What a client gets that joins a room."""

    people: list[Person]


def some(session: Session, *, after: str | None, limit: int) -> list[Room]:
    """Return the first rooms by name, or the first ones after a name."""
    wanted = select(Room).order_by(Room.name).limit(limit)
    return list(session.scalars(wanted if after is None else wanted.where(Room.name > after)))


def find(session: Session, name: str, *, locked: bool = False) -> Room:
    """Return a room.

    :param locked: whether nobody else may change it until the commit.
    :raises NotFound: there is none of that name.
    """
    room = session.get(Room, name, with_for_update={"key_share": True} if locked else None)
    if room is None:
        raise NotFound(f"There is no room {name}.")
    return room


def create(session: Session, name: str) -> None:
    """Make a room.

    :param session: a transaction that writes.
    :raises Problem: 409, there is one of that name.
    """
    session.add(Room(name=name))
    try:
        session.flush()
    except IntegrityError as error:
        raise Problem(409, f"There is a room {name} already.") from error


def history(
    session: Session, room: str, *, since: int | None, before: int | None, limit: int
) -> History:
    """Return messages of a room: those behind an id, or the last ones, of all or before an id.

    They are fewer than the limit if they are long, so that no answer is too long for a connection.

    :raises NotFound: there is no such room.
    :raises Problem: 422, both ids are given.
    """
    if since is not None and before is not None:
        raise Problem(422, "Ask for messages since an id or before one, not for both at once.")
    find(session, room)
    wanted = select(Message).where(Message.room == room, Message.id > (since or 0))
    if before is not None:
        wanted = wanted.where(Message.id < before)
    in_order = Message.id.desc() if since is None else Message.id
    rows = session.scalars(wanted.order_by(in_order).limit(limit + 1))
    found = [_sent(row) for row in rows]
    lengths = accumulate(len(message.text) for message in found)
    count = min(limit, max(1, sum(length <= _PART for length in lengths)))
    messages = sorted(found[:count], key=lambda message: message.id)
    return History(messages, len(found) > count)


def store(
    session: Session, name: str, identity: Identity, message: NewMessage
) -> tuple[ChatMessage, bool]:
    """Store a message, unless it is stored already.

    :param session: a transaction that writes.
    :returns: the message, and whether it is a new one.
    :raises NotFound: there is no such room.
    :raises Unauthorized: the session of the author has ended.
    :raises Problem: 409, a message with this client-made id has another text.
    """
    # Until the commit, nobody removes it; others may lock it as well.
    stays = {"read": True, "key_share": True}
    author = session.get(UserSession, identity.id, with_for_update=stays)
    checked(author)
    # Held until the commit: a reader who sees an id sees all below it.
    room = find(session, name, locked=True)
    ids = {"author_id": identity.id, "client_id": message.client_id}
    if known := session.scalar(select(Message).filter_by(room=name, **ids)):
        if known.text != message.text:
            raise Problem(409, "Another message was sent with this client_id.")
        return _sent(known), False
    room.last_id += 1
    said = message.model_dump()
    row = Message(room=name, id=room.last_id, author=author, sent_at=now(), **said)
    session.add(row)
    return _sent(row), True


def _sent(row: Message) -> ChatMessage:
    author = Person(row.author.id, row.author.name)
    return ChatMessage(row.id, row.room, author, row.text, row.client_id, row.sent_at)
