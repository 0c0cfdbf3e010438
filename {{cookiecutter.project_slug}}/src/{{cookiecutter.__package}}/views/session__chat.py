"""Signing in and out."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Annotated, Literal

from flask import g
from pydantic import AfterValidator, BaseModel, StringConstraints
from pydantic_core import PydanticCustomError

from ..chat import identity
from ..chat.clients import end
from ..chat.identity import Ended, Identity
from ..flask_view import FlaskView, limit

_HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""The categories of what ends a line, steers a terminal, joins emoji or turns the direction."""
_BLANK = "\u115f\u1160\u2800\u3164\uffa0"
"""Letters and symbols that look like nothing."""


def _legible(name: str) -> str:
    """Refuse what others would not see, or would see in the wrong place."""
    if any(unicodedata.category(character) in _HIDDEN for character in name):
        raise PydanticCustomError(
            "hidden", "A name holds no control or format characters, and no emoji joined by them."
        )
    seen = (unicodedata.category(character)[0] for character in name if character not in _BLANK)
    if not set("LNPS").intersection(seen):
        raise PydanticCustomError("blank", "A name holds something that can be seen.")
    return name


class NewSession(BaseModel):
    """What a client sends to sign in."""

    name: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=40),
        AfterValidator(_legible),
    ]


@dataclass(frozen=True)
class SignedIn(Identity):
    """What somebody gets who has signed in."""

    token: str


class SessionView(FlaskView):
    """Answers at /session over HTTP; the clients of a session are in the namespace /chat."""

    namespace = "/chat"
    sends = {"session.ended": Ended}

    def authorize(self, action: str) -> None:
        """Let in whoever is signed in, or is about to be.

        :raises Unauthorized: the token of the request is none, or its session has ended.
        """
        if action != "post":
            g.identity = identity.of_request()
            g.user = g.identity.id

    # It writes a row for whoever asks, and an office may share one address.
    @limit("600/minute", by="address")
    def post(self, new: NewSession) -> tuple[SignedIn, Literal[201]]:
        """POST /session: sign in; the token opens everything else, here and at the handshake."""
        me, token = identity.sign_in(new.name)
        g.user = me.id
        return SignedIn(me.id, me.name, me.expires_at, token), 201

    def index(self) -> Identity:
        """GET /session: who one is."""
        me: Identity = g.identity
        return me

    def delete(self) -> None:
        """DELETE /session: sign out, with every client that is connected."""
        me: Identity = g.identity
        identity.sign_out(me)
        end(self, me, "signed out")
