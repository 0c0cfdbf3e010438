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

from pydantic import AfterValidator, BaseModel, Field, StringConstraints
from sqlalchemy import Select, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.exceptions import NotFound

from ..flask_view import Problem
from ..models import Message, Room, UserSession, now
from .identity import STAYS, Identity, Person, checked
from .presence import head_counts

RoomName = Annotated[str, StringConstraints(pattern="^[a-z0-9](-?[a-z0-9]){0,39}$")]
"""What a client may call a room."""
Since = Annotated[int, Field(ge=0, lt=2**63)]
"""The id up to which a client has every message of a room; 0 for none."""
Before = Annotated[int, Field(ge=1, lt=2**63)]
"""The id from which on a client has messages of a room."""
Limit = Annotated[int, Field(ge=1, le=500)]
"""How many rooms or messages a client wants at most."""

_PART = 100_000


def _storable(text: str) -> str:
    """Refuse the one character that PostgreSQL cannot store."""
    if "\0" in text:
        raise ValueError("must not hold a null character")
    return text


class NewRoom(BaseModel):
    """What a client sends to make a room."""

    name: RoomName


class NewMessage(BaseModel):
    """What a client sends to say something."""

    text: Annotated[
        str, StringConstraints(min_length=1, max_length=4000), AfterValidator(_storable)
    ]
    client_id: UUID
    """Made by the client, once for each message: it can be sent again and is stored once."""


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


def summaries(session: Session, *, after: str | None, limit: int) -> list[RoomSummary]:
    """Return rooms, by name.

    :param after: the name of the last room that the reader has.
    :param limit: how many it wants at most.
    """
    wanted = select(Room).order_by(Room.name).limit(limit)
    return _summaries(session, wanted if after is None else wanted.where(Room.name > after))


def summary(session: Session, name: str) -> RoomSummary:
    """Return one room.

    :raises NotFound: there is none of that name.
    """
    for found in _summaries(session, select(Room).where(Room.name == name)):
        return found
    raise _unknown(name)


def create(session: Session, name: str) -> RoomSummary:
    """Make a room.

    :param session: a transaction that writes.
    :raises Problem: 409, there is one of that name.
    """
    session.add(Room(name=name))
    try:
        session.flush()
    except IntegrityError as error:
        raise Problem(409, f"There is a room {name} already.") from error
    return RoomSummary(name, 0, 0)


def check(session: Session, name: str) -> None:
    """Refuse a room that does not exist.

    :raises NotFound: it does not.
    """
    if session.get(Room, name) is None:
        raise _unknown(name)


def history(
    session: Session, room: str, *, since: int | None, before: int | None, limit: int
) -> History:
    """Return messages of a room: those behind an id, or the last ones, of all or before an id.

    They are fewer than wanted if they are long, so that no answer is too long for a connection.

    :param since: the id of the last message that the reader has.
    :param before: the id of the first message that the reader has.
    :param limit: how many it wants at most.
    :raises NotFound: there is no such room.
    :raises Problem: 422, both ids are given.
    """
    if since is not None and before is not None:
        raise Problem(422, "Ask for messages since an id or before one, not for both at once.")
    check(session, room)
    wanted = select(Message).where(Message.room == room).limit(limit + 1)
    if since is not None:
        wanted = wanted.where(Message.id > since).order_by(Message.id)
    else:
        wanted = wanted.order_by(Message.id.desc())
    if before is not None:
        wanted = wanted.where(Message.id < before)
    found = [_sent(row) for row in session.scalars(wanted)]
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
    author = session.get(UserSession, identity.id, with_for_update=STAYS)
    checked(author)
    # Held until the commit: a reader who sees an id sees all below it.
    room = session.get(Room, name, with_for_update={"key_share": True})
    if room is None:
        raise _unknown(name)
    known = session.scalar(
        select(Message).where(
            Message.room == name,
            Message.author_id == identity.id,
            Message.client_id == message.client_id,
        )
    )
    if known and known.text != message.text:
        raise Problem(409, "Another message was sent with this client_id.")
    if known:
        return _sent(known), False
    room.last_id += 1
    row = Message(
        room=name,
        id=room.last_id,
        author=author,
        client_id=message.client_id,
        text=message.text,
        sent_at=now(),
    )
    session.add(row)
    return _sent(row), True


def _summaries(session: Session, rooms: Select[Room]) -> list[RoomSummary]:
    found = list(session.scalars(rooms))
    counts = head_counts(session, [room.name for room in found])
    return [RoomSummary(room.name, room.last_id, counts.get(room.name, 0)) for room in found]


def _sent(row: Message) -> ChatMessage:
    author = Person(row.author.id, row.author.name)
    return ChatMessage(row.id, row.room, author, row.text, row.client_id, row.sent_at)


def _unknown(name: str) -> NotFound:
    return NotFound(f"There is no room {name}.")
