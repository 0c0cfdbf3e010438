"""Who somebody is: a row of the sessions, and a signed token that stands for it."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from uuid import UUID, uuid4

from flask import current_app, request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from sqlalchemy.orm import Session
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Unauthorized

from ..extensions import db
from ..models import UserSession, now

SIGNED_OUT, EXPIRED = "signed out", "expired"
"""Why a session ended, as its clients are told."""


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
        session.add(row)
    return Identity(row.id, name, expires_at), _signer().dumps(row.id.hex)


def sign_out(session: Session, identity: Identity) -> None:
    """End a session, for good and in every process.

    :param session: a transaction that writes.
    :param identity: whose session it is.
    """
    row = session.get_one(UserSession, identity.id, with_for_update=True)
    row.ended_at = row.ended_at or now()


def of_token(token: object) -> Identity:
    """Return whom a token stands for.

    :param token: what the client sent.
    :raises Unauthorized: it is none, or the session has ended.
    """
    seconds = current_app.config["SESSION_SECONDS"]
    try:
        if not isinstance(token, str):
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
    return URLSafeTimedSerializer(str(current_app.secret_key), salt="session")
