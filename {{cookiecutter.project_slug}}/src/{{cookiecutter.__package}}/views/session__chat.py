"""Signing in and out."""

from __future__ import annotations

import unicodedata
from typing import Annotated, Any

from flask import g
from pydantic import AfterValidator, BaseModel, StringConstraints

from ..chat import identity
from ..chat.identity import Identity
from ..chat.presence import sids_of
from ..extensions import db
from ..flask_view import FlaskView


def _printable(name: str) -> str:
    """Refuse what ends a line or steers a terminal."""
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        raise ValueError("must not hold control characters")
    return name


class NewSession(BaseModel):
    """What a client sends to sign in."""

    name: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=40),
        AfterValidator(_printable),
    ]


class SessionView(FlaskView):
    """Answers at /session over HTTP; the clients of a session are in the namespace /chat."""

    namespace = "/chat"

    def authorize(self, action: str) -> None:
        """Let in whoever is signed in, or is about to be."""
        if action != "post":
            g.identity = identity.of_request()
            g.user = g.identity.id

    def post(self, new: NewSession) -> tuple[dict[str, Any], int]:
        """POST /session: sign in; the token opens everything else, here and at the handshake."""
        me, token = identity.sign_in(new.name)
        g.user = me.id
        body = {"id": me.id, "name": me.name, "token": token, "expires_at": me.expires_at}
        return body, 201

    def index(self) -> Identity:
        """GET /session: who one is."""
        me: Identity = g.identity
        return me

    def delete(self) -> None:
        """DELETE /session: sign out, with every client that is connected."""
        me: Identity = g.identity
        with db.write() as session:
            identity.sign_out(session, me)
            sids = sids_of(session, me)
        self.emit("session.ended", {"reason": identity.SIGNED_OUT}, to=f"session:{me.id}")
        for sid in sids:
            self.kick(sid)
