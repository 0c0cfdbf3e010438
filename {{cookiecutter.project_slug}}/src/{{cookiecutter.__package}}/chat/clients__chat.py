"""The clients of this process: who they are, and that they go when their session ends."""

from __future__ import annotations

import itertools
import threading
from typing import Literal
from uuid import UUID

from flask import request
from flask_socketio import join_room
from sqlalchemy import select

from ..extensions import db, socketio
from ..flask_view import FlaskView, Problem
from ..models import UserSession, now
from .identity import Ended, Identity, refusal

_LOOK_EVERY = 10
"""Seconds between two looks at the sessions in the database."""


class Clients:
    """Who the clients of a view are; a task ends their sessions, from the first one to the last."""

    def __init__(self, view: FlaskView) -> None:
        """Start without clients."""
        self._view = view
        self._identities: dict[str, Identity] = {}
        self._watching = threading.Lock()

    def add(self, me: Identity) -> None:
        """Keep who the client of the current event is, and let it hear when the session ends.

        :raises Problem: 503, its connection has ended.
        """
        try:
            join_room(f"session:{me.id}")
        except (KeyError, ValueError) as error:
            raise _closing() from error
        self._identities[_sid()] = me
        self._begin()

    def remove(self) -> None:
        """Forget the client of the current event."""
        self._identities.pop(_sid(), None)

    def identity(self) -> Identity:
        """Return who the client of the current event is, without asking the database.

        :raises Unauthorized: its session has expired.
        :raises Problem: 503, its connection has ended.
        """
        me = self._identities.get(_sid())
        if me is None:
            raise _closing()
        if me.expires_at <= now():
            raise refusal("The session has expired. Sign in again.")
        return me

    def _begin(self) -> None:
        if self._identities and self._watching.acquire(blocking=False):
            self._view.spawn(self._watch)

    def _watch(self) -> None:
        try:
            for second in itertools.count(1):
                socketio.sleep(1)
                here = {me.id: me for me in list(self._identities.values())}
                if not here:
                    return
                for me in here.values():
                    if me.expires_at <= now():
                        end(self._view, me, "expired")
                # They were told already, unless the broker lost the message.
                for me in _ended(here) if second % _LOOK_EVERY == 0 else ():
                    end(self._view, me, "signed out")
        finally:
            self._watching.release()
            # Somebody may have come meanwhile, or the database did not answer.
            self._begin()


def end(view: FlaskView, me: Identity, reason: Literal["signed out", "expired"]) -> None:
    """Tell the clients of a session, in every process, that it has ended, and disconnect them."""
    view.emit("session.ended", Ended(reason), to=f"session:{me.id}")
    view.kick(f"session:{me.id}")


def _ended(here: dict[UUID, Identity]) -> list[Identity]:
    found = select(UserSession.id).where(UserSession.id.in_(here), UserSession.ended_at.is_(None))
    with db.read() as session:
        lasting = set(session.scalars(found))
    return [me for me in here.values() if me.id not in lasting]


def _closing() -> Problem:
    return Problem(503, "The connection is being closed. Connect again.")


def _sid() -> str:
    sid: str = request.sid  # type: ignore[attr-defined]
    return sid
