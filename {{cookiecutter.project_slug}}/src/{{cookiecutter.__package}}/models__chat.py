"""The tables of the database, one class each.

After a change here: ``db revision`` writes down how to get there, ``db upgrade`` goes there.
"""

from __future__ import annotations

import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


def now() -> datetime.datetime:
    """Return the time, as all tables keep it."""
    return datetime.datetime.now(datetime.UTC)


class Time(TypeDecorator[datetime.datetime]):
    """A point in time; SQLite keeps no offset, so it gets one back on the way out."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime.datetime | None, dialect: Dialect
    ) -> datetime.datetime | None:
        """Return what is stored."""
        return value.astimezone(datetime.UTC) if value else value

    def process_result_value(
        self, value: datetime.datetime | None, dialect: Dialect
    ) -> datetime.datetime | None:
        """Return what was stored."""
        return value.replace(tzinfo=datetime.UTC) if value and not value.tzinfo else value


class Base(DeclarativeBase):
    """What all tables share."""

    type_annotation_map: ClassVar[dict[Any, Any]] = {datetime.datetime: Time, int: BigInteger}
    # A later migration can name what it drops.
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UserSession(Base):
    """A name that somebody goes by, until it ends or expires."""

    __tablename__ = "sessions"

    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    expires_at: Mapped[datetime.datetime]
    ended_at: Mapped[datetime.datetime | None]


class Room(Base):
    """A room, and the number of messages that it has had."""

    __tablename__ = "rooms"

    name: Mapped[str] = mapped_column(String(80), primary_key=True)
    last_id: Mapped[int] = mapped_column(default=0)


class Message(Base):
    """A message; its id counts the messages of its room."""

    __tablename__ = "messages"
    __table_args__ = (UniqueConstraint("room", "author_id", "client_id"), Index(None, "author_id"))

    room: Mapped[str] = mapped_column(ForeignKey("rooms.name"), primary_key=True)
    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    author_id: Mapped[UUID] = mapped_column(ForeignKey("sessions.id"))
    client_id: Mapped[UUID]
    text: Mapped[str] = mapped_column(Text)
    sent_at: Mapped[datetime.datetime]

    author: Mapped[UserSession] = relationship(lazy="joined", innerjoin=True)
