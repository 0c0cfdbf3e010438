"""Who somebody is: a row of the sessions, and a signed token that stands for it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID, uuid4

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import BaseModel
from sqlalchemy import delete, exists, or_, select, update
from sqlalchemy.orm import Session
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from ..extensions import db
from ..models import Connection, Message, UserSession, now

SIGNED_OUT: Final = "signed out"
EXPIRED: Final = "expired"
STAYS = {"read": True, "key_share": True}
"""How a row is locked that must not be deleted before the commit; others may lock it as well."""
_OWNS_NOTHING = (
    ~exists().where(Connection.session_id == UserSession.id),
    ~exists().where(Message.author_id == UserSession.id),
)


class Credentials(BaseModel):
    """What a client sends along when it connects."""

    token: str | None = None


@dataclass(frozen=True)
class Ended:
    """What the clients of a session are told when it ends."""

    reason: Literal["signed out", "expired"]


@dataclass(frozen=True)
class Person:
    """Somebody, as the others see them."""

    id: UUID
    name: str


@dataclass(frozen=True)
class Identity(Person):
    """Somebody, as they see themselves."""

    expires_at: datetime.datetime

    @property
    def person(self) -> Person:
        """What the others see."""
        return Person(self.id, self.name)


def sign_in(name: str) -> tuple[Identity, str]:
    """Return a new identity and the token that stands for it.

    :param name: what the others shall see.
    """
    expires_at = now() + datetime.timedelta(seconds=current_app.config["SESSION_SECONDS"])
    row = UserSession(id=uuid4(), name=name, expires_at=expires_at)
    with db.write() as session:
        # So that those who only sign in cannot fill the table.
        purge(session, 10)
        session.add(row)
    return Identity(row.id, name, expires_at), _signer().dumps(row.id.hex)


def sign_out(session: Session, identity: Identity) -> None:
    """End a session, for good and in every process.

    :param session: a transaction that writes.
    :param identity: whose session it is.
    """
    lasting = UserSession.id == identity.id, UserSession.ended_at.is_(None)
    session.execute(update(UserSession).where(*lasting).values(ended_at=now()))


def purge(session: Session, count: int) -> None:
    """Look at some sessions, drawn by chance, and remove those that are over and own nothing.

    :param session: a transaction that writes.
    :param count: how many to look at; where there are no more than that, it is all of them.
    """
    start, some = uuid4(), select(UserSession.id).order_by(UserSession.id).limit(count)
    drawn = list(session.scalars(some.where(UserSession.id >= start)))
    drawn += session.scalars(some.where(UserSession.id < start).limit(count - len(drawn)))
    is_over = or_(UserSession.ended_at.is_not(None), UserSession.expires_at <= now())
    found = select(UserSession.id).where(UserSession.id.in_(drawn), is_over, *_OWNS_NOTHING)
    # Locked first: whoever is about to own something waits, and learns that the session is over.
    ids = list(session.scalars(found.with_for_update(skip_locked=True)))
    if ids:
        session.execute(delete(UserSession).where(UserSession.id.in_(ids), *_OWNS_NOTHING))


def of_token(token: str | None) -> Identity:
    """Return whom a token stands for.

    :param token: what the client sent, if anything.
    :raises Unauthorized: it is none, or the session has ended.
    """
    seconds = current_app.config["SESSION_SECONDS"]
    try:
        if token is None:
            raise BadSignature("no token")
        identifier = UUID(_signer().loads(token, max_age=seconds))
    except (BadSignature, ValueError) as error:
        raise refusal("Sign in first.") from error
    with db.read() as session:
        row = session.get(UserSession, identifier)
        return checked(row)


def of_request() -> Identity:
    """Return whom the token of the current request stands for.

    :raises Unauthorized: there is none, or the session has ended.
    """
    given = request.authorization
    return of_token(given.token if given and given.type == "bearer" else None)


def checked(row: UserSession | None) -> Identity:
    """Return whose session a row is, if it has not ended.

    :raises Unauthorized: it has.
    """
    if row is None or row.ended_at or row.expires_at <= now():
        raise refusal("The session has ended. Sign in again.")
    return Identity(row.id, row.name, row.expires_at)


def refusal(why: str) -> Unauthorized:
    """Return the refusal of somebody who is not signed in."""
    return Unauthorized(why, www_authenticate=WWWAuthenticate("bearer"))


def _signer() -> URLSafeTimedSerializer:
    # The last one signs; all are accepted.
    keys = [*(current_app.config["SECRET_KEY_FALLBACKS"] or ()), str(current_app.secret_key)]
    return URLSafeTimedSerializer(keys, salt="session")
