"""Who is here: the clients of this process, and the rooms that those of all processes are in.

A process says now and then that it is alive. One that has not for a while is taken for dead, and
its clients for gone.

Transactions that change who is here lock what they share before they look at it, and in one order,
so that none fails because of another one: the process, then the people by their ids.
"""

from __future__ import annotations

import datetime
import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Select, delete, distinct, func, select, update
from sqlalchemy.orm import Session

from ..extensions import db, socketio
from ..flask_view import FlaskView, Problem
from ..models import Connection, Membership, Process, UserSession, now
from .identity import EXPIRED, SIGNED_OUT, STAYS, Ended, Identity, Person, checked, purge, refusal

logger = logging.getLogger(__name__)

BEAT = 10.0
"""Seconds between two signs of life of a process."""
_SILENCE = datetime.timedelta(seconds=3.5 * BEAT)
_MOST_ROOMS = 100
_MOST_PEOPLE = 100


@dataclass(frozen=True)
class InRoom:
    """Somebody, and the room in which they do something."""

    room: str
    person: Person


class Presence:
    """The clients of this process: who they are, and that they go when their session ends."""

    def __init__(self, view: FlaskView) -> None:
        """Start without clients.

        :param view: the view that they are connected to.
        """
        self._view = view
        self._clients: dict[str, Identity] = {}
        self._pid, self._process_id = 0, uuid4()
        self._housekeeping = threading.Lock()
        self._is_kept = False

    def identity(self, sid: str) -> Identity:
        """Return who a client is, without asking the database.

        :param sid: the client's ``request.sid``.
        :raises Unauthorized: its session has expired.
        """
        me = self._clients.get(sid)
        if me is None:
            raise closing()
        if me.expires_at <= now():
            raise refusal("The session has expired. Sign in again.")
        return me

    def arrive(self, sid: str, me: Identity) -> None:
        """Add a client.

        :param sid: the client's ``request.sid``.
        :param me: who it is.
        :raises Unauthorized: the session has ended meanwhile.
        """
        self._clients[sid] = me
        try:
            self._begin()
            if not self._add(sid, me):
                self._come_back(but=sid)
                if not self._add(sid, me):
                    raise closing()
        except Exception:
            self._clients.pop(sid, None)
            raise

    def depart(self, sid: str) -> None:
        """Remove a client, and tell the others in its rooms; without an effect if it is not there.

        :param sid: the client's ``request.sid``.
        """
        self._clients.pop(sid, None)
        with db.write() as session:
            left = _remove(session, Connection.sid == sid)
        for room, person in left:
            self.tell("left", room, person, skip=sid)

    def tell(self, event: str, room: str, person: Person, *, skip: str | None = None) -> None:
        """Tell those in a room what somebody does.

        :param event: the name of the event.
        :param room: the name of the room.
        :param person: who does it.
        :param skip: the client that is not told.
        """
        self._view.emit(event, InRoom(room, person), to=f"room:{room}", skip=skip)

    def _begin(self) -> None:
        """Look after the clients from the first one on."""
        with self._housekeeping:
            if not self._is_kept:
                if self._pid != os.getpid():
                    # Not before: the server may fork off the process that has the clients.
                    self._pid, self._process_id = os.getpid(), uuid4()
                self._beat()
                self._is_kept = True
                self._view.spawn(self._keep_house)

    def _add(self, sid: str, me: Identity) -> bool:
        """Store a client, unless this process is taken for dead."""
        with db.write() as session:
            # Until the commit nobody takes it for that, and nobody ends the session.
            if session.get(Process, self._process_id, with_for_update=STAYS) is None:
                return False
            checked(session.get(UserSession, me.id, with_for_update={"read": True}))
            session.add(Connection(sid=sid, process_id=self._process_id, session_id=me.id))
        return True

    def _come_back(self, but: str = "") -> None:
        """Say that this process is alive; if others took it for dead, its clients come back."""
        with self._housekeeping:
            known = self._beat()
        if not known:
            for sid in list(self._clients):
                if sid != but:
                    self._view.drop(sid)

    def _keep_house(self) -> None:
        """Look after the clients of this process, until the last one is gone."""
        next_beat = time.monotonic() + BEAT
        while self._is_needed():
            try:
                for sid, me in list(self._clients.items()):
                    if _is_lost(self._view, sid):
                        self.depart(sid)
                    elif me.expires_at <= now():
                        self._end(sid, EXPIRED)
                if time.monotonic() >= next_beat:
                    next_beat = time.monotonic() + BEAT
                    self._look_around()
            except Exception:
                logger.exception("The clients could not be looked after; trying again")
            socketio.sleep(1)

    def _is_needed(self) -> bool:
        with self._housekeeping:
            self._is_kept = bool(self._clients)
            return self._is_kept

    def _look_around(self) -> None:
        self._come_back()
        with db.read() as session:
            clients = select(Connection.sid, UserSession.ended_at).join(UserSession)
            rows = session.execute(clients.where(Connection.process_id == self._process_id)).all()
        # The database may have been away when a client left.
        forgotten = [row.sid for row in rows if row.sid not in self._clients]
        with db.write() as session:
            left = _remove(session, Connection.sid.in_(forgotten)) if forgotten else []
        with db.write() as session:
            left += _bury(session)
        with db.write() as session:
            purge(session, 200)
        for row in rows:
            if row.ended_at and row.sid in self._clients:
                # It was told already, unless the broker lost the message.
                self._end(row.sid, SIGNED_OUT)
        for room, person in left:
            self.tell("left", room, person)

    def _beat(self) -> bool:
        """Say that this process is alive, and return whether it was taken for that until now."""
        with db.write() as session:
            alive = update(Process).where(Process.id == self._process_id).values(seen_at=now())
            known = bool(session.execute(alive.returning(Process.id)).all())
            if not known:
                session.add(Process(id=self._process_id, seen_at=now()))
        return known

    def _end(self, sid: str, reason: Literal["signed out", "expired"]) -> None:
        self._view.emit("session.ended", Ended(reason), to=sid)
        self._view.kick(sid)


def enter(session: Session, sid: str, identity: Identity, room: str) -> bool:
    """Put a client into a room.

    :param session: a transaction that writes.
    :returns: whether the person was not there yet.
    :raises Unauthorized: the client's session has ended.
    :raises Problem: 503, the connection has ended; 409, the client is in too many rooms.
    """
    checked(_locked(session, identity.id))
    if session.get(Connection, sid, with_for_update=STAYS) is None:
        raise closing()
    rooms = session.scalars(select(Membership.room).where(Membership.sid == sid)).all()
    if room in rooms:
        return False
    if len(rooms) >= _MOST_ROOMS:
        raise Problem(409, f"Nobody is in more than {_MOST_ROOMS} rooms. Leave one first.")
    is_new = not _is_in(session, identity.id, room)
    session.add(Membership(room=room, sid=sid))
    return is_new


def leave(session: Session, sid: str, identity: Identity, room: str) -> bool:
    """Take a client out of a room.

    :param session: a transaction that writes.
    :returns: whether the person was there, and is no longer.
    """
    _locked(session, identity.id)
    gone = delete(Membership).where(Membership.sid == sid, Membership.room == room)
    was_in = session.execute(gone.returning(Membership.sid)).first()
    return bool(was_in) and not _is_in(session, identity.id, room)


def people(session: Session, room: str) -> list[Person]:
    """Return who is in a room, by name, up to a hundred of them."""
    rows = session.execute(
        select(UserSession.id, UserSession.name)
        .where(UserSession.id.in_(_sessions_in(room)))
        .order_by(UserSession.name, UserSession.id)
        .limit(_MOST_PEOPLE)
    )
    return [Person(*row) for row in rows]


def head_counts(session: Session, rooms: list[str]) -> dict[str, int]:
    """Return how many people are in each of these rooms that is not empty."""
    rows = session.execute(
        select(Membership.room, func.count(distinct(Connection.session_id)))
        .select_from(Membership)
        .join(Connection)
        .join(Process)
        .where(Membership.room.in_(rooms), Process.seen_at > now() - _SILENCE)
        .group_by(Membership.room)
    )
    return {row[0]: row[1] for row in rows}


def sids_of(session: Session, identity: Identity) -> list[str]:
    """Return the clients of a person, in all processes."""
    rows = session.scalars(select(Connection.sid).where(Connection.session_id == identity.id))
    return list(rows)


def closing() -> Problem:
    """Return the answer to a client whose connection has ended, or is about to."""
    return Problem(503, "The connection is being closed. Connect again.")


def _is_lost(view: FlaskView, sid: str) -> bool:
    """Tell whether a connection ended unheard, which happens while it is being accepted."""
    return socketio.server.manager.connection(sid, view.namespace) is None


def _sessions_in(room: str) -> Select[Any]:
    return (
        select(Connection.session_id)
        .join(Membership, Membership.sid == Connection.sid)
        .join(Process, Process.id == Connection.process_id)
        .where(Membership.room == room, Process.seen_at > now() - _SILENCE)
    )


def _locked(session: Session, person: UUID) -> UserSession | None:
    """Return somebody's session; until the commit, nobody else changes where they are."""
    return session.get(UserSession, person, with_for_update={"key_share": True})


def _is_in(session: Session, person: UUID, room: str) -> bool:
    """Tell whether a person is in a room, with any client."""
    found = _sessions_in(room).where(Connection.session_id == person).limit(1)
    return session.scalar(found) is not None


def _bury(session: Session) -> list[tuple[str, Person]]:
    """Remove the processes that are dead, and return who is in which room no longer."""
    silent = select(Process.id).where(Process.seen_at <= now() - _SILENCE)
    # Those that another process is about to bury are left to it.
    dead = list(session.scalars(silent.with_for_update(skip_locked=True)))
    if not dead:
        return []
    left = _remove(session, Connection.process_id.in_(dead))
    session.execute(delete(Process).where(Process.id.in_(dead)))
    return left


def _remove(session: Session, which: ColumnElement[bool]) -> list[tuple[str, Person]]:
    """Remove connections, and return who is in which room no longer."""
    ids = select(Connection.session_id).where(which)
    people = select(UserSession.id).where(UserSession.id.in_(ids)).order_by(UserSession.id)
    session.execute(people.with_for_update(key_share=True))
    rows = session.execute(
        select(Membership.room, UserSession.id, UserSession.name)
        .distinct()
        .join(Connection, Membership.sid == Connection.sid)
        .join(UserSession, UserSession.id == Connection.session_id)
        .where(which)
    ).all()
    session.execute(delete(Connection).where(which))
    left = [(row.room, Person(row.id, row.name)) for row in rows]
    return [(room, person) for room, person in left if not _is_in(session, person.id, room)]
