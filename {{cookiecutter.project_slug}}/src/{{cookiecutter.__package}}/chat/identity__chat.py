"""Who somebody is: a row of the sessions, and a signed token that stands for it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Literal
from uuid import UUID, uuid4

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from pydantic import BaseModel
from sqlalchemy import ColumnElement, delete, exists, select, update
from sqlalchemy.orm import Session
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from ..extensions import db
from ..models import Message, UserSession, now


class Credentials(BaseModel):
    """What a client sends along when it connects."""

    token: str | None = None


@dataclass(frozen=True)
class Person:
    """Somebody, as the others see them."""

    id: UUID
    name: str


@dataclass(frozen=True)
class Identity(Person):
    """Somebody, as they see themselves."""

    expires_at: datetime.datetime


@dataclass(frozen=True)
class Ended:
    """What the clients of a session are told when it ends."""

    reason: Literal["signed out", "expired"]


def sign_in(name: str) -> tuple[Identity, str]:
    """Return a new identity and the token that stands for it.

    :param name: what the others shall see.
    """
    expires_at = now() + datetime.timedelta(seconds=current_app.config["SESSION_SECONDS"])
    row = UserSession(id=uuid4(), name=name, expires_at=expires_at)
    with db.write() as session:
        # So that those who only sign in cannot fill the table.
        _purge(session)
        session.add(row)
    return Identity(row.id, name, expires_at), _signer().dumps(row.id.hex)


def sign_out(identity: Identity) -> None:
    """End somebody's session, for good and in every process."""
    theirs = UserSession.id == identity.id
    with db.write() as session:
        session.execute(update(UserSession).where(theirs).values(ended_at=now()))
        _forget(session, theirs)


def of_token(token: str | None) -> Identity:
    """Return whom a token stands for.

    :param token: what the client sent, if anything.
    :raises Unauthorized: it is none, or the session has ended.
    """
    seconds = current_app.config["SESSION_SECONDS"]
    try:
        identifier = UUID(_signer().loads(token or "", max_age=seconds))
    except (BadSignature, ValueError) as error:
        raise refusal("Sign in first.") from error
    with db.read() as session:
        return checked(session.get(UserSession, identifier))


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


def _purge(session: Session) -> None:
    """Look at ten sessions, drawn by chance, and forget those that have expired."""
    some = select(UserSession.id).order_by(UserSession.id).limit(10)
    drawn = [*session.scalars(some.where(UserSession.id >= uuid4())), *session.scalars(some)][:10]
    _forget(session, UserSession.id.in_(drawn) & (UserSession.expires_at <= now()))


def _forget(session: Session, which: ColumnElement[bool]) -> None:
    """Remove those of some sessions that own nothing, and that nobody is using at the moment."""
    # Locked first: whoever is about to own something waits, and learns that the session is over.
    found = select(UserSession.id).where(which).with_for_update(skip_locked=True)
    ids, owned = list(session.scalars(found)), Message.author_id == UserSession.id
    session.execute(delete(UserSession).where(UserSession.id.in_(ids), ~exists().where(owned)))


def _signer() -> URLSafeTimedSerializer:
    # The last one signs; all are accepted.
    keys = [*(current_app.config["SECRET_KEY_FALLBACKS"] or ()), str(current_app.secret_key)]
    return URLSafeTimedSerializer(keys, salt="session")
